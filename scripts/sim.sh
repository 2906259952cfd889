#!/usr/bin/env bash
# Runs the simulator for as long as it is told to, and writes docs/reliability.md.
#   ./scripts/sim.sh MINUTES [FIRST_SEED]   seeds from FIRST_SEED on [1000000], on two threads
#   ./scripts/sim.sh planted                plants each bug of consensus/src/planted.rs and says what finds it
#   ./scripts/sim.sh twins COUNT [FIRST]    scenarios in the manner of the Twins paper, about 2,000 a minute on two cores
# One seed by itself: aula sim --seed N. What was found and mended stands in node/sim/FOUND.md, and is copied.
set -euo pipefail
. "$(dirname "$0")/prepare.sh"
prepare
cd "$(dirname "$0")/.."
commit=$(git describe --always --dirty)

if [ "${1:-}" = planted ]; then
  # Only the simulator's tests are built: the program refuses to be built with planted bugs.
  log=$(mktemp)
  trap 'rm -f "$log"' EXIT
  code=0
  cargo test --release --locked --workspace --features aula-sim/planted --test planted -- --nocapture >"$log" 2>&1 || code=$?
  grep -a '^planted \|^test \|panicked\|^error\|not found' "$log" || true
  grep -a '^planted ' "$log" | sed 's/^planted \([^:]*\): found by \([^:]*\): \(.*\)/| \1 | \2 | \3 | '"$commit"' |/' >node/sim/PLANTED.md
  exit "$code"
fi
if [ "${1:-}" = twins ]; then
  [ -n "${2:-}" ] || stop "say how many scenarios: ./scripts/sim.sh twins 1000"
  code=0 report=$(mktemp)
  trap 'rm -f "$report"' EXIT
  AULA_SIM_COUNT=$2 AULA_SIM_FIRST=${3:-0} AULA_SIM_REPORT=$report \
    cargo test --release --locked --workspace --test soak -- --ignored --nocapture scenarios_of_twins || code=$?
  [ -s "$report" ] || stop "the simulation did not come to its end"
  sed "s/\$/ at commit $commit |/" "$report" >node/sim/TWINS.md
  exit "$code"
fi
[ -n "${1:-}" ] || stop "say how many minutes: ./scripts/sim.sh 60"
report=$(mktemp)
trap 'rm -f "$report"' EXIT
code=0
AULA_SIM_MINUTES=$1 AULA_SIM_FIRST=${2:-1000000} AULA_SIM_REPORT=$report \
  cargo test --release --locked --workspace --test soak -- --ignored --nocapture hours_of_seeds || code=$?
[ -s "$report" ] || stop "the simulation did not come to its end"
{
  cat <<'TEXT'
# Reliability, as simulated
Written by `scripts/sim.sh`; do not edit. What is real and what is simulated: `node/sim/src/lib.rs`. What must hold:
`node/sim/src/checks.rs`. `aula sim --seed N` replays a seed's history, to the same hash.

| | |
|---|---|
TEXT
  echo "| commit | $commit |"
  cat "$report"
  if [ -s node/sim/TWINS.md ]; then
    printf '\n## Twins\nOne member of four runs twice under one key, and all are dealt into groups again and again (`scripts/sim.sh twins`):\n\n| | | | | |\n|---|---|---|---|---|\n'
    cat node/sim/TWINS.md
  fi
  printf '\n## Planted bugs\nBy what each is found (`scripts/sim.sh planted`; plans stand in `node/sim/plans`, seeds are of 4 members and 120 s):\n\n| bug | found by | violation | at commit |\n|---|---|---|---|\n'
  cat node/sim/PLANTED.md
  printf '\n'
  cat node/sim/FOUND.md
} >docs/reliability.md
echo "docs/reliability.md is written"
exit "$code"
