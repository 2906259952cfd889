#!/usr/bin/env bash
# What telling spans costs, and whether another maker's decoder reads them. Three nodes of the same chain's kind run side by side: one tells no spans, one tells
# them to a collector that is not there, one to a collector. Each is asked the same request in a closed loop, in turns, many short laps each in an
# order that is drawn anew, so that whatever else the machine does falls on all three; told are requests a second and their ratios. The request is the
# cheapest that the node has, a span each: nothing costs more in proportion. Exit 1 when the decoder does not know a field, or nothing came.
# Usage: traces-cost.sh PATH/TO/aula    (PYTHON names one with PyPI opentelemetry-proto; Debian: nghttp2-client, curl)
#   LAPS=9, SECONDS_EACH=4: of each of the three; ONE_IN=1: of how many traces one is told
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
aula=$(realpath "${1:?where is aula?}")
python=${PYTHON:-python3} laps=${LAPS:-9} seconds=${SECONDS_EACH:-4}
. "$here/loopback.sh"
read -r port _ < <(free_ports 20)
"$python" "$here/traces/collector.py" "$((port + 19))" >"$work/collector" 2>"$work/collector.log" & collector=$!
declare -A at=([off]=$((port + 2)) [nobody]=$((port + 6)) [told]=$((port + 10)))
n=0
for name in off nobody told; do
  home=$work/$name
  chain_of_one "$home" lake "$((port + n))" "$work/$name.json"
  sed -i 's/^# max_connections_per_address = .*/max_connections_per_address = 0/; s/^# reads_per_second = .*/reads_per_second = 0/; s/^# requests_per_second = .*/requests_per_second = 1000000/' "$home/config.toml"
  # Nothing listens at discard's port.
  case $name in nobody) to=http://127.0.0.1:9 ;; told) to=http://127.0.0.1:$((port + 19)) ;; *) to='' ;; esac
  [ -z "$to" ] || sed -i "s|^#   otlp = .*|otlp = \"$to\"|; s/^# one_in = .*/one_in = ${ONE_IN:-1}/" "$home/config.toml"
  "$aula" start --home "$home" --listen "127.0.0.1:${at[$name]}" >/dev/null 2>"$work/$name.log" &
  n=$((n + 4))
done
for name in off nobody told; do
  ready "${at[$name]}/readyz"
done
for lap in $(seq "$laps"); do
  for name in $(printf '%s\n' off nobody told | shuf); do
    nice -n 10 h2load --h1 -t1 -c16 -m1 -D "$seconds" --warm-up-time=1 "http://127.0.0.1:${at[$name]}/v1/status" >"$work/lap" 2>&1
    python3 - "$name" "$work/lap" >>"$work/laps" <<'P'
import re, sys
text = open(sys.argv[2]).read()
good = re.search(r"status codes: (\d+) 2xx, 0 3xx, 0 4xx, 0 5xx", text)
print(sys.argv[1], re.search(r"finished in [\d.]+\w+, ([\d.]+) req/s", text).group(1) if good else f"refused {text[-400:]!r}")
P
  done
done
dropped() { curl -s --noproxy '*' "http://127.0.0.1:${at[$1]}/metrics" | awk '/^aula_spans_dropped_total/ {print $2}'; }
python3 - "$work/laps" "$seconds" "$(dropped nobody)" "$(dropped told)" <<'P'
import json, statistics, sys
laps = {}
for row in open(sys.argv[1]):
    name, number = row.split(maxsplit=1)
    laps.setdefault(name, []).append(float(number))
middle = {name: round(statistics.median(numbers)) for name, numbers in laps.items()}
ratio = lambda name: [round(numbers, 3) for numbers in (statistics.median(laps[name]) / statistics.median(laps["off"]),
                                                        *statistics.quantiles([one / two for one, two in zip(laps[name], laps["off"])], n=4)[::2])]
print(json.dumps({"requests_a_second": middle, "laps": len(laps["off"]), "seconds_each": float(sys.argv[2]),
                  "nobody_there_to_off": ratio("nobody"), "told_to_off": ratio("told"), "of_each": "ratio of medians, then the quartiles of the laps' ratios",
                  "dropped": {"nobody": sys.argv[3], "told": sys.argv[4]}}))
P
kill "$collector"
ended=0
wait "$collector" || ended=$?
cat "$work/collector"
[ "$ended" = 0 ] || tail -3 "$work/collector.log"
exit "$ended"
