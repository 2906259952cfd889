// Verifies bundles from stdin (length u32 little endian, bytes) with the WebAssembly; prints "code report" lines.
// Usage: node wasm_door.mjs VERIFIER.wasm GENESIS < CORPUS
import { readFileSync } from "node:fs";
import { load } from "../../verifier/verifier.mjs";

const [, , wasm, genesis] = process.argv;
const verify = await load(readFileSync(wasm));
const founding = readFileSync(genesis);
const corpus = readFileSync(0);
const lines = [];
for (let at = 0; at < corpus.length; ) {
  const length = corpus.readUInt32LE(at);
  const { code, line } = verify(corpus.subarray(at + 4, at + 4 + length), founding);
  lines.push(`${code} ${line}`);
  at += 4 + length;
}
process.stdout.write(lines.join("\n") + "\n");
