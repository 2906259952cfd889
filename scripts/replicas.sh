#!/usr/bin/env bash
# Two homes over HTTP: a district's node and a school's replica, apart, then level. The school takes in tablets' events without a network
# while its node is killed (SIGKILL) again and again, every message sent three times; then both sides are killed in the middle of
# levellings. Holds when both end with the same events and states, none lost, none twice. A line a check; exit 1 when one fails.
# Usage: replicas.sh PATH/TO/aula [EVENTS] [KILLS]    (Debian: python3 curl jq; by default 4,000 events, 12 kills of each: two minutes)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
aula=$(realpath "${1:?where is aula?}")
events=${2:-4000} kills=${3:-12}
failed=0 node='' school_node=''
. "$here/loopback.sh"
check() { # NAME CONDITION TOLD
  if eval "$2"; then echo "ok    $1"; else echo "FAILS $1: ${3:-}"; failed=1; fi
}
read -r p2p _ p2p_school _ api api_school central tablets replicas < <(free_ports 9)
mkdir "$work/sis"
python3 "$here/platform-peers/sis.py" "$work/sis"
secret() { printf %s "$1" | sha256sum | cut -d' ' -f1; }
district=$work/district school=$work/school
chain_of_one "$district" lake "$p2p" "$work/genesis.json"
quietly "$aula" init --home "$school" --name lincoln --p2p "/ip4/127.0.0.1/tcp/$p2p_school"
quietly "$aula" join --home "$school" --genesis "$work/genesis.json"
printf '[[client]]\nname = "tablets"\nsecret_sha256 = "%s"\nscopes = ["statements/write"]\n' "$(secret t)" | tee "$district/feed.toml" >"$school/feed.toml"
printf '[[replica]]\nname = "lincoln"\nsecret_sha256 = "%s"\nschools = [11]\nfeeds = ["lincoln-tablets"]\n' "$(secret s)" >"$district/replicas.toml"
printf 'name = "lincoln"\nsecret = "s"\n' >"$school/replica.toml"
chmod 600 "$district"/{feed,replicas}.toml "$school"/{feed,replica}.toml
cat >>"$district/config.toml" <<T

[replicas]
listen = "127.0.0.1:$replicas"
clients = "$district/replicas.toml"

[[feed]]
name = "central"
kind = "frames"
listen = "127.0.0.1:$central"
clients = "$district/feed.toml"
T
cat >>"$school/config.toml" <<T

[replica]
of = "http://127.0.0.1:$replicas"
secret = "$school/replica.toml"
every_s = 5

[[feed]]
name = "lincoln-tablets"
kind = "frames"
listen = "127.0.0.1:$tablets"
clients = "$school/feed.toml"
T
start_district() { "$aula" start --home "$district" --listen "127.0.0.1:$api" >>"$work/district.out" 2>>"$work/district.log" & node=$!; ready "$api/readyz" "$node"; }
start_school() {
  "$aula" start --home "$school" --listen "127.0.0.1:$api_school" >>"$work/school.out" 2>>"$work/school.log" & school_node=$!
  ready "$api_school/healthz" "$school_node"
}
stop() { [ -z "$1" ] || { kill "${2:--TERM}" "$1" 2>/dev/null || true; wait "$1" 2>/dev/null || true; }; }
ask() { "$aula" "$@" --home "$district" --rpc "http://127.0.0.1:$api"; }
start_district
admitted lake "$api"
ask district school add --school 11 --name North --type elementary >/dev/null
ask district school add --school 12 --name South --type elementary >/dev/null
"$aula" vault init --home "$district" >/dev/null
ask vault bind >/dev/null
ask district import "$work/sis" --format oneroster >/dev/null
stop "$node"; start_district

level() { "$aula" feed level --home "$school" --output json 2>>"$work/level.log"; }
first=$(level)
check "the school's vault is made and has its own students" '[ "$(jq -r ".level, .students" <<<"$first" | xargs)" = "true 120" ]' "$first"
check "no student's key of the district's is in it" '[ ! "$(cut -d" " -f1 < <("$aula" vault handles --home "$school") | sort | head -1)" = "$(cut -d" " -f1 < <("$aula" vault handles --home "$district") | sort | head -1)" ]'

# Apart: the district's node is gone. Tablets send each message until the school has it, three times, while its node is killed.
stop "$node"; node=''
cat >"$work/tablets.py" <<'P'
import base64, json, random, sys, time, urllib.request
port, name, first, last, times = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
auth = "Basic " + base64.b64encode(b"tablets:t").decode()
now = int(time.time() * 1000)
def line(n):
    at = now - 3_600_000 + n * 37 % 3_000_000
    if n % 40 == 39:
        return {"id": f"{name}-{n}", "at": at, "event": {"kind": "correction", "of": f"{name}-{n - 39}", "instead": {"kind": "attendance", "mark": "late"}}}
    return {"id": f"{name}-{n}", "at": at, "student": f"S-{1 + n % 120:04}", "event": {"kind": "response", "item": n % 500, "skills": [1 + n % 20], "correct": n % 3 > 0, "duration_ms": 900}}
