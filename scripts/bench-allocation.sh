#!/usr/bin/env bash
# The optimizer beside its peers on the same instances: cpu time of one thread, median of REPS (5), runs alternating.
#   TOOLS=dir ./scripts/bench-allocation.sh [FAMILY...]       default: every dense family, sparse5, schools
# Families beside those of the tools: square (capacity 1; PEERS=lap, SIZES="2000 2000") and worst-NAME for each of
# twin-runtime/allocation/benches/families (WORST: the built benchmark `work_bound`, else cargo builds it).
# TOOLS holds gen_instances.py, bench_peers.py and the built lemon_peer; PYTHON (python3) has numpy, ortools, POT, lap.
# SIZES ("15000 400"), SEEDS ("1 2 3"), PEERS, REPS and AULA (target/release/aula) may be set. Prints milliseconds.
set -euo pipefail
tools=${TOOLS:?the directory of the measuring tools}
python=${PYTHON:-python3}
aula=${AULA:-target/release/aula}
read -r n k <<<"${SIZES:-15000 400}"
peers=${PEERS:-lemon_ns,pot_emd,ortools_mcf}
reps=${REPS:-5}
families=("$@")
[ ${#families[@]} -gt 0 ] || families=(uniform geo tight over3 under ties hotspot floors sparse5 schools)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

square() {
  "$python" - "$tools" "$n" "$1" "$2" <<'PY'
import sys
sys.path.insert(0, sys.argv[1])
import gen_instances as g, numpy as np
n, seed, out = int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
costs = np.random.Generator(np.random.PCG64([seed, n])).integers(1, 10001, (n, n), dtype=np.int32)
g.write(out, np.ones(n, np.int32), np.zeros(n, np.int32), costs)
PY
}

generate() {
  case $1 in
  square) square "$2" "$3" ;;
  worst-*)
    if [ -n "${WORST:-}" ]; then
      AULA_SRAP_OUT="${1#worst-}:$n:$k:$2:$3" "$WORST"
    else
      AULA_SRAP_OUT="${1#worst-}:$n:$k:$2:$3" cargo bench --quiet -p aula-allocation --bench work_bound
    fi ;;
  *) "$python" "$tools/gen_instances.py" "$1" "$n" "$k" "$2" "$3" ;;
  esac
}

printf '%-18s %4s %10s %9s %14s %9s %7s %s\n' family seed aula_ms audit_ms best_peer peer_ms ratio objective
for family in "${families[@]}"; do
  for seed in ${SEEDS:-1 2 3}; do
    file="$work/$family.srap"
    generate "$family" "$seed" "$file"
    for _ in $(seq "$reps"); do
      "$aula" optimize "$file" --max-work 100000000000 --output json >>"$work/aula.jsonl"
      "$python" "$tools/bench_peers.py" "$file" --peers "$peers" --timeout 300 >>"$work/peers.jsonl"
    done
    "$python" - "$work" "$family" "$seed" <<'PY'
import json, statistics, sys
work, family, seed = sys.argv[1:]
own = [json.loads(line) for line in open(f"{work}/aula.jsonl")]
assert all(r["optimal"] for r in own)
times = {}
for line in open(f"{work}/peers.jsonl"):
    run = json.loads(line)
    # A peer that found no optimum (−1) solved something else: LEMON does not know schools.
    if run.get("cpu_s") is not None and run["objective"] is not None and run["objective"] >= 0:
        assert run["objective"] == own[0]["objective"], (run, own[0])
        times.setdefault(run["peer"], []).append(run["cpu_s"] * 1000)
best = min(times, key=lambda p: statistics.median(times[p]))
mine, other = statistics.median(r["cpu_ms"] for r in own), statistics.median(times[best])
audit = statistics.median(r["audit_ms"] for r in own)
print(f"{family:<18} {seed:>4} {mine:>10.1f} {audit:>9.1f} {best:>14} {other:>9.1f} {other / mine:>7.2f} {own[0]['objective']}", flush=True)
PY
    rm -f "$file" "$work"/*.jsonl
  done
done
