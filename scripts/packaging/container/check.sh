#!/usr/bin/env bash
# The image without an engine: Debian's minimal system with the .deb installed as the Dockerfile does, and its entry point as the
# first process of a process namespace, as 10480:10480, without capabilities, on a read-only root.
#   ./scripts/packaging/container/check.sh TARGET/packages/aula_*.deb         as root; needs Debian's mmdebstrap
#   ./scripts/packaging/container/check.sh TARGET/packages/aula_*.deb ROOT    with a minimal system made before, which is copied
set -euo pipefail
deb=$(realpath "${1:?which .deb?}")
system=${2:-}
[ "$(id -u)" = 0 ] || { echo "run as root: namespaces and another account are what is tried" >&2; exit 2; }
work=$(mktemp -d)
root=$work/root volume=$work/volume founding=$work/founding
first=
# A change of account takes away the wish to die with the parent, so the first process is ended itself.
clear_up() {
  [ -z "$first" ] || kill -KILL "$(child)" "$first" 2>/dev/null || true
  rm -rf "$work"
}
trap clear_up EXIT

say() { printf '%s\n' "$*"; }
fail() { printf 'failed: %s\n' "$*" >&2; exit 1; }

image() {
  if [ -n "$system" ]; then
    cp -a "$system" "$root"
  else
    mmdebstrap --quiet --variant=minbase --include=ca-certificates bookworm "$root" >"$work/image.log" 2>&1 ||
      { cat "$work/image.log" >&2; fail "mmdebstrap"; }
  fi
  cp "$deb" "$root/tmp/aula.deb"
  chroot "$root" groupadd --gid 10480 aula
  chroot "$root" useradd --uid 10480 --gid aula --home-dir /var/lib/aula --shell /usr/sbin/nologin aula
  { chroot "$root" apt-get update && chroot "$root" apt-get install -y --no-install-recommends /tmp/aula.deb; } \
    >"$work/install.log" 2>&1 || { cat "$work/install.log" >&2; fail "apt-get install"; }
  chroot "$root" apt-get clean
  rm "$root/tmp/aula.deb"
  install -d -m 0750 -o 10480 -g 10480 "$root/founding" "$volume" "$founding"
  say "image: $(du -sm "$root" | cut -f1) MiB, programs $(du -m "$root/usr/bin/aula" | cut -f1) MiB"
}

# begin VARIABLE=VALUE... COMMAND: the entry point as the first process; its number outside is in $first.
begin() {
  local log=$1
  shift
  # shellcheck disable=SC2016 # expanded by the inner shell
  unshare --mount --pid --net --fork --kill-child -- bash -euc '
    root=$1 volume=$2 founding=$3
    shift 3
    mount --make-rprivate /
    ip link set lo up
    mount --bind "$root" "$root"
    mount -t proc proc "$root/proc"
    mount -t tmpfs -o size=64m tmpfs "$root/tmp"
    mount --bind "$volume" "$root/var/lib/aula"
    mount --bind "$founding" "$root/founding"
    mount -o remount,bind,ro "$root"
    exec chroot "$root" setpriv --reuid 10480 --regid 10480 --clear-groups --no-new-privs --bounding-set=-all \
      --inh-caps=-all env -i PATH=/usr/bin:/bin AULA_GENESIS=/founding/genesis.json AULA_NAME=lake \
      AULA_P2P_EXTERNAL=/ip4/127.0.0.1/tcp/18481 AULA_P2P_LISTEN=/ip4/127.0.0.1/tcp/18481 \
      AULA_API_LISTEN=127.0.0.1:18480 AULA_RPC=http://127.0.0.1:18480 "$@"
  ' _ "$root" "$volume" "$founding" "$@" >"$log" 2>&1 &
  first=$!
}

# The same process seen from outside: the one child of unshare.
child() { tr -d ' ' <"/proc/$first/task/$first/children" 2>/dev/null; }

