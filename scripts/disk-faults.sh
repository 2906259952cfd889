#!/usr/bin/env bash
# A node's disk is filled under it, and made read-only before its start: each time it must end with a sentence and a next step,
# never hang, and go on where it stood once the cause is gone. Needs root, for a small tmpfs of its own.
#   ./scripts/disk-faults.sh            AULA (target/release/aula) may be set
set -euo pipefail
aula=$(realpath "${AULA:-target/release/aula}")
work=$(mktemp -d) node= filler=
tidy() {
  for one in $node $filler; do kill "$one" 2>/dev/null || true; wait "$one" 2>/dev/null || true; done
  umount "$work/disk" 2>/dev/null || true
  rm -rf "$work"
}
trap tidy EXIT
mkdir "$work/disk"
# Too small for the 72 MB that the database takes ahead for its log: it could write on for hours on a disk that is full.
mount -t tmpfs -o size=48m tmpfs "$work/disk"
home=$work/disk/home
# A port that is free together with the next one, below those that the system hands out: gossip has the next one.
free_port() {
  python3 -c 'import random, socket
while True:
    port = random.randrange(20000, 32000, 2)
    try:
        for one in port, port + 1:
            socket.socket().bind(("127.0.0.1", one))
    except OSError:
        continue
    print(port)
    break'
}
api=127.0.0.1:$(free_port)
# Takes every byte of the disk, and whatever the node gives back: its database lets go of room that it had taken ahead.
fill() {
  while :; do head -c 1G /dev/zero >>"$work/disk/filler" 2>/dev/null || true; sleep 0.2; done &
  filler=$!
}
free() {
  kill "$filler"; wait "$filler" 2>/dev/null || true; filler=
  rm "$work/disk/filler"
}

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
fill
ends "a full disk"
start
ends "a start on a full disk"
free
start
reach 3
stood=$(height)
reach $((stood + 3))
kill "$node"; wait "$node" || true; node=
mount -o remount,ro "$work/disk"
start
ends "a start on a read-only disk"
grep -q "the disk is read-only" "$work/log" || fail "it does not say that the disk is read-only"
mount -o remount,rw "$work/disk"
start
reach $((stood + 4))
kill "$node"; wait "$node" || true; node=
"$aula" replay --home "$home" >/dev/null 2>&1 || fail "the replay disagrees"
echo "PASS: everything final is there, and the replay agrees"
