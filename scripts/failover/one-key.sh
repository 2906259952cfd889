#!/usr/bin/env bash
# Two homes of a pair with one validator key, the line between them cut before they ever meet: the one that started first signs, the other one
# does not start, whichever it is and however often it tries, also after the first has died. While the lease's store is away nobody starts, and who
# waits for it is up when it is back. Exit 1 when it is otherwise.
# Usage: one-key.sh PATH/TO/aula    (Debian: python3 curl; a minute)
set -euo pipefail
aula=$(realpath "${1:?where is aula?}")
. "$(dirname "$0")/../loopback.sh"
read -r p2p _ api _ pair _ < <(free_ports 10)
chain_of_one "$work/east" lake "$p2p" "$work/genesis.json"
(umask 077; echo 'secret = "a secret of this test, long enough"' >"$work/pair.toml")
cp -a "$work/east" "$work/west"
mkdir "$work/lease"
for name in east west; do
  # Nobody listens where either calls.
  printf '\n[pair]\nname = "%s"\nlisten = "127.0.0.1:%s"\npeer = "127.0.0.1:%s"\nsecret = "%s"\nlease = "%s"\n' \
    "$name" "$([ "$name" = east ] && echo "$pair" || echo "$((pair + 2))")" "$((pair + 1))" "$work/pair.toml" "$work/lease" >>"$work/$name/config.toml"
done
"$aula" district lease --new --home "$work/east" --output json >"$work/lease.json"
"$aula" district lease --id "$(python3 -c 'import json, sys; print(json.load(sys.stdin)["lease_id"])' <"$work/lease.json")" --home "$work/west" >/dev/null
is_ready() { curl -sf --noproxy '*' --max-time 5 "http://127.0.0.1:$api/readyz" -o /dev/null; }
away() { # NAME: waits while the store is away, ends at a signal, and is ready when the store is back
  local status=0
  mv "$work/lease" "$work/lease.kept"
  # A mount point without its share.
  mkdir "$work/lease"
  for turn in signal back; do
    "$aula" start --home "$work/$1" --listen "127.0.0.1:$api" >"$work/$1.out" 2>"$work/$1.log" & pid=$!
    sleep 5
    if is_ready || ! kill -0 "$pid" 2>/dev/null; then echo "FAILS $1 does not wait for the store: $(cat "$work/$1.out" "$work/$1.log" | tail -n 3)"; exit 1; fi
    if [ "$turn" = signal ]; then
      kill "$pid"; wait "$pid" || status=$?
      [ "$status" = 0 ] || { echo "FAILS $1 does not end at a signal while it waits (exit $status)"; exit 1; }
    fi
  done
  # It fails where somebody wrote there.
  rmdir "$work/lease"; mv "$work/lease.kept" "$work/lease"
  for _ in $(seq 300); do is_ready && break; sleep 0.1; done
  is_ready || { echo "FAILS $1 does not start when the store is back: $(tail -n 3 "$work/$1.log")"; exit 1; }
  kill -KILL "$pid"; wait "$pid" 2>/dev/null || true; pid=''
  echo "ok    $1 waits $2"
}
starts() { # NAME: until it is ready
  "$aula" start --home "$work/$1" --listen "127.0.0.1:$api" >"$work/$1.out" 2>"$work/$1.log" & pid=$!
  for _ in $(seq 300); do is_ready && return; kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
  echo "FAILS $1 does not start: $(cat "$work/$1.out" "$work/$1.log" | tail -n 3)"; exit 1
}
refused() { # NAME WHEN
  local status=0
  AULA_P2P_LISTEN=/ip4/127.0.0.1/tcp/$((p2p + 8)) timeout 20 "$aula" start --output json --home "$work/$1" --listen "127.0.0.1:$((api + 1))" --log error >"$work/$1.out" 2>"$work/$1.log" || status=$?
  if [ "$status" = 2 ] && grep -q '"shared_key"' "$work/$1.out"; then echo "ok    $1 does not start $2"; else
    echo "FAILS $1 starts $2, or is refused for another reason (exit $status): $(cat "$work/$1.out" "$work/$1.log" | tail -n 3)"; exit 1; fi
}
away east "for a store that it never asked"
starts east
refused west "while east signs"
kill -KILL "$pid"; wait "$pid" 2>/dev/null || true; pid=''
refused west "after east has died"
refused west "again"
away east "although its keys were its own in an earlier run"
starts east
echo "ok    east starts anew and signs"
