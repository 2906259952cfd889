# shellcheck shell=bash
# Sourced by scripts that run real nodes on loopback, with `aula` naming the program: a folder that goes with the script (KEEP=1 keeps it), processes that
# end with it, free ports, a chain of one validator, and waiting that ends.

: "${aula:?names the program, in the script that reads this}"
work=$(mktemp -d)
# What is asked here is here.
export no_proxy="127.0.0.1,localhost,.example.org,.test${no_proxy:+,$no_proxy}"
export NO_PROXY=$no_proxy

# What a script has to end besides the processes that its own shell began.
end_more() { :; }

# Whatever this shell began and still runs, by its id: asked, one that stands still too, and killed after 20 s.
end() {
  local pid
  [ "$BASHPID" = "$$" ] || return 0
  end_more
  for pid in $(jobs -pr); do { kill "$pid"; kill -CONT "$pid"; } 2>/dev/null || true; done
  for _ in $(seq 200); do [ -n "$(jobs -pr)" ] || break; sleep 0.1; done
  for pid in $(jobs -pr); do kill -KILL "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  if [ -n "${KEEP:-}" ]; then echo "kept: $work"; else rm -rf "$work"; fi
}
trap end EXIT

# free_ports COUNT [BESIDE]: so many in a row, below those that the system gives to outgoing connections; where they begin is drawn, so that two scripts
# seldom meet. With BESIDE each has the one so far above it free too. A node takes two for its peers, which follow each other.
free_ports() {
  python3 - "$@" <<'P' || { echo "FAILS nothing like $1 free ports in a row on loopback" >&2; return 1; }
import random, socket, sys
count, *beside = map(int, sys.argv[1:])
bases = range(20000, 32000 - count, 4)
for base in random.sample(bases, len(bases)):
    held = []
    try:
        for port in range(base, base + count):
            held += [socket.create_server(("127.0.0.1", one)) for one in (port, *(port + above for above in beside))]
    except OSError:
        continue
    finally:
        for one in held:
            one.close()
    print(*range(base, base + count))
    break
else:
    sys.exit(1)
P
}

# quietly COMMAND...: what it says is told where it fails.
quietly() {
  local said
  said=$("$@" 2>&1) || { echo "FAILS $*: $said"; exit 1; }
}

# chain_of_one HOME NAME PEERS_PORT GENESIS [CHAIN]: a home whose node is the one validator of a chain of its own.
chain_of_one() {
  quietly "$aula" init --home "$1" --name "$2" --p2p "/ip4/127.0.0.1/tcp/$3"
  quietly "$aula" genesis --name "${5:-county}" --operator "$1/operator.json" -o "$4"
  quietly "$aula" join --home "$1" --genesis "$4"
}

# admitted OPERATOR API_PORT: the chain's one member, who is asked by the script's own `ask`, admits district 1.
admitted() {
  ask consortium propose --admit-district 1 --name Lake --operator "$1" >/dev/null
  ask consortium vote 0 yes >/dev/null
  ready "$2/v1/districts/1"
}

# ready ADDRESS [PROCESS]: until http://127.0.0.1:ADDRESS answers 200, two minutes at most, and while the process lives.
ready() {
  python3 - "$@" <<'P' || { echo "FAILS nothing is ready at 127.0.0.1:$1 within two minutes"; tail -n 5 "$work"/*.log; exit 1; }
import http.client, os, sys, time, urllib.request
direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
address, *process = sys.argv[1:]
end = time.monotonic() + 120
while time.monotonic() < end and all(os.path.exists(f"/proc/{one}") for one in process):
    try:
        with direct.open(f"http://127.0.0.1:{address}", timeout=2) as answer:
            if answer.status == 200:
                sys.exit(0)
    except (OSError, http.client.HTTPException):
        pass
    time.sleep(0.1)
sys.exit(1)
P
}

# listening PORT: until somebody takes connections there, two minutes at most.
listening() {
  for _ in $(seq 1200); do
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return
    sleep 0.1
  done
  echo "FAILS nobody listens at 127.0.0.1:$1 within two minutes"; tail -n 5 "$work"/*.log; exit 1
}
