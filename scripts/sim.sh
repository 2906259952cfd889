#!/usr/bin/env bash
# Runs the simulator for as long as it is told to, and writes docs/reliability.md.
#   ./scripts/sim.sh MINUTES [FIRST_SEED]   seeds from FIRST_SEED on [1000000], on two threads
#   ./scripts/sim.sh planted                plants each bug of consensus/src/planted.rs and says which seed finds it
# One seed by itself: aula sim --seed N. What was found and mended stands in node/sim/FOUND.md, and is copied.
set -euo pipefail
. "$(dirname "$0")/prepare.sh"
prepare
cd "$(dirname "$0")/.."

if [ "${1:-}" = planted ]; then
  # The program refuses to be built with planted bugs, so it and what builds it are left out.
  cargo test --release --locked --workspace --exclude aula-node --exclude aula-tests --features aula-sim/planted \
    --test planted -- --nocapture | tee node/sim/planted.log | grep -a '^planted \|^test \|panicked'
  grep -a '^planted ' node/sim/planted.log | sed 's/^planted \([^:]*\): found by seed \([0-9]*\): \(.*\)/| \1 | \2 | \3 |/' \
    >node/sim/PLANTED.md
  rm node/sim/planted.log
  exit
fi
[ -n "${1:-}" ] || stop "say how many minutes: ./scripts/sim.sh 60"
report=$(mktemp)
trap 'rm -f "$report"' EXIT
commit=$(git describe --always --dirty)
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
  printf '\n## Planted bugs\nBy which seed each is found (`scripts/sim.sh planted`, 4 members, 120 s):\n\n| bug | seed | violation |\n|---|---|---|\n'
  cat node/sim/PLANTED.md
  printf '\n'
  cat node/sim/FOUND.md
} >docs/reliability.md
echo "docs/reliability.md is written"
exit "$code"
