#!/usr/bin/env bash
# A node's disk is filled under it, and made read-only before its start: each time it must end with a sentence and a next step,
# never hang, and go on where it stood once the cause is gone. Needs root, for a small tmpfs of its own.
#   ./scripts/disk-faults.sh            AULA (target/release/aula) may be set
set -euo pipefail
aula=$(realpath "${AULA:-target/release/aula}")
work=$(mktemp -d) node=
trap '[ -z "$node" ] || kill "$node" 2>/dev/null || true; umount "$work/disk" 2>/dev/null || true; rm -rf "$work"' EXIT
mkdir "$work/disk"
mount -t tmpfs -o size=128m tmpfs "$work/disk"
home=$work/disk/home
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
api=127.0.0.1:$(free_port)

fail() { echo "FAIL: $1"; tail -5 "$work/log"; exit 1; }
height() { "$aula" status --rpc "http://$api" --output json 2>/dev/null | sed -n 's/.*"height":\([0-9]*\).*/\1/p'; }
start() {
  "$aula" start --home "$home" --listen "$api" >"$work/up" 2>"$work/log" &
  node=$!
}
# Waits for a height; fails when it does not come within a minute.
reach() {
  for _ in $(seq 120); do
    now=$(height || true)
    if [ -n "$now" ] && [ "$now" -ge "$1" ]; then return; fi
    sleep 0.5
  done
  fail "height $1 is not reached"
}
# Waits for the node's end; prints after how many seconds, and what it said.
ends() {
  began=$SECONDS
  for _ in $(seq 120); do
    if ! kill -0 "$node" 2>/dev/null; then
      code=0; wait "$node" || code=$?; node=
      grep -q "next:" "$work/log" || fail "$1: it ended with $code and no next step"
      [ "$code" = 2 ] || fail "$1: it ended with $code"
      echo "$1: ended after $((SECONDS - began)) s: $(grep -A1 '^aula:' "$work/log" | tr -s '\n ' ' ')"
      return
    fi
    sleep 0.5
  done
  fail "$1: it neither ends nor says anything"
}

"$aula" init --home "$home" --name solo --p2p "/ip4/127.0.0.1/tcp/$(free_port)" >/dev/null 2>&1
"$aula" genesis --name solo --operator "$home/operator.json" -o "$home/genesis.json" >/dev/null 2>&1
start
reach 3
head -c 1G /dev/zero >"$work/disk/filler" 2>/dev/null || true
ends "a full disk"
start
ends "a start on a full disk"
rm "$work/disk/filler"
start
reach 3
stood=$(height)
reach $((stood + 3))
kill "$node"; wait "$node" || true; node=
mount -o remount,ro "$work/disk"
start
ends "a start on a read-only disk"
mount -o remount,rw "$work/disk"
start
reach $((stood + 4))
kill "$node"; wait "$node" || true; node=
"$aula" replay --home "$home" >/dev/null 2>&1 || fail "the replay disagrees"
echo "PASS: everything final is there, and the replay agrees"
