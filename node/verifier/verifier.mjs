// Runs the committed verifier in a page or in node. `load` takes the bytes of aula_verifier.wasm and gives a function
// (bundle, genesis) => report, both Uint8Array; the report is the object that `aula-audit verify --output json` prints.
export async function load(bytes) {
  const module = await WebAssembly.compile(bytes);
  if (WebAssembly.Module.imports(module).length !== 0) throw new Error("the verifier must import nothing");
  const { exports } = await WebAssembly.instantiate(module, {});
  const put = (slot, input) => {
    const at = exports.aula_input(slot, input.length);
    if (at === 0) throw new Error("the file is larger than the verifier takes");
    // The view is made anew each time: the memory may have grown, which detaches older ones.
    new Uint8Array(exports.memory.buffer, at, input.length).set(input);
  };
  return (bundle, genesis) => {
    put(0, bundle);
    put(1, genesis);
    const code = exports.aula_verify();
    const report = new Uint8Array(exports.memory.buffer, exports.aula_output(), exports.aula_output_length());
    return { code, line: new TextDecoder().decode(report) };
  };
}