chunks = [list(range(at, min(at + 50, last))) for at in range(first, last, 50)] * times
random.Random(7).shuffle(chunks)
for chunk in chunks:
    body = "\n".join(json.dumps(line(n)) for n in chunk).encode()
    for _ in range(2000):
        try:
            request = urllib.request.Request(f"http://127.0.0.1:{port}/events", body, {"Authorization": auth, "Content-Type": "application/x-ndjson"})
            with urllib.request.urlopen(request, timeout=20) as answer:
                json.load(answer)
                break
        except Exception:
            time.sleep(0.1)
    else:
        sys.exit("not taken")
P
start_school
python3 "$work/tablets.py" "$tablets" lincoln-tablets 0 "$events" 3 & sender=$!
for _ in $(seq "$kills"); do
  sleep "0.$((RANDOM % 8 + 1))"
  stop "$school_node" -KILL
  start_school
done
wait "$sender"
status=$("$aula" feed status --home "$school" --output json)
check "the school has every event once, without a network" '[ "$(jq ".feeds[0].events" <<<"$status")" = "$events" ]' "$status"
check "and nothing waits as a letter" '[ "$(jq ".feeds[0].dead_letters" <<<"$status")" = 0 ]' "$status"
check "it says that it is apart" '[ "$(jq -r ".replica.error" <<<"$status")" != null ]' "$status"
check "and how many levellings were cut" '[ "$(jq ".replica.cut" <<<"$status")" -gt 0 ]' "$status"
handle=$("$aula" vault handles --home "$school" | head -1 | cut -d' ' -f1)
link=$("$aula" vault link "$handle" --role student --reader s-1 --days 1 --home "$school" --output json 2>>"$work/level.log" | jq -r '.path // .link // .url' || true)
page=$(curl -s -L -c "$work/jar" -o "$work/page.html" -w '%{http_code}' "http://127.0.0.1:$api_school${link#http*://*[0-9]}" || true)
check "a student's dashboard is shown there, without a network" '[ "$page" = 200 ]' "$link $page $(head -c 300 "$work/page.html")"

# Level, cut again and again: the command at the school and the district's node are killed in turn.
stop "$school_node"; school_node=''
start_district
python3 "$work/tablets.py" "$central" central 0 "$((events / 4))" 1
cuts=0
for n in $(seq "$kills"); do
  # Not by the function: what is killed would be its shell.
  "$aula" feed level --home "$school" --output json >"$work/one.json" 2>>"$work/level.log" & one=$!
  sleep "0.$(printf %03d $((RANDOM % 400 + 5)))"
  if [ $((n % 2)) = 0 ]; then
    stop "$node" -KILL; start_district
  else
    kill -KILL "$one" 2>/dev/null || true
  fi
  wait "$one" 2>/dev/null || cuts=$((cuts + 1))
  # Something comes on both sides meanwhile.
  python3 "$work/tablets.py" "$central" central-more "$n" "$((n + 1))" 1
done
echo "      levellings that were cut: $cuts of $kills"
start_school
done=$(for _ in $(seq 60); do
  said=$("$aula" feed level --check --home "$school" --rpc "http://127.0.0.1:$api_school" --output json 2>>"$work/level.log" || true)
  [ "$(jq -r '.same_states' <<<"$said" 2>/dev/null)" = true ] && break
  sleep 1
done; echo "$said")
check "level: the same events, the same states" '[ "$(jq -r ".level, .same_states, .refused" <<<"$done" | xargs)" = "true true 0" ]' "$done"
again=$(level)
check "nothing is left: one question" '[ "$(jq -r ".sent, .received, .requests" <<<"$again" | xargs)" = "0 0 1" ]' "$again"
total=$((events + events / 4 + kills))
check "none lost, none twice: what the school's students have" '[ "$(jq .events <<<"$again")" = "$total" ]' "$again, expected $total"
# A message that reaches the other side after all is known there.
python3 "$work/tablets.py" "$tablets" lincoln-tablets 0 200 1
after=$(level)
check "messages that come once more change nothing" '[ "$(jq -r ".sent, .events" <<<"$after" | xargs)" = "0 $total" ]' "$after"
[ $failed = 0 ] && echo "all checks hold" || echo "checks failed"
exit $failed
