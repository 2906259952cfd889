#!/usr/bin/env bash
# Usage: scripts/brokers.sh [KAFKA]
# Tries the feeds of kind mqtt and kafka with programs of other makers, on loopback: mosquitto's clients against the node's
# listener's code and mosquitto as the broker that a feed asks (Debian: mosquitto, mosquitto-clients), and a Kafka broker:
# KAFKA is a tansu binary, which keeps everything in memory; once as it is, once behind scripts/kafka-front.py, which wants TLS with
# a client's certificate and SASL. What is not installed is said and left out. Not part of the gate.
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
keys=$work/keys
mkdir "$keys"
chmod 755 "$work"
issue() { # name of the key, its authority, subject, further extensions
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$keys/$1.key" -out "$keys/$1.csr" -subj "/CN=$3" 2>/dev/null
  openssl x509 -req -in "$keys/$1.csr" -CA "$keys/$2.pem" -CAkey "$keys/$2.key" -CAcreateserial -days 2 -out "$keys/$1.pem" \
    -extfile <(printf 'basicConstraints=CA:FALSE\n%b' "$4") 2>/dev/null
}
for authority in ca other; do
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$keys/$authority.key" -out "$keys/$authority.pem" -days 2 \
    -subj "/CN=$authority" -addext basicConstraints=critical,CA:TRUE 2>/dev/null
done
issue broker ca localhost 'subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth\n'
issue client ca aula 'extendedKeyUsage=clientAuth\n'
issue stranger other aula 'extendedKeyUsage=clientAuth\n'
chmod -R a+rX "$keys"; chmod 644 "$keys"/*.key
if command -v mosquitto >/dev/null && command -v mosquitto_pub >/dev/null; then
  port=$(free)
  printf 'aula:%s\n' hush >"$work/passwords"
  mosquitto_passwd -U "$work/passwords"
  printf 'listener %s 127.0.0.1\nallow_anonymous false\npassword_file %s\npersistence false\nmax_queued_messages 0\n' \
    "$port" "$work/passwords" >"$work/mosquitto.conf"
  chmod 644 "$work/passwords"
  mosquitto -c "$work/mosquitto.conf" >"$work/mosquitto.log" 2>&1 &
  pids+=($!)
  sleep 1
  try "mosquitto as the broker, mosquitto_pub as a publisher" AULA_TEST_MOSQUITTO="127.0.0.1:$port" \
    mqtt::peer::mosquitto_speaks_with_us_on_both_sides
  # The same broker over TLS, which wants a client's certificate.
  secure=$(free)
  printf 'listener %s 127.0.0.1\nallow_anonymous false\npassword_file %s\npersistence false\ncafile %s/ca.pem\ncertfile %s/broker.pem\nkeyfile %s/broker.key\nrequire_certificate true\n' \
    "$secure" "$work/passwords" "$keys" "$keys" "$keys" >"$work/secure.conf"
  mosquitto -c "$work/secure.conf" >"$work/secure.log" 2>&1 &
  pids+=($!)
  sleep 1
  try "mosquitto over TLS with certificates of both sides" AULA_TEST_MOSQUITTO_TLS="$secure" AULA_TEST_MOSQUITTO_KEYS="$keys" \
    mqtt::peer_tls::a_broker_is_believed_by_its_certificate_and_believes_ours
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
  behind=$(free) front=$(free)
  "$1" broker --listener-url "tcp://127.0.0.1:$behind" --advertised-listener-url "tcp://localhost:$front" \
    --storage-engine memory://tansu/ --silent >"$work/behind.log" 2>&1 &
  pids+=($!)
  python3 scripts/kafka-front.py "$front" "$behind" "$keys/broker.pem" "$keys/broker.key" "$keys/ca.pem" aula hush >"$work/front.log" 2>&1 &
  pids+=($!)
  sleep 1
  try "the same over TLS with certificates of both sides, by PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512" AULA_TEST_KAFKA_TLS="$front" \
    AULA_TEST_KAFKA_KEYS="$keys" kafka::secured::a_broker_is_believed_by_its_certificate_and_we_are_by_each_mechanism
else
  echo "left out: Kafka (name a tansu binary)"
fi
[ "$tried" -gt 0 ] || exit 2
exit "$failed"
