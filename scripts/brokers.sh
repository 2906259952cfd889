#!/usr/bin/env bash
# Usage: scripts/brokers.sh [KAFKA]
# Tries the feeds of kind mqtt and kafka with programs of other makers, on loopback: mosquitto's clients against the node's
# listener's code and mosquitto as the broker that a feed asks (Debian: mosquitto, mosquitto-clients), and a Kafka broker:
# KAFKA is a tansu binary, which keeps everything in memory. What is not installed is said and left out. Not part of the gate.
# Exit 0 when all that was tried holds, 1 when something does not, 2 when nothing could be tried.
set -uo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
pids=()
trap 'for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null; done; rm -rf "$work"' EXIT
cd "$root"
tried=0 failed=0
free() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
try() { # name, then the environment and the filter
  tried=$((tried + 1))
  if env "${@:2:$#-2}" cargo test --release --workspace --lib -- --ignored --exact "${@: -1}" >"$work/log" 2>&1 &&
    grep -q '1 passed' "$work/log"; then echo "ok    $1"; else echo "fail  $1"; tail -30 "$work/log"; failed=1; fi
}
if command -v mosquitto >/dev/null && command -v mosquitto_pub >/dev/null; then
  port=$(free)
  printf 'aula:%s\n' hush >"$work/passwords"
  mosquitto_passwd -U "$work/passwords"
  printf 'listener %s 127.0.0.1\nallow_anonymous false\npassword_file %s\npersistence false\nmax_queued_messages 0\n' \
    "$port" "$work/passwords" >"$work/mosquitto.conf"
  chmod 755 "$work"; chmod 644 "$work/passwords"
  mosquitto -c "$work/mosquitto.conf" >"$work/mosquitto.log" 2>&1 &
  pids+=($!)
  sleep 1
  try "mosquitto as the broker, mosquitto_pub as a publisher" AULA_TEST_MOSQUITTO="127.0.0.1:$port" \
    mqtt::peer::mosquitto_speaks_with_us_on_both_sides
else
  echo "left out: mosquitto (apt install mosquitto mosquitto-clients)"
fi
if [ -x "${1:-}" ]; then
  port=$(free)
  "$1" broker --listener-url "tcp://127.0.0.1:$port" --advertised-listener-url "tcp://127.0.0.1:$port" \
    --storage-engine memory://tansu/ --silent >"$work/kafka.log" 2>&1 &
  pids+=($!)
  sleep 1
  try "a Kafka broker: group, rebalance, poisoned records, a shut vault" AULA_TEST_KAFKA="kafka://127.0.0.1:$port" \
    kafka::tests::records_are_events_once_over_a_shut_vault_a_rebalance_and_a_lost_member
else
  echo "left out: Kafka (name a tansu binary)"
fi
[ "$tried" -gt 0 ] || exit 2
exit "$failed"
