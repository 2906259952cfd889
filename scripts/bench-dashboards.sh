#!/usr/bin/env bash
# Ten thousand dashboards open while events flow: p50 and p99 from an event to the change on its socket, bytes a change, memory.
#   scripts/bench-dashboards.sh [OPEN] [SECONDS] [EVENTS A SECOND]        10000 20 1000 when left out
# Two processes on this machine, each with as many files open as dashboards: raise `ulimit -n` above OPEN + 2000 first.
set -euo pipefail
cd "$(dirname "$0")/.."
export AULA_OPEN="${1:-10000}" AULA_SECONDS="${2:-20}" AULA_RATE="${3:-1000}"
ulimit -n "$(ulimit -Hn)"
[ "$(ulimit -n)" = unlimited ] || [ "$(ulimit -n)" -gt $((AULA_OPEN + 2000)) ] ||
  { echo "only $(ulimit -n) files may be open; raise the hard limit, or measure fewer dashboards" >&2; exit 2; }
cargo test --release --workspace --lib -- --ignored --exact api_tests::dashboards_bench::measure_open_dashboards --nocapture |
  grep -E "open;|events in"
