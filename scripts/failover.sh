#!/usr/bin/env bash
# A pair of real nodes on one machine, killed (SIGKILL) one after another at random, sometimes both, while clients send numbered events to
# whichever takes them. At the end every event that was acknowledged must be in the vault of the one that acts. Told: acknowledged, lost, how long
# nobody took anything after the acting one was killed while the other was level (p50, largest). Exit 1 when one is lost.
# Usage: failover.sh PATH/TO/aula [KILLS] [EVENTS_A_REQUEST]    (Debian: python3; by default 20 kills)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
aula=$(realpath "${1:?where is aula?}")
kills=${2:-20} many=${3:-20}
work=$(mktemp -d)
declare -A pid=()
sender=''
end() {
  for one in "${pid[@]}" "$sender"; do [ -z "$one" ] || kill "$one" 2>/dev/null || true; done
  wait 2>/dev/null || true
  if [ -n "${KEEP:-}" ]; then echo "kept: $work"; else rm -rf "$work"; fi
}
trap end EXIT
read -r p2p_chain p2p_east p2p_west api_chain api_east api_west feed_east feed_west pair_east pair_west < <(python3 - <<'P'
import socket
for base in range(21000, 30000, 20):
    try:
        held = [socket.create_server(("127.0.0.1", base + n)) for n in range(20)]
    except OSError:
        continue
    print(base, base + 4, base + 8, *[base + n for n in range(12, 19)])
    break
P
)
mkdir "$work/sis" "$work/lease"
python3 "$here/platform-peers/sis.py" "$work/sis"
# The chain's one validator is a node of its own, which admits the district and ends: feeds need no ledger.
chain=$work/chain
"$aula" init --home "$chain" --name lake --p2p "/ip4/127.0.0.1/tcp/$p2p_chain" >/dev/null 2>&1
"$aula" genesis --name county --operator "$chain/operator.json" -o "$work/genesis.json" >/dev/null
"$aula" join --home "$chain" --genesis "$work/genesis.json" >/dev/null 2>&1
secret=$(head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n')
one() { # NAME P2P FEED LISTEN PEER
  local home=$work/$1
  "$aula" init --home "$home" --name "$1" --p2p "/ip4/127.0.0.1/tcp/$2" >/dev/null 2>&1
  "$aula" join --home "$home" --genesis "$work/genesis.json" >/dev/null 2>&1
  printf 'secret = "%s"\n' "$secret" >"$home/pair.toml"
  printf '[[client]]\nname = "registers"\nsecret_sha256 = "%s"\nscopes = ["statements/write"]\n' "$(printf %s t | sha256sum | cut -d' ' -f1)" >"$home/feed.toml"
  chmod 600 "$home"/{pair,feed}.toml
  cat >>"$home/config.toml" <<T

[pair]
name = "$1"
listen = "127.0.0.1:$4"
peer = "127.0.0.1:$5"
secret = "$home/pair.toml"
lease = "$work/lease"

[[feed]]
name = "registers"
kind = "frames"
listen = "127.0.0.1:$3"
clients = "$home/feed.toml"
T
}
one east "$p2p_east" "$feed_east" "$pair_east" "$pair_west"
one west "$p2p_west" "$feed_west" "$pair_west" "$pair_east"
ready() {
  python3 - "$1" <<'PY' && return
import sys, time, urllib.request
direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
for _ in range(1200):
    try:
        sys.exit(0 if direct.open(f"http://127.0.0.1:{sys.argv[1]}/readyz", timeout=2).status == 200 else 1)
    except OSError:
        time.sleep(0.1)
sys.exit(1)
PY
  echo "FAILS nothing is ready at port $1 within two minutes"; tail -5 "$work"/*.log; exit 1
}
"$aula" start --home "$chain" --listen "127.0.0.1:$api_chain" >"$work/chain.out" 2>"$work/chain.log" & pid[chain]=$!
ready "$api_chain"
ask() { "$aula" "$@" --home "$chain" --rpc "http://127.0.0.1:$api_chain"; }
ask consortium propose --admit-district 1 --name Lake --operator lake >/dev/null
ask consortium vote 0 yes >/dev/null
sleep 3
ask district school add --school 11 --name North --type elementary >/dev/null
ask district school add --school 12 --name South --type elementary >/dev/null
"$aula" vault init --home "$chain" >/dev/null
ask vault bind >/dev/null
ask district import "$work/sis" --format oneroster >/dev/null
sleep 1
kill "${pid[chain]}"; wait "${pid[chain]}" 2>/dev/null || true; pid[chain]=''
# East begins with the district's vault.
mv "$chain/vault" "$chain/keystore" "$work/east/"
start() { # NAME
  local api=api_$1
  "$aula" start --home "$work/$1" --follower --listen "127.0.0.1:${!api}" --log info >>"$work/$1.out" 2>>"$work/$1.log" & pid[$1]=$!
}
told() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]] or "none")' "$work/$1/pair/standing.json" "$2" 2>/dev/null || echo none; }
until_level() {
  for _ in $(seq 1200); do
    for name in east west; do
      other=west; [ "$name" = west ] && other=east
      if [ "$(told "$name" role)" = acting ] && [ "$(told "$name" level)" = "$other" ] && [ $(($(date +%s%3N) - $(told "$name" at_ms))) -lt 3000 ]; then
        acting=$name standby=$other
        return
      fi
    done
    sleep 0.1
  done
  echo "FAILS the pair is not level within two minutes"; tail -5 "$work/east.log" "$work/west.log"; exit 1
}
start east
sleep 2
start west
until_level
cat >"$work/client.py" <<'P'
"""Sends numbered events, one request after another, to whichever of the two takes them, until told to stop; notes what was acknowledged and when."""
import base64, json, os, sys, time, http.client
ports, many, work = [int(sys.argv[1]), int(sys.argv[2])], int(sys.argv[3]), sys.argv[4]
auth = {"Authorization": "Basic " + base64.b64encode(b"registers:t").decode(), "Content-Type": "application/x-ndjson"}
now, at, lines = int(time.time() * 1000), 0, [None, None]
acknowledged, times = open(f"{work}/acknowledged", "w"), open(f"{work}/times", "w")
def line(n):
    return json.dumps({"id": f"e-{n}", "at": now - 3_600_000 + n % 3_000_000, "student": f"S-{1 + n % 120:04}", "event": {"kind": "response", "item": n % 500, "skills": [1 + n % 20], "correct": n % 3 > 0, "duration_ms": 900}})
n, which = 0, 0
while True:
    body = "\n".join(line(k) for k in range(n, n + many)).encode()
    taken = False
    try:
        if lines[which] is None:
            lines[which] = http.client.HTTPConnection("127.0.0.1", ports[which], timeout=5)
        lines[which].request("POST", "/events", body, auth)
        answer = lines[which].getresponse()
        said = answer.read()
        taken = answer.status == 200
        if taken and json.loads(said)["dead_letters"]:
            sys.exit(f"letters: {said}")
    except (OSError, http.client.HTTPException):
        lines[which] = None
    if taken:
        acknowledged.write(f"{n} {n + many}\n"); acknowledged.flush()
        times.write(f"{time.time():.3f} {which}\n"); times.flush()
        n += many
        # What was sent last is acknowledged, so that nothing else is in the vault.
        if os.path.exists(f"{work}/stop"):
            break
    else:
        which = 1 - which
        if os.path.exists(f"{work}/stop") and time.time() - os.path.getmtime(f"{work}/stop") > 60:
            sys.exit("nobody takes events for a minute")
        time.sleep(0.02)
print(n)
P
cat >"$work/again.py" <<'P'
"""Sends everything that was acknowledged once more: what is new was lost."""
import json, sys, urllib.request
sys.argv, (port, work) = ["", "0", "0", "0", sys.argv[2]], (sys.argv[1], sys.argv[2])
source = open(f"{work}/client.py").read().split("n, which = 0, 0")[0].replace('"w"', '"r"')
exec(source)
last, new, known = max(int(row.split()[1]) for row in acknowledged), 0, 0
for first in range(0, last, 1000):
    body = "\n".join(line(k) for k in range(first, min(first + 1000, last))).encode()
    with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}/events", body, auth), timeout=60) as answer:
        said = json.load(answer)
        new, known = new + said["new"], known + said["known"]
print(new, known)
P
python3 "$work/client.py" "$feed_east" "$feed_west" "$many" "$work" >"$work/sent" & sender=$!
: >"$work/kills"
echo "a pair is level: $acting acts; $kills kills"
for number in $(seq "$kills"); do
  until_level
  sleep "0.$(printf %03d $((RANDOM % 900)))"
  case $((RANDOM % 5)) in
    0) victims=$standby ;;
    1) victims="$acting $standby" ;;
    *) victims=$acting ;;
  esac
  [ "$victims" = "$acting" ] && date +%s.%3N >>"$work/kills"
  for name in $victims; do kill -KILL "${pid[$name]}" 2>/dev/null || true; done
  for name in $victims; do wait "${pid[$name]}" 2>/dev/null || true; done
  # The standby takes over before the other is back.
  [ "$victims" = "$acting" ] && sleep 3
  for name in $victims; do start "$name"; done
  echo "      $number: killed $victims"
done
until_level
sleep 2
touch "$work/stop"
wait "$sender"; sender=''
until_level
feed=feed_$acting
read -r new known < <(python3 "$work/again.py" "${!feed}" "$work")
sleep 1
# The one that acts is asked, its node stopped, without [pair].
for name in east west; do kill "${pid[$name]}"; wait "${pid[$name]}" 2>/dev/null || true; pid[$name]=''; done
cat >"$work/judge.py" <<'P'
import sys
work, had, new, known = sys.argv[1], *map(int, sys.argv[2:5])
acknowledged = sum(int(b) - int(a) for a, b in (row.split() for row in open(f"{work}/acknowledged")))
times = [float(row.split()[0]) for row in open(f"{work}/times")]
gaps = []
for kill in (float(row) for row in open(f"{work}/kills")):
    before = [t for t in times if t <= kill + 0.05]
    after = [t for t in times if t > kill + 0.05]
    if before and after:
        gaps.append(after[0] - kill)
gaps.sort()
middle = gaps[len(gaps) // 2] if gaps else 0
print(f"acknowledged {acknowledged}, lost {new}, known when sent again {known}, in the vault {had}")
print(f"switches of a level pair {len(gaps)}: p50 {middle:.2f} s, largest {max(gaps, default=0):.2f} s")
sys.exit(0 if acknowledged == known == had and new == 0 and acknowledged > 0 else 1)
P
sed -i '/^\[pair\]$/,/^lease = /d' "$work/$acting/config.toml"
had=$("$aula" feed status --home "$work/$acting" --output json | python3 -c 'import json, sys; print(json.load(sys.stdin)["feeds"][0]["events"])')
python3 "$work/judge.py" "$work" "$had" "$new" "$known" && echo "all checks hold" || { echo "checks failed"; exit 1; }
