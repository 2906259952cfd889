#!/usr/bin/env bash
# Every fuzz target for a while: decoders of what strangers send, and the optimizer.
#   ./scripts/fuzz.sh              each for 600 s
#   ./scripts/fuzz.sh 60           each for 60 s
#   ./scripts/fuzz.sh 60 bundle    only this one
# Needs a nightly toolchain (rustup toolchain install nightly). Begins with the seeds that stand beside the targets and goes
# on with what earlier runs found, in TARGET/fuzz. A crash ends the script: its input is where the last lines say.
set -euo pipefail
. "$(dirname "$0")/prepare.sh"
fuzz_version=0.13.2
seconds="${1:-600}" only="${2:-}"
folders=(twin-runtime/allocation/fuzz ledger/fuzz consensus/fuzz node/vault/fuzz node/estate/fuzz node/ingest/fuzz)

rustup run nightly rustc --version >/dev/null 2>&1 ||
  stop "libFuzzer needs a nightly toolchain: rustup toolchain install nightly"
prepare
export PATH="$CARGO_TARGET_DIR/tools/bin:$PATH"
tools="$CARGO_TARGET_DIR/tools"
cargo fuzz --version 2>/dev/null | grep -qF "$fuzz_version" ||
  step "Getting cargo-fuzz" cargo install --quiet --locked --debug --root "$tools" --target-dir "$tools/build" \
    "cargo-fuzz@$fuzz_version"

# one FOLDER TARGET
one() {
  local folder=$1 target=$2 found="$CARGO_TARGET_DIR/fuzz/$2" seeds=()
  mkdir -p "$found"
  # The versions that the program is built with.
  [ -e "$folder/Cargo.lock" ] || cp Cargo.lock "$folder/"
  [ ! -d "$folder/seeds/$target" ] || seeds=("$folder/seeds/$target")
  CARGO_TARGET_DIR="$CARGO_TARGET_DIR/fuzz/build" nice -n 19 cargo +nightly fuzz run --fuzz-dir "$folder" "$target" \
    "$found" "${seeds[@]}" -- -max_total_time="$seconds" -rss_limit_mb=4096 -timeout=20 -print_final_stats=1 2>&1 |
    tee "$CARGO_TARGET_DIR/fuzz/$target.log" | grep -E "^(stat::|==|SUMMARY|artifact|thread .*panicked|.*Test unit written)"
}

for folder in "${folders[@]}"; do
  while read -r target; do
    [ -z "$only" ] || [ "$only" = "$target" ] || continue
    step "$folder: $target, $seconds s" one "$folder" "$target"
  done < <(sed -n 's/^name = "\(.*\)"$/\1/p' "$folder/Cargo.toml" | tail -n +2)
done
