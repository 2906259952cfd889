#!/usr/bin/env bash
# Seven nodes, each in a network namespace of its own, with round trips of 20 to 150 ms between them and 1% of all packets lost: finality,
# blocks and records while idle and under load, then partitions that are healed. Needs root, iproute2, /dev/net/tun and
# python3. The packets pass through scripts/wan-relay.py, since kernels without the module netem are common where this is run.
#   ./scripts/wan.sh                     one line of JSON a phase, and at the end whether all nodes agree
# AULA (target/release/aula), SECONDS_EACH (30), CUT (15, the seconds of a partition), LOAD (10 transactions a second in all) and LOSS (1) may
# be set.
set -euo pipefail
aula=$(realpath "${AULA:-target/release/aula}")
each=${SECONDS_EACH:-30} cut_for=${CUT:-15} load=${LOAD:-10} loss=${LOSS:-1} count=7
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d) prefix=aulawan$$- pids=
tidy() {
  for one in $pids; do kill "$one" 2>/dev/null || true; done
  for one in $pids; do wait "$one" 2>/dev/null || true; done
  for n in $(seq "$count"); do ip netns del "$prefix$n" 2>/dev/null || true; done
  [ -n "${KEEP:-}" ] || rm -rf "$work"
}
trap tidy EXIT
stop() { printf 'stopped: %s\n' "$1" >&2; exit 1; }
[ "$(id -u)" = 0 ] || stop "namespaces need root"
[ -e /dev/net/tun ] || stop "this machine has no /dev/net/tun"

for n in $(seq "$count"); do
  ip netns add "$prefix$n"
  ip -n "$prefix$n" link set lo up
done
: >"$work/groups"
python3 "$here/wan-relay.py" "$prefix" "$count" "$work/groups" --loss "$loss" >"$work/relay" &
relay=$! pids="$pids $relay"
for _ in $(seq 100); do grep -q ready "$work/relay" && break; sleep 0.1; done
grep -q ready "$work/relay" || stop "the relay does not come up"

operators=()
for n in $(seq "$count"); do
  "$aula" init --home "$work/$n" --name "node-$n" --p2p "/ip4/10.77.0.$n/tcp/8481" >/dev/null 2>&1
  operators+=("$work/$n/operator.json")
done
accounts=$(python3 - "${operators[@]}" <<'PY'
import json, sys
members = [{"name": f"node-{n}", "roles": ["consortium", "funder"], "public_key": json.load(open(path))["account"]}
           for n, path in enumerate(sys.argv[1:], 1)]
print(json.dumps({"members": members}))
PY
)
printf '%s' "$accounts" >"$work/base.json"
"$aula" genesis --name wan --operator "${operators[@]}" --base "$work/base.json" -o "$work/genesis.json" >/dev/null 2>&1
for n in $(seq "$count"); do
  "$aula" join --home "$work/$n" --genesis "$work/genesis.json" --listen 127.0.0.1:8480 >/dev/null 2>&1
  ip netns exec "$prefix$n" "$aula" start --home "$work/$n" >"$work/$n.up" 2>"$work/$n.log" &
  pids="$pids $!"
done

