#!/usr/bin/env bash
# Builds node/verifier/aula_verifier.wasm and its SHA-256 with Debian's compiler for the web.
#   apt-get install rustc-web rust-web-src lld-19     once
#   ./scripts/build-verifier-wasm.sh [--check]        --check compares with the committed file instead of replacing it
# The toolchain of this repository has no WebAssembly target; rustc-web has, and builds std from its own sources.
set -euo pipefail
cd "$(dirname "$0")/.."
compiler="${RUSTC_WEB:-/usr/bin/rustc}"
out=node/verifier/aula_verifier.wasm
"$compiler" --version | grep -q . || { echo "no compiler at $compiler: apt-get install rustc-web rust-web-src" >&2; exit 2; }
export CARGO_TARGET_DIR="${AULA_WASM_TARGET:-${CARGO_TARGET_DIR:-target}/wasm}"
export RUSTC="$compiler" RUSTC_BOOTSTRAP=1 CARGO_INCREMENTAL=0
export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER="${WASM_LD:-/usr/bin/wasm-ld-19}"
# Paths of the machine must not enter the file, or no two builds agree.
export RUSTFLAGS="--remap-path-prefix=$PWD=aula --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo --remap-path-prefix=$("$compiler" --print sysroot)=sysroot"
export CARGO_PROFILE_RELEASE_LTO=fat CARGO_PROFILE_RELEASE_OPT_LEVEL=s CARGO_PROFILE_RELEASE_PANIC=abort
export CARGO_PROFILE_RELEASE_CODEGEN_UNITS=1 CARGO_PROFILE_RELEASE_DEBUG=false CARGO_PROFILE_RELEASE_STRIP=symbols
${CARGO:-cargo} build --release --locked -p aula-verifier --target wasm32-unknown-unknown -Zbuild-std=std,panic_abort
built="$CARGO_TARGET_DIR/wasm32-unknown-unknown/release/aula_verifier.wasm"
if [ "${1:-}" = --check ]; then
  cmp "$built" "$out" && echo "the committed verifier is what these sources build" >&2
  exit
fi
cp "$built" "$out"
(cd node/verifier && sha256sum aula_verifier.wasm > aula_verifier.wasm.sha256)
echo "$(stat -c %s "$out") bytes, sha256 $(cut -d' ' -f1 node/verifier/aula_verifier.wasm.sha256)" >&2
