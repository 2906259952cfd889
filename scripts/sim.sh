#!/usr/bin/env bash
# Runs the simulator for as long as it is told to, and writes docs/reliability.md from what stands in node/sim.
#   ./scripts/sim.sh MINUTES [FIRST_SEED]      seeds from FIRST_SEED on [1000000], on two threads: node/sim/SEEDS.md
#   ./scripts/sim.sh planted                   plants each bug of consensus/src/planted.rs and says what finds it: PLANTED.md
#   ./scripts/sim.sh twins COUNT [FIRST]       scenarios in the manner of the Twins paper, about 2,000 a minute on two cores;
#                                              the row comes to those of TWINS.md, in place of one of the same range
#   ./scripts/sim.sh twins-of COMMIT FILE...   the same of rows that runs elsewhere wrote at that commit: node/sim's test
#                                              scenarios_of_twins with AULA_SIM_FIRST, AULA_SIM_COUNT and AULA_SIM_REPORT=FILE
#   ./scripts/sim.sh page                      writes the page again, and runs nothing
# One seed by itself: aula sim --seed N. What was found and mended stands in node/sim/FOUND.md, and is copied.
set -euo pipefail
from=$PWD
. "$(dirname "$0")/prepare.sh"
rows=node/sim/TWINS.md

# page: the page, of what node/sim says.
page() {
  {
    cat <<'TEXT'
# Reliability, as simulated
Written by `scripts/sim.sh`; do not edit. What is real and what is simulated: `node/sim/src/lib.rs`. What must hold:
`node/sim/src/checks.rs`. `aula sim --seed N` replays a seed's history, to the same hash.

| | |
|---|---|
TEXT
    cat node/sim/SEEDS.md
    if [ -s "$rows" ]; then
      printf '\n## Twins\nOne member of four runs twice under one key, and all are dealt into groups again and again for 20 s (`scripts/sim.sh twins`).\n'
      printf 'A scenario goes on until every correct member has decided two more heights after that. Those that are not judged for progress here\n'
      printf 'ran at earlier commits: they ended 6 s after it, whether the chain went on or not, and say something of safety alone.\n\n'
      printf '| scenarios | how many | heights | node-hours | equivocations seen by correct members | violations | judged for progress | at commit |\n|---|---|---|---|---|---|---|---|\n'
      cat "$rows"
      awk -F'[| ]+' '{ count += $5; heights += $6; hours += $7; seen += $8; violations += $9; judged += $10 }
        END { printf "| all | %d | %d | %.1f | %d | %d | %d | |\n", count, heights, hours, seen, violations, judged }' "$rows"
    fi
    printf '\n## Planted bugs\nBy what each is found (`scripts/sim.sh planted`; plans stand in `node/sim/plans`, seeds are of 4 members and 120 s):\n\n| bug | found by | violation | at commit |\n|---|---|---|---|\n'
    cat node/sim/PLANTED.md
    printf '\n'
    cat node/sim/FOUND.md
  } >docs/reliability.md
  echo "docs/reliability.md is written"
}

# refuse_across FIRST LAST: a range that lies across a listed one would count its scenarios twice; the same range may run again.
refuse_across() {
  local across
  across=$(awk -F'[| ]+' -v first="$1" -v last="$2" \
    '$2 <= last + 0 && first + 0 <= $4 && !($2 == first + 0 && $4 == last + 0) { print $2 " to " $4 }' "$rows")
  [ -z "$across" ] || stop "scenarios $1 to $2 lie across ${across//$'\n'/, } of $rows: run others, or take those rows out"
}