at() { local n=$1; shift; ip netns exec "$prefix$n" "$@"; }
status() { at "$1" "$aula" status --rpc http://127.0.0.1:8480 --output json 2>/dev/null || true; }
field() { python3 -c 'import json,sys
text = sys.stdin.read()
try: told = json.loads(text)
except ValueError: told = {}
for word in sys.argv[1].split("."): told = (told or {}).get(word)
print("" if told is None else told)' "$1"; }
height() { status "$1" | field height; }
reach() { # node, height, seconds
  for _ in $(seq $(($3 * 5))); do
    local now; now=$(height "$1")
    if [ -n "$now" ] && [ "$now" -ge "$2" ]; then return; fi
    sleep 0.2
  done
  stop "node $1 is not at height $2 after $3 s; see $work"
}
phase() { # name, node: what happened in the last seconds
  local from=$1 name=$2 seconds=$3 node=$4 told; told=$(status "$node")
  printf '{"phase":"%s","seconds":%s,"blocks":%s,"transactions":%s,"finality_p50_ms":%s,"finality_p99_ms":%s}\n' "$name" "$seconds" \
    $(($(echo "$told" | field height) - ${from%% *})) $(($(echo "$told" | field transactions) - ${from##* })) \
    "$(echo "$told" | field finality.p50_ms)" "$(echo "$told" | field finality.p99_ms)"
}
now() { local told; told=$(status "$1"); echo "$(echo "$told" | field height) $(echo "$told" | field transactions)"; }

for n in $(seq "$count"); do reach "$n" 3 120; done
python3 "$here/wan-watch.py" "$prefix" "$count" >"$work/heights" &
pids="$pids $!"
began=$(now 1); sleep "$each"; phase "$began" idle "$each" 1

# Each node's operator funds, again and again.
senders=
for n in $(seq "$count"); do
  (while :; do
    at "$n" "$aula" funder fund --home "$work/$n" --year 2026 --cents 1 >/dev/null 2>>"$work/$n.sent" || true
    sleep "$(python3 -c "print($count / $load)")"
  done) &
  senders="$senders $!"
done
pids="$pids $senders"
began=$(now 1); sleep "$each"; phase "$began" load "$each" 1

# A block's field, as a node has it.
block() {
  at "$1" python3 -c "import json,urllib.request; print(json.load(urllib.request.urlopen('http://127.0.0.1:8480/v1/blocks/$2'))['$3'])"
}
# When, after a moment, the last node was seen to have a height (scripts/wan-watch.py asks all of them ten times a second).
seen() { # height, milliseconds
  python3 - "$work/heights" "$count" "$1" "$2" <<'PY'
import sys
path, count, height, since = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
first = {}
for line in open(path, encoding="ascii"):
    at, node, seen = map(int, line.split())
    if seen >= height:
        first.setdefault(node, at - since)
print(max(first.values()) if len(first) == count else "null")
PY
}
# Cut apart; only a side of more than two thirds goes on. Then healed: how long after that, by the blocks' own times, the first block above
# all that was known before is made (before it was healed, where it was proposed then and is decided now), and how long until the last node
# was seen to have it.
for groups in "1,2,3,4,5 6,7" "1,2,3 4,5,6,7" "1,3,5 2,4 6,7" "1 2,3,4,5,6,7"; do
  echo "$groups" >"$work/groups"
  sleep 2
  before=$(now 2)
  sleep "$cut_for"
  cut=$(($(height 2) - ${before%% *}))
  top=0
  for n in $(seq "$count"); do h=$(height "$n"); [ "${h:-0}" -le "$top" ] || top=$h; done
  : >"$work/groups"
  healed=$(date +%s%3N)
  for n in $(seq "$count"); do reach "$n" $((top + 1)) 90; done
  sleep 0.5
  level=$(seen $((top + 1)) "$healed") made=$(($(block 1 $((top + 1)) time_ms) - healed))
  printf '{"phase":"partition %s","cut_s":%s,"blocks_at_node_2":%s,"next_block_made_after_ms":%s,"seen_level_after_ms":%s}\n' \
    "$groups" "$cut_for" "$cut" "$made" "$level"
done
for one in $senders; do kill "$one" 2>/dev/null || true; done
sleep 3
top=$(height 1)
for n in $(seq "$count"); do reach "$n" "$top" 60; done
agree=$(for n in $(seq "$count"); do block "$n" "$top" hash; done | sort -u | wc -l)
kill "$relay"; wait "$relay" 2>/dev/null || true
printf '{"phase":"end","height":%s,"blocks_at_that_height":%s,"packets":%s}\n' "$top" "$agree" "$(tail -1 "$work/relay")"
[ "$agree" = 1 ] || stop "the nodes disagree at height $top"
