#!/usr/bin/env bash
# Reads of a node whose chain is long, and what hostile readers do to it. Needs wrk, nginx and python3, and aula built
# (AULA, default target/release/aula). About four minutes, more to write the chain the first time.
#   ./scripts/bench-explorer.sh [DIR]      DIR keeps the chain for the next run; default: a temporary folder
# TRANSACTIONS (200000), ROUNDS (50), DECISIONS (15000), SECONDS_EACH (10) and CONNECTIONS (64) may be set.
#   pages     each page and route of one node, every answer made anew: p99 at most 100 ms (`aula bench reads`)
#   mixed     wrk on ten read routes and pages by turns while four validators decide a block every 250 ms: at least
#             12,000 requests/s, p99 below 500 ms
#   final     wrk on a final block of the chain, from the cache, the validators deciding a block a second: aim 50,000/s;
#             nginx with the same bytes from disk in the same run, and the ratio
#   siege     1,000 streams, slow readers among them, and slow HTTP clients: block interval and memory before and during
#   hostile   absurd requests: what each is answered
# Client, servers and validators share the machine's cores; on few cores the ratios say more than the numbers. Exit 1 when a bar of the first two is missed.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/prepare.sh
aula=$(realpath "${AULA:-$CARGO_TARGET_DIR/release/aula}")
for tool in wrk nginx python3; do
  command -v "$tool" >/dev/null || stop "$tool is missing: apt-get install wrk nginx-light python3"
done
work=$(mktemp -d)
dir=$(realpath -m "${1:-$work/chain}")
seconds=${SECONDS_EACH:-10}
connections=${CONNECTIONS:-64}
net=
nginx_pid=
down() {
  if [ -n "$net" ]; then kill "$net" 2>/dev/null || true; wait "$net" 2>/dev/null || true; net=; fi
  if [ -n "$nginx_pid" ]; then kill "$nginx_pid" 2>/dev/null || true; wait "$nginx_pid" 2>/dev/null || true; nginx_pid=; fi
}
trap 'down; rm -rf "$work"' EXIT

size=(--transactions "${TRANSACTIONS:-200000}" --rounds "${ROUNDS:-50}" --decisions "${DECISIONS:-15000}" --validators 4)
# setting SECTION KEY VALUE: in the configuration of every node.
setting() { sed -i -E "s|^(# )?$2 = .*|$2 = $3|" "$dir"/node-0*/config.toml; }
# up: starts the four validators; sets rpc and pid of the first.
up() {
  "$aula" localnet --validators 4 --home "$dir" --output json >"$work/net.jsonl" 2>"$work/net.err" &
  net=$!
  until grep -q '"ready":true' "$work/net.jsonl"; do
    kill -0 "$net" 2>/dev/null || stop "the validators did not start: $(tail -3 "$work/net.err")"
    sleep 0.2
  done
  read -r rpc pid < <(python3 -c 'import json,sys; n=json.loads(sys.stdin.readline()); print(n["rpc"], n["pid"])' <"$work/net.jsonl")
  python3 scripts/siege.py --rpc "$rpc" --pid "$pid" wait
}
load() { wrk -t2 -c"$connections" -d"${seconds}s" --latency "$@"; }

printf '\n== pages\n'
missed=0
"$aula" bench reads "${size[@]}" --dir "$dir" || { missed=1; echo "missed: pages"; }

setting api reads_per_second 0
setting quotas requests_per_second 0
setting api max_streams 1100
setting consensus idle_block_ms 250
printf '\n== mixed, a block every 250 ms\n'
up
rounds=$((${ROUNDS:-50} - 1))
cat >"$work/mixed.lua" <<LUA
local paths = { "/v1/status", "/v1/blocks", "/v1/transactions", "/v1/rounds/$rounds", "/v1/rounds/$rounds/figures",
  "/v1/pools?class=1", "/", "/rounds/$rounds", "/validators", "/transactions" }
local turn = 0
request = function()
  turn = turn % #paths + 1
  return wrk.format("GET", paths[turn])
end
LUA
load -s "$work/mixed.lua" "$rpc" | tee "$work/mixed.txt"
python3 - "$work/mixed.txt" <<'P' || missed=1
import re, sys
text = open(sys.argv[1]).read()
rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])
slow, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", text).groups()
ms = float(slow) * {"us": 0.001, "ms": 1, "s": 1000}[unit]
if rate < 12_000 or ms >= 500 or "Non-2xx" in text:
    sys.exit(f"missed: mixed, {rate:.0f} requests/s, p99 {ms:.0f} ms{', refusals among them' * ('Non-2xx' in text)}")
P
for path in /v1/status /v1/blocks /v1/rounds/$rounds/figures /; do
  printf '\n-- %s\n' "$path"
  load "$rpc$path" | grep -E '99%|Requests/sec|Non-2xx' || true
done
down

setting consensus idle_block_ms 1000
up
port=$(python3 -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])')
cat >"$work/nginx.conf" <<CONF
worker_processes 2; daemon off; pid $work/nginx.pid; error_log $work/nginx.err;
events { worker_connections 2048; }
http { access_log off; sendfile on; tcp_nopush on; keepalive_requests 10000000; default_type application/json;
  client_body_temp_path $work/a; proxy_temp_path $work/b; fastcgi_temp_path $work/c; uwsgi_temp_path $work/d; scgi_temp_path $work/e;
  open_file_cache max=10; server { listen 127.0.0.1:$port; root $work/www; } }
CONF
mkdir -p "$work/www/v1/blocks"
chmod -R 755 "$work"
nginx -c "$work/nginx.conf" 2>/dev/null &
nginx_pid=$!
sleep 1
rate() { awk '/Requests\/sec/ { print $2 }' "$1"; }
# An idle block, which is of the usual size, and the fullest.
for height in $(python3 scripts/siege.py --rpc "$rpc" --pid "$pid" blocks); do
  file="$work/www/v1/blocks/$height"
  python3 -c 'import sys,urllib.request as u; open(sys.argv[2],"wb").write(u.urlopen(sys.argv[1]).read())' \
    "$rpc/v1/blocks/$height" "$file"
  chmod 644 "$file"
  printf '\n== final: block %s, %s bytes; then nginx\n' "$height" "$(stat -c %s "$file")"
  load "$rpc/v1/blocks/$height" >"$work/final.txt"
  load "http://127.0.0.1:$port/v1/blocks/$height" >"$work/nginx.txt"
  grep -hE '99%|Requests/sec|Non-2xx' "$work/final.txt" "$work/nginx.txt"
  awk -v a="$(rate "$work/final.txt")" -v n="$(rate "$work/nginx.txt")" \
    'BEGIN { printf "ratio to nginx: %.2f (%.0f of %.0f requests/s)\n", a / n, a, n }'
done

printf '\n== siege\n'
ulimit -n "$(ulimit -Hn)" 2>/dev/null || true
python3 scripts/siege.py --rpc "$rpc" --pid "$pid" siege
printf '\n== hostile\n'
python3 scripts/siege.py --rpc "$rpc" --pid "$pid" hostile
down
exit $missed