# add_twins COMMIT FILE: a run's rows come to those of TWINS.md, in the order of their scenarios. A range that was run again
# is listed once, as it came out last.
add_twins() {
  local commit=$1 row first last added=0
  local form='^\| ([0-9]+) scenarios from ([0-9]+) on \| ([0-9]+) heights, ([0-9.]+) node-hours \| ([0-9]+) equivocations seen by correct members \| ([0-9]+) violations \|( ([0-9]+) judged for progress \|)?$'
  [ -s "$2" ] || stop "$2 holds no row: the run did not come to its end, or AULA_SIM_REPORT named another file"
  touch "$rows"
  while IFS= read -r row || [ -n "$row" ]; do
    [[ $row =~ $form ]] || stop "$2 holds a line that is not a row of scenarios_of_twins: $row"
    [ "${BASH_REMATCH[1]}" -gt 0 ] || continue
    first=${BASH_REMATCH[2]} last=$((BASH_REMATCH[2] + BASH_REMATCH[1] - 1))
    refuse_across "$first" "$last"
    {
      awk -F'[| ]+' -v first="$first" '$2 != first + 0' "$rows"
      echo "| $first to $last | ${BASH_REMATCH[1]} | ${BASH_REMATCH[3]} | ${BASH_REMATCH[4]} | ${BASH_REMATCH[5]} | ${BASH_REMATCH[6]} | ${BASH_REMATCH[8]:-0} | $commit |"
    } | sort -t'|' -k2,2n >"$rows.new"
    mv "$rows.new" "$rows"
    added=$((added + 1))
  done <"$2"
  echo "listed of $2: $added" >&2
}

case "${1:-}" in
page)
  page
  exit
  ;;
twins-of)
  [ $# -ge 3 ] || stop "say at which commit the scenarios ran, and the files of their rows: ./scripts/sim.sh twins-of COMMIT FILE..."
  commit=$(git rev-parse --verify --quiet --short=8 "$2^{commit}") || stop "$2 is not a commit of this repository"
  for file in "${@:3}"; do
    case $file in /*) ;; *) file=$from/$file ;; esac
    add_twins "$commit" "$file"
  done
  page
  exit
  ;;
esac

prepare
commit=$(git describe --always --dirty)
log=$(mktemp) report=$(mktemp)
trap 'rm -f "$log" "$report"' EXIT
code=0
case "${1:-}" in
planted)
  # Only the simulator's tests are built: the program refuses to be built with planted bugs.
  # What is found is told as it comes.
  cargo test --release --locked --workspace --features aula-sim/planted --test planted -- --ignored --nocapture 2>&1 | tee "$log" |
    { grep -a --line-buffered '^planted \|^test \|panicked\|^error\|not found' || true; } || code=${PIPESTATUS[0]}
  # No test that is called so would pass as well.
  grep -qa '^planted ' "$log" || stop "no planted bug was tried: $(tail -n 1 "$log")"
  # One bug by itself (AULA_SIM_BUG) leaves the others' rows.
  if [ -n "${AULA_SIM_BUG:-}" ]; then grep -v "^| $AULA_SIM_BUG |" node/sim/PLANTED.md >"$report" || true; fi
  grep -a '^planted ' "$log" | sed 's/^planted \([^:]*\): found by \([^:]*\): \(.*\)/| \1 | \2 | \3 | '"$commit"' |/' >>"$report"
  cat "$report" >node/sim/PLANTED.md
  ;;
twins)
  [ -n "${2:-}" ] || stop "say how many scenarios: ./scripts/sim.sh twins 1000"
  touch "$rows"
  refuse_across "${3:-0}" $((${3:-0} + $2 - 1))
  AULA_SIM_COUNT=$2 AULA_SIM_FIRST=${3:-0} AULA_SIM_REPORT=$report \
    cargo test --release --locked --workspace --test soak -- --ignored --nocapture scenarios_of_twins || code=$?
  [ -s "$report" ] || stop "the simulation did not come to its end"
  add_twins "$commit" "$report"
  ;;
*)
  [ -n "${1:-}" ] || stop "say how many minutes: ./scripts/sim.sh 60"
  AULA_SIM_MINUTES=$1 AULA_SIM_FIRST=${2:-1000000} AULA_SIM_REPORT=$report \
    cargo test --release --locked --workspace --test soak -- --ignored --nocapture hours_of_seeds || code=$?
  [ -s "$report" ] || stop "the simulation did not come to its end"
  { echo "| commit | $commit |"; cat "$report"; } >node/sim/SEEDS.md
  ;;
esac
page
exit "$code"