# until_true SECONDS WHAT COMMAND...
until_true() {
  local seconds=$1 what=$2 end=$((SECONDS + $1))
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || { tail -n 20 "$work"/*.log >&2; fail "$what did not come within $seconds s"; }
    sleep 0.2
  done
}

# Sends SIGTERM to the first process; its exit status must be WANTED within ten seconds.
terminate() {
  local wanted=$1 process started status=0
  process=$(child)
  started=$(date +%s%N)
  kill -TERM "$process"
  wait "$first" || status=$?
  first=
  local took=$((($(date +%s%N) - started) / 1000000))
  [ "$status" = "$wanted" ] || fail "it ended with $status, not $wanted"
  [ "$took" -lt 10000 ] || fail "it took $took ms to stop"
  say "SIGTERM: ended with $status after $took ms"
}

facts() {
  local process=$1 status
  status=$(cat "/proc/$process/status")
  grep -qE '^NSpid:.*[[:space:]]1$' <<<"$status" || fail "it is not the first process"
  grep -qE '^Uid:[[:space:]]+10480[[:space:]]+10480' <<<"$status" || fail "it is not 10480"
  grep -qE '^NoNewPrivs:[[:space:]]+1' <<<"$status" || fail "it may gain privileges"
  grep -qE '^CapEff:[[:space:]]+0+$' <<<"$status" || fail "it has capabilities"
  grep -qE '^CapBnd:[[:space:]]+0+$' <<<"$status" || fail "it may get capabilities"
  ! nsenter --target "$process" --mount --root touch /etc/written 2>/dev/null || fail "its root can be written"
}

image
begin "$work/waiting.log" /usr/lib/aula/aula-container node
until_true 20 "its wait for the genesis" grep -q "waits for the genesis" "$work/waiting.log"
facts "$(child)"
say "waits for its genesis as the first process, as 10480, without capabilities, on a read-only root"
terminate 143
[ -s "$founding/lake.operator.json" ] || fail "it did not show its public keys"

begin "$work/founder.log" AULA_FOUNDERS=1 AULA_CHAIN=county AULA_DISTRICTS=each /usr/lib/aula/aula-container founder
wait "$first" || { cat "$work/founder.log" >&2; fail "the founder"; }
first=
[ -s "$founding/genesis.json" ] || fail "no genesis"
grep -q '"district": 1' "$founding/genesis.json" || fail "the founder acts for no district"

begin "$work/node.log" /usr/lib/aula/aula-container node
until_true 60 "the node" grep -q "is up at height" "$work/node.log"
process=$(child)
facts "$process"
[ "$(readlink "/proc/$process/exe" | sed 's/.*\///')" = aula ] || fail "the first process is not the node itself"
inside() {
  nsenter --target "$process" --mount --pid --net --root --wd=/ \
    env -i PATH=/usr/bin:/bin AULA_HOME=/var/lib/aula/home AULA_RPC=http://127.0.0.1:18480 /usr/lib/aula/aula-container "$@"
}
has_blocks() { inside status | grep -qE "height [1-9]"; }
until_true 20 "its health" inside health
until_true 60 "its first blocks" has_blocks
say "a node: up, healthy, the first process itself"
terminate 0

# Settings and secrets as an operator gives them: readable by others there, its account's alone in the home.
printf '[api]\nmax_streams = 3\n' >"$founding/config.toml"
mkdir -m 0755 "$founding/secrets" "$founding/secrets/lti"
printf 'x = 1\n' >"$founding/secrets/lti/platforms.toml"
chmod 0444 "$founding/config.toml" "$founding/secrets/lti/platforms.toml"
begin "$work/again.log" AULA_CONFIG=/founding/config.toml AULA_SECRETS=/founding/secrets /usr/lib/aula/aula-container node
until_true 60 "the node, again" grep -qE "is up at height [1-9]" "$work/again.log"
say "started again on its volume: $(grep -o 'is up at height [0-9]*' "$work/again.log")"
grep -q '^max_streams = 3' "$volume/home/config.toml" || fail "it did not take config.toml"
grep -q '^external = "/ip4/127.0.0.1/tcp/18481"' "$volume/home/config.toml" || fail "it forgot its address"
[ "$(stat -c '%u %a' "$volume/home/secrets/lti/platforms.toml")" = "10480 600" ] || fail "a secret is not its account's alone"
say "took config.toml and a secret"
terminate 0

begin "$work/duties.log" /usr/lib/aula/aula-container duties --listen 127.0.0.1:19464
until_true 60 "the duties" grep -q "working for 1 homes" "$work/duties.log"
facts "$(child)"
[ -d "$volume/home/vault" ] || fail "the duties made no vault"
say "duties on the same volume: the first process itself, with a vault"
terminate 0
begin "$work/duties-again.log" /usr/lib/aula/aula-container duties
until_true 60 "the duties, again" grep -q "working for 1 homes" "$work/duties-again.log"
terminate 0
