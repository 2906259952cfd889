#!/usr/bin/env bash
# From the .deb to a voting node, timed: the package is unpacked, three founders run already, and the fourth does what
# docs/install.md says until it votes. Nothing but the package's files is used, and nothing is left behind. Exit 1 when it takes longer than five.
#   ./scripts/packaging/five-minutes.sh TARGET/packages/aula_*.deb
set -euo pipefail
deb=$(realpath "${1:?which .deb?}")
work=$(mktemp -d)
nodes=()
stop_all() {
  [ ${#nodes[@]} = 0 ] || kill -TERM "${nodes[@]}" 2>/dev/null || true
  wait
  rm -rf "$work"
}
trap stop_all EXIT
base_port=${AULA_PORT:-19400}
lap=$(date +%s%N)
# clock WHAT: seconds since the last one.
clock() {
  local now
  now=$(date +%s%N)
  printf '%8.2f s  %s\n' "$(((now - lap) / 10000000))e-2" "$1"
  lap=$(date +%s%N)
}
# Each founder's ports: peers, gossip, API.
p2p() { echo $((base_port + 10 * $1)); }
api() { echo $((base_port + 10 * $1 + 2)); }
aula() { "$work/package/usr/bin/aula" "$@"; }
begin() {
  # Not by the function above, whose number would be a shell's.
  "$work/package/usr/bin/aula" start --home "$work/$1" --listen "127.0.0.1:$(api "$1")" >"$work/$1.out" 2>"$work/$1.log" &
  nodes+=($!)
}
# figure NODE NAME: one value of its /metrics.
figure() { curl -sf --noproxy '*' --max-time 5 "http://127.0.0.1:$(api "$1")/metrics" | sed -n "s/^$2 //p"; }
# until_figure NODE NAME LEAST WHAT: waits for one value, five minutes at most.
until_figure() {
  local end=$((SECONDS + 300)) told
  until told=$(figure "$1" "$2") && [ "${told:-0}" -ge "$3" ]; do
    [ "$SECONDS" -lt "$end" ] || { echo "failed: $4 did not come; $2 is ${told:-not told}"; tail -n 3 "$work/$1.log"; exit 1; }
    sleep 0.1
  done
}

begun=$(date +%s)
if [ "$(id -u)" = 0 ] && command -v mmdebstrap >/dev/null && [ "${2:-}" = --install ]; then
  # loud COMMAND...: what it says is told where it fails.
  loud() { "$@" >"$work/said" 2>&1 || { cat "$work/said" >&2; exit 1; }; }
  loud mmdebstrap --quiet --variant=minbase bookworm "$work/package"
  cp "$deb" "$work/package/tmp/aula.deb"
  loud chroot "$work/package" apt-get update
  # The system that it is installed on is not of the five minutes.
  lap=$(date +%s%N) begun=$(date +%s)
  loud chroot "$work/package" apt-get install -y --no-install-recommends /tmp/aula.deb
  clock "apt install ./aula.deb, with what it needs, on a minimal Debian"
else
  dpkg-deb -x "$deb" "$work/package"
  clock "the package is unpacked (as apt does; give --install as root for apt itself)"
fi
for node in 1 2 3; do
  aula init --home "$work/$node" --name "founder-$node" --p2p "/ip4/127.0.0.1/tcp/$(p2p $node)" >/dev/null 2>&1
done
lap=$(date +%s%N)
aula init --home "$work/4" --name lake --p2p "/ip4/127.0.0.1/tcp/$(p2p 4)" >/dev/null 2>&1
clock "aula init"
aula genesis --name county --operator "$work"/{1,2,3,4}/operator.json -o "$work/genesis.json" >/dev/null
clock "aula genesis"
for node in 1 2 3; do
  aula join --home "$work/$node" --genesis "$work/genesis.json" >/dev/null 2>&1
  begin $node
done
until_figure 1 aula_height 3 "the founders' first blocks"
lap=$(date +%s%N)
aula join --home "$work/4" --genesis "$work/genesis.json" >/dev/null 2>&1
clock "aula join"
begin 4
until_figure 4 aula_signing 1 "its first signature"
clock "aula start, until it signs"
here=$(figure 4 aula_height)
# A block whose certificate names it: without another founder, three of four are needed and it is one of them.
kill -TERM "${nodes[0]}"
wait "${nodes[0]}"
until_figure 4 aula_height $((here + 6)) "a block that needs its vote"
clock "one of the others is stopped, and six blocks that need its vote are final"
aula status --home "$work/4" --rpc "http://127.0.0.1:$(api 4)"
took=$(($(date +%s) - begun))
printf '%8d s  in all\n' "$took"
[ "$took" -le 300 ] || { echo "failed: five minutes are 300 s"; exit 1; }
