#!/usr/bin/env bash
# Three districts' nodes read a Kafka broker, each its own topic of four partitions; one is killed (SIGKILL) under load and comes back, a fourth
# is added under load, another is killed. Holds when every district ends with every event of its topic once and no dead letter, and the one that
# was left alone never waited for the others (decision 0113: the unit is the district). A line a check; exit 1 when one fails.
# Usage: kafka-three.sh PATH/TO/aula KAFKA [SECONDS] [EVENTS_A_SECOND]    (KAFKA is a tansu binary, which keeps everything in memory, on loopback;
#        Debian: python3; by default 40 seconds of 500 events a second and district)
set -euo pipefail
aula=$(realpath "${1:?where is aula?}") kafka=$(realpath "${2:?where is the broker?}")
seconds=${3:-40} rate=${4:-500}
failed=0
declare -A node=() sender=()
. "$(dirname "$0")/loopback.sh"
check() { # NAME CONDITION TOLD
  if eval "$2"; then echo "ok    $1"; else echo "FAILS $1: ${3:-}"; failed=1; fi
}
# For each of four two for peers and one for the API; and the broker's.
read -r base _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ port < <(free_ports 17)
"$kafka" broker --listener-url "tcp://127.0.0.1:$port" --advertised-listener-url "tcp://127.0.0.1:$port" \
  --storage-engine memory://tansu/ --silent >"$work/kafka.log" 2>&1 &
listening "$port"
api() { echo $((base + $1 * 4 - 1)); }
start() { "$aula" start --home "$work/$1" --listen "127.0.0.1:$(api "$1")" >>"$work/$1.out" 2>>"$work/$1.log" & node[$1]=$!; }
up() { ready "$(api "$1")/readyz" "${node[$1]}"; }
stop() { kill "${2:--TERM}" "${node[$1]}" 2>/dev/null || true; wait "${node[$1]}" 2>/dev/null || true; node[$1]=''; }
students=200
python3 - "$students" >"$work/students.jsonl" <<'P'
import json, sys
for n in range(int(sys.argv[1])):
    print(json.dumps({"student": f"S-{n}", "school_year": 2026, "fields": {"name": f"Student {n}"}}))
P
# The publisher's units are skills of the same number.
{ echo '[skills]'; for n in $(seq 0 846); do echo "\"https://lms.example.org/unit/$n\" = [$n]"; done; } >"$work/rules.toml"
# A district: a ledger of its own with one validator, a vault with students, a feed of its topic.
found() {
  local home=$work/$1
  chain_of_one "$home" "lake-$1" "$((base + $1 * 4 - 4))" "$work/$1.json" "county-$1"
  start "$1"; up "$1"
  ask() { "$aula" "$@" --home "$home" --rpc "http://127.0.0.1:$(api "$n")" >>"$work/$n.made" 2>&1; }
  local n=$1
  admitted "lake-$1" "$(api "$1")"
  "$aula" vault init --home "$home" >/dev/null
  ask vault bind
  "$aula" vault put "$work/students.jsonl" --home "$home" >/dev/null
  stop "$1"
  cat >>"$home/config.toml" <<T

[[feed]]
name = "registers"
kind = "kafka"
broker = "kafka://127.0.0.1:$port"
home_page = "https://sis.example.org"
rules = "$work/rules.toml"
[feed.topics]
"district-$1" = "statements"
T
  "$kafka" topic create --broker "tcp://127.0.0.1:$port" --partitions 4 "district-$1" >"$work/$1.topic" 2>&1
}
for n in 1 2 3 4; do found "$n"; done
for n in 1 2 3; do start "$n"; done
for n in 1 2 3; do up "$n"; done
told() { "$aula" feed status registers --home "$work/$1" --output json 2>>"$work/status.log" | python3 -c '
import json, sys
feed = json.load(sys.stdin)["feeds"][0]
print(feed["events"], feed["known"], feed["dead_letters"])'; }
echo "      three districts read; $rate events a second to each of four topics for $seconds s"
for n in 1 2 3 4; do
  "$aula" bench feed-publish --source kafka --url "kafka://127.0.0.1:$port/district-$n" --first 0 --seconds "$seconds" --rate "$rate" \
    --students "$students" >"$work/$n.sent" 2>"$work/$n.sender" & sender[$n]=$!
done
part=$((seconds / 4))
sleep "$part"
stop 2 -KILL
read -r before _ < <(told 1)
sleep 3
read -r after _ < <(told 1)
check "a district that was left alone goes on while another one's node is gone" '[ $((after - before)) -ge $((rate * 2)) ]' "$before, then $after"
start 2; up 2
sleep "$part"
start 4; up 4
sleep "$part"
stop 3 -KILL
start 3; up 3
for n in 1 2 3 4; do
  wait "${sender[$n]}" || { echo "FAILS the publisher of district $n"; tail -3 "$work/$n.sender"; exit 1; }
  sender[$n]=''
done
sent() { python3 -c 'import json, sys; print(sum(to - first for first, to in json.load(open(sys.argv[1]))["acknowledged"]))' "$work/$1.sent"; }
for n in 1 2 3 4; do
  all=$(sent "$n")
  for _ in $(seq 60); do
    read -r events known letters < <(told "$n")
    [ "$events" -ge "$all" ] && break
    sleep 1
  done
  check "district $n has every event of its topic once ($events of $all, $known came again)" '[ "$events" = "$all" ] && [ "$all" -gt 0 ]' "$events of $all"
  check "and none as a letter" '[ "$letters" = 0 ]' "$letters letters"
done
[ $failed = 0 ] && echo "all checks hold" || echo "checks failed"
exit $failed
