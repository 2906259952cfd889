#!/usr/bin/env bash
# Usage: scripts/bench-kafka.sh KAFKA [SECONDS]
# `aula bench feed --source kafka` beside what the broker alone does: KAFKA is a tansu binary, which keeps everything in memory, on
# loopback. First the bench's own publisher fills a topic that nobody reads; then the bench runs, whose publisher, broker and node share
# the machine. Prints a line of JSON for each. AULA names another program than the one built here. Exit 0 when nothing was lost.
set -euo pipefail
kafka=${1:?usage: scripts/bench-kafka.sh KAFKA [SECONDS]}
seconds=${2:-10}
cd "$(dirname "$0")/.."
aula=${AULA:-${CARGO_TARGET_DIR:-target}/release/aula}
[ -n "${AULA:-}" ] || cargo build --quiet --release --workspace
free() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
work=$(mktemp -d)
pid=
stop() { [ -z "$pid" ] || { kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; }; pid=; }
trap 'stop; rm -rf "$work"' EXIT
start() {
  stop
  port=$(free)
  "$kafka" broker --listener-url "tcp://127.0.0.1:$port" --advertised-listener-url "tcp://127.0.0.1:$port" \
    --storage-engine memory://tansu/ --silent >"$work/kafka.log" 2>&1 &
  pid=$!
  for _ in $(seq 50); do (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break; sleep 0.1; done
}
start
"$kafka" topic create --broker "tcp://127.0.0.1:$port" --partitions 4 alone >"$work/topic.log" 2>&1
"$aula" bench feed-publish --source kafka --url "kafka://127.0.0.1:$port/alone" --first 0 --seconds "$seconds" --rate 0 \
  --students 2000 >"$work/alone.json"
python3 - "$work/alone.json" <<'PY'
import json, sys
said = json.load(open(sys.argv[1]))
count = sum(to - first for first, to in said["acknowledged"])
print(json.dumps({"broker_alone_events_per_s": round(count / said["seconds"])}))
PY
start
"$aula" bench feed --source kafka --broker "kafka://127.0.0.1:$port" --seconds "$seconds" --output json
