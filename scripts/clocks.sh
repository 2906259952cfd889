#!/usr/bin/env bash
# Four nodes as processes whose clocks jump while they run: all two years ahead and back, and one an hour ahead and behind. A line of JSON
# a phase: the blocks made in it, the longest wait for one, how far the newest block's time is from the true one, and which nodes say that
# they are not ready, with the reason's word. It fails when a phase makes fewer than three blocks, when the one whose clock is an hour
# behind, or fast, does not say so (or another one says that it is fast), or when a node's replay or the nodes' blocks do not agree at the end.
#   ./scripts/clocks.sh                  Debian's package faketime must be there; AULA (target/release/aula) and SECONDS_EACH (20) may be set
set -euo pipefail
aula=$(realpath "${AULA:-target/release/aula}")
each=${SECONDS_EACH:-20} count=4 port=${PORT:-18700}
work=$(mktemp -d) pids=
tidy() {
  for one in $pids; do kill "$one" 2>/dev/null || true; done
  for one in $pids; do wait "$one" 2>/dev/null || true; done
  [ -n "${KEEP:-}" ] || rm -rf "$work"
}
trap tidy EXIT
stop() { printf 'stopped: %s\n' "$1" >&2; exit 1; }
library=$(find /usr/lib -name libfaketimeMT.so.1 2>/dev/null | head -n 1)
[ -n "$library" ] || stop "libfaketimeMT.so.1 is missing: apt-get install faketime"

rpc() { echo "127.0.0.1:$((port + $1))"; }
operators=()
for n in $(seq "$count"); do
  "$aula" init --home "$work/$n" --name "node-$n" --p2p "/ip4/127.0.0.1/tcp/$((port + 100 + 2 * n))" >/dev/null 2>&1
  operators+=("$work/$n/operator.json")
done
python3 - "${operators[@]}" >"$work/base.json" <<'PY'
import json, sys
members = [{"name": f"node-{n}", "roles": ["consortium", "funder"], "public_key": json.load(open(path))["account"]}
           for n, path in enumerate(sys.argv[1:], 1)]
print(json.dumps({"members": members}))
PY
"$aula" genesis --name clocks --operator "${operators[@]}" --base "$work/base.json" -o "$work/genesis.json" >/dev/null 2>&1
for n in $(seq "$count"); do
  "$aula" join --home "$work/$n" --genesis "$work/genesis.json" --listen "$(rpc "$n")" >/dev/null 2>&1
  echo "+0" >"$work/$n.clock"
  # The clock of waits and timers is the machine's own: only what a node takes for the time of day jumps.
  LD_PRELOAD=$library FAKETIME_TIMESTAMP_FILE="$work/$n.clock" FAKETIME_DONT_FAKE_MONOTONIC=1 FAKETIME_CACHE_DURATION=1 \
    "$aula" start --home "$work/$n" >"$work/$n.up" 2>"$work/$n.log" &
  pids="$pids $!"
done

# Looks on for a while and tells what was seen; the last word is whether the chain went on.
look() { # name, seconds, who is not ready at its end and why
  python3 - "$1" "$2" "$count" "$port" "${3:-}" <<'PY'
import json, sys, time, urllib.error, urllib.request
name, seconds, count, port, expected = sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]
def ask(n, path):
    try:
        return json.load(urllib.request.urlopen(f"http://127.0.0.1:{port + n}{path}", timeout=2))
    except OSError:
        return {}
def unready(n):
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port + n}/readyz", timeout=2)
        return None
    except urllib.error.HTTPError as refused:
        return f"node {n}: {json.load(refused)['error']['code']}"
    except OSError:
        return f"node {n}: no answer"
began, first, last, seen, longest = time.monotonic(), None, None, None, 0.0
while time.monotonic() - began < seconds:
    tops = [ask(n, "/v1/status").get("height") or 0 for n in range(1, count + 1)]
    top, now = max(tops), time.monotonic()
    first = top if first is None else first
    if top != last:
        longest, last, seen = max(longest, now - (seen or now)), top, now
    time.sleep(0.1)
longest = max(longest, time.monotonic() - (seen or began))
ahead = ask(1, f"/v1/blocks/{last}").get("time_ms", 0) / 1000 - time.time()
remarks = [remark for n in range(1, count + 1) if (remark := unready(n))]
print(json.dumps({"phase": name, "seconds": seconds, "blocks": last - first, "longest_wait_s": round(longest, 2),
                  "newest_block_ahead_s": round(ahead, 1), "not_ready": remarks}), flush=True)
sys.exit(0 if last - first >= 3 and (not expected or expected in remarks) else 1)
PY
}
clocks() { # offset, nodes...
  local offset=$1 n
  shift
  for n in "$@"; do echo "$offset" >"$work/$n.clock.new"; mv "$work/$n.clock.new" "$work/$n.clock"; done
  sleep 1.5
}
# Whether a node says that its clock is fast.
is_fast() {
  local said
  said=$(curl -sf --max-time 10 "http://$(rpc "$1")/v1/status") || stop "node $1 does not answer"
  grep -q '"attention":"[^"]*clock is fast' <<<"$said"
}
phase() { look "$1" "$each" "${2:-}" || stop "phase '$1' made fewer than three blocks, or a node does not say what it must; logs in $work (KEEP=1 keeps them)"; }

for _ in $(seq 600); do
  curl -s "http://$(rpc 1)/v1/status" | grep -q '"height":[3-9]' && break
  sleep 0.2
done
# One operator's transactions the whole time.
(while :; do "$aula" funder fund --home "$work/1" --rpc "http://$(rpc 1)" --year 2026 --cents 1 >/dev/null 2>>"$work/sent" || true; sleep 0.5; done) &
pids="$pids $!"
phase "true clocks"
clocks +1h 2; phase "one an hour ahead"
is_fast 2 || stop "node 2 does not say that its clock is fast"
is_fast 1 && stop "node 1 says that its clock is fast, and it is not"
clocks -1h 2; phase "one an hour behind" "node 2: clock_behind"
clocks +0 2; phase "that one true again"
is_fast 2 && stop "node 2 still says that its clock is fast"
clocks +2y 1 2 3 4; phase "all two years ahead"
clocks +0 1 2 3 4; phase "all back"
top=$(curl -s "http://$(rpc 1)/v1/status" | python3 -c 'import json,sys; print(json.load(sys.stdin)["height"])')
sleep 3
hashes=$(for n in $(seq "$count"); do
  curl -s --max-time 10 "http://$(rpc "$n")/v1/blocks/$top" | python3 -c 'import json,sys; print(json.load(sys.stdin)["hash"])' || echo "node $n does not answer"
done | sort | uniq -c)
[ "$(wc -l <<<"$hashes")" = 1 ] && [ "$(awk '{ print $1 }' <<<"$hashes")" = "$count" ] || stop "the nodes disagree at height $top: $hashes"
for one in $pids; do kill "$one" 2>/dev/null || true; done
for one in $pids; do wait "$one" 2>/dev/null || true; done
pids=
for n in $(seq "$count"); do
  "$aula" replay --home "$work/$n" --output json | python3 -c 'import json,sys; told = json.load(sys.stdin); print(json.dumps({"replay": told})); sys.exit(0 if told["agrees"] else 1)' ||
    stop "node $n does not replay"
done
