#!/usr/bin/env bash
# Every attack of the review as its tests: prints `ATTACK n PASS|FAIL detail` for n = 1 to 17, each once.
#   ./scripts/attacks.sh            all, the long ones too
#   ./scripts/attacks.sh 2 10       only these
#   AULA_ATTACKS=short ./scripts/attacks.sh     without the long ones
#   ./scripts/attacks.sh --soak MINUTES         all together on seven validators of which two are hostile: heights a minute,
#                                               honest finality, memory, and whether replay agrees
# A test belongs to attack 7 when its name begins with attack_07_; PASS says that at least one ran and all passed. Long
# ones are marked #[ignore]; what they measured is printed with `attack n:` and stands in the detail.
set -euo pipefail
. "$(dirname "$0")/prepare.sh"
prepare

if [ "${1:-}" = --soak ]; then
  [ -n "${2:-}" ] || stop "say how many minutes: ./scripts/attacks.sh --soak 30"
  cargo test --release --locked --workspace --test network --no-run >&2
  soak_log=$(mktemp)
  code=0
  # What the network's own code says of refused connections is not the result.
  AULA_SOAK_MINUTES=$2 RUST_LOG=off cargo test --release --locked --workspace --test network soak_ -- \
    --include-ignored --nocapture --test-threads=1 >"$soak_log" 2>&1 || code=$?
  grep -ao 'soak: .*\|.*panicked.*\|^error.*' "$soak_log" || true
  rm -f "$soak_log"
  exit "$code"
fi

build
cargo test --release --locked --workspace --no-run >&2
include=(--include-ignored)
[ "${AULA_ATTACKS:-all}" = all ] || include=()
log=$(mktemp)
trap 'rm -f "$log"' EXIT
failed=0

# attack N: runs the tests of one attack, one at a time because they measure.
attack() {
  local name passed bad figures
  name=$(printf 'attack_%02d_' "$1")
  cargo test --release --locked --workspace --no-fail-fast "$name" -- "${include[@]}" --nocapture --test-threads=1 \
    >"$log" 2>&1 || true
  passed=$(awk '/^test result:/ { sum += $4 } END { print sum + 0 }' "$log")
  bad=$(awk '/^test result:/ { sum += $6 } END { print sum + 0 }' "$log")
  figures=$(sed -n "s/.*\(attack $1: .*\)/\1/p" "$log" | tail -n 3 | tr '\n' ';')
  if [ "$bad" = 0 ] && [ "$passed" -gt 0 ] && ! grep -q '^error' "$log"; then
    echo "ATTACK $1 PASS $passed tests; ${figures:-no figures}"
  elif [ "$passed$bad" = 00 ]; then
    echo "ATTACK $1 FAIL no test is named $name*"
    failed=1
  else
    echo "ATTACK $1 FAIL $bad of $((passed + bad)) tests; $(grep -m 3 'panicked at\|^error' "$log" | tr '\n' ';')"
    failed=1
  fi
}

if [ $# = 0 ]; then
  set -- $(seq 17)
fi
for n in "$@"; do
  attack "$n"
done
exit "$failed"
