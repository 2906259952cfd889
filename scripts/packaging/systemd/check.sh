#!/usr/bin/env bash
# The package under a real systemd: Debian's minimal system boots in namespaces of its own (no engine, no virtual machine), the
# .deb is installed with apt, and the units start, say that they are up, are watched, stop, and start again; the node reloads, and the
# district's service does a duty at another address than this machine's loopback.
#   ./scripts/packaging/systemd/check.sh TARGET/packages/aula_*.deb        as root; needs Debian's mmdebstrap; two minutes
#   ./scripts/packaging/systemd/check.sh TARGET/packages/aula_*.deb ROOT   with a minimal system with systemd made before
set -euo pipefail
deb=$(realpath "${1:?which .deb?}")
[ "$(id -u)" = 0 ] || { echo "run as root: namespaces are needed" >&2; exit 2; }
work=$(mktemp -d)
root=$work/root
outer=
system=
device=
clear_up() {
  [ -z "$device" ] || kill "$device" 2>/dev/null || true
  [ -z "$system" ] || kill -KILL "$system" 2>/dev/null || true
  [ -z "$outer" ] || wait "$outer" 2>/dev/null || true
  rm -rf "$work"
}
trap clear_up EXIT
fail() {
  printf 'failed: %s\n' "$*" >&2
  [ -z "$system" ] || within systemctl --no-pager --full status aula aula-district >&2 || true
  exit 1
}
# within COMMAND...: run by the booted system.
within() { nsenter --target "$system" --mount --pid --uts --ipc --net --cgroup --root --wd=/ env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"; }
# show PROPERTY [UNIT]
show() { within systemctl show "${2:-aula}" --value --property "$1"; }
as_aula() { within setpriv --reuid aula --regid aula --clear-groups "$@"; }
ms() { echo $(($(date +%s%N) / 1000000)); }

# until_true SECONDS WHAT COMMAND...
until_true() {
  local what=$2 end=$((SECONDS + $1))
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || fail "$what did not come"
    sleep 0.2
  done
}

boot() {
  # shellcheck disable=SC2016 # expanded by the inner shell
  unshare --mount --pid --uts --ipc --net --cgroup --fork -- bash -euc '
    root=$1
    mount --make-rprivate /
    ip link set lo up
    mount --bind "$root" "$root"
    mount -t proc proc "$root/proc"
    mount -t sysfs sysfs "$root/sys"
    if [ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ]; then
      mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
    else
      mount -t tmpfs -o mode=755 tmpfs "$root/sys/fs/cgroup"
      mkdir "$root/sys/fs/cgroup/systemd" "$root/sys/fs/cgroup/unified"
      mount -t cgroup -o none,name=systemd cgroup "$root/sys/fs/cgroup/systemd"
      mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup/unified"
    fi
    mount -t tmpfs -o mode=755 tmpfs "$root/run"
    mount -t tmpfs tmpfs "$root/tmp"
    mount -t tmpfs -o mode=755 tmpfs "$root/dev"
    for device in null zero full random urandom tty; do
      touch "$root/dev/$device"
      mount --bind "/dev/$device" "$root/dev/$device"
    done
    mkdir "$root/dev/pts" "$root/dev/shm"
    mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
    mount -t tmpfs tmpfs "$root/dev/shm"
    ln -s pts/ptmx "$root/dev/ptmx"
    ln -s /proc/self/fd "$root/dev/fd"
    hostname lake
    # Not chroot: units have mount namespaces of their own, which begin at the root of this one.
    mkdir "$root/run/before"
    cd "$root"
    pivot_root . run/before
    umount -l /run/before
    exec env -i container=check PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot . /lib/systemd/systemd --log-target=null
  ' _ "$root" >"$work/boot.log" 2>&1 </dev/null &
  outer=$!
  for _ in $(seq 300); do
    system=$(tr -d ' ' 2>/dev/null <"/proc/$outer/task/$outer/children" || true)
    [ -z "$system" ] || break
    sleep 0.1
  done
  [ -n "$system" ] || fail "nothing boots: $(tail -n 3 "$work/boot.log")"
  until_true 60 "the boot" within timeout 60 systemctl is-system-running --wait
}

if [ -n "${2:-}" ]; then
  cp -a "$2" "$root"
else
  mmdebstrap --quiet --variant=minbase --include=ca-certificates,systemd,dbus bookworm "$root" 2>"$work/image.log" ||
    { cat "$work/image.log" >&2; exit 1; }
fi
cp "$deb" "$root/root/aula.deb"
chroot "$root" apt-get update >"$work/update.log" 2>&1 || { cat "$work/update.log" >&2; exit 1; }
boot
echo "booted: systemd $(within systemctl --version | sed -n '1s/systemd //p')"

# The network is the namespace's own: what the package needs is in the system already.
within apt-get install -y --no-install-recommends /root/aula.deb >"$work/install.log" 2>&1 ||
  { cat "$work/install.log" >&2; fail "apt-get install"; }
[ "$(within stat -c '%U:%G %a' /var/lib/aula)" = "aula:aula 700" ] || fail "the home is another's"
[ "$(show ActiveState)" = inactive ] || fail "it was started before it was made"
within systemctl start aula
[ "$(show ActiveState)" = inactive ] || fail "it runs without a genesis"
echo "installed: account, home, nothing started"

as_aula aula init --home /var/lib/aula --name lake >"$work/init.log" 2>&1 || { cat "$work/init.log" >&2; fail "aula init"; }
as_aula aula genesis --home /var/lib/aula --name county --operator /var/lib/aula/operator.json -o /tmp/genesis.json >/dev/null
as_aula aula join --home /var/lib/aula --genesis /tmp/genesis.json >"$work/join.log" 2>&1 || { cat "$work/join.log" >&2; fail "aula join"; }
# This machine may allow itself fewer open files than the unit asks for, and no namespaces of users.
within mkdir -p /run/systemd/system/aula.service.d /run/systemd/system/aula-district.service.d
here=()
[ "$(ulimit -Hn)" -ge 65536 ] || here+=("LimitNOFILE=$(ulimit -Hn)")
within systemd-run --quiet --wait -p PrivateUsers=yes -p ProtectSystem=strict /bin/true 2>/dev/null || here+=("PrivateUsers=no")
if [ ${#here[@]} -gt 0 ]; then
  printf '%s\n' "[Service]" "${here[@]}" |
    within tee /run/systemd/system/aula{,-district}.service.d/here.conf >/dev/null
  within systemctl daemon-reload
  echo "without, since this machine cannot: ${here[*]}"
fi
begun=$(ms)
within systemctl enable --now aula || fail "it does not start"
[ "$(show ActiveState)" = active ] || fail "it is not active"
echo "up: READY after $(($(ms) - begun)) ms; $(show StatusText)"
pulses() { show StatusText | grep -q peers; }
until_true 60 "its word for the watchdog" pulses
until_true 30 "the first blocks" within aula status --rpc http://127.0.0.1:8480
within bash -c 'aula status --rpc http://127.0.0.1:8480'

process=$(show MainPID)
within systemctl reload aula
sleep 1
[ "$(show MainPID)" = "$process" ] || fail "a reload ended it"
echo "reloaded: the same process"

# Stopped from outside, it tells the watchdog nothing: it is killed and started again.
within bash -c 'printf "[Service]\nWatchdogSec=3s\n" >/run/systemd/system/aula.service.d/fast.conf'
within systemctl daemon-reload
within systemctl restart aula
process=$(show MainPID)
sleep 7
[ "$(show MainPID)" = "$process" ] || fail "the watchdog took a node that lives"
within kill -STOP "$process"
restarted() { [ "$(show NRestarts)" = 1 ]; }
until_true 30 "a new process" restarted
until_true 30 "the node, again" within systemctl is-active aula
echo "watched: lives through three intervals of 3 s; hung, it was killed and started again"

# A device of building automation at an address of another machine, as far as the unit can see: Modbus TCP that answers 2150.
nsenter --target "$system" --net ip address add 198.51.100.7/32 dev lo
nsenter --target "$system" --net python3 - >"$work/device.log" 2>&1 <<'PYTHON' &
import socketserver, struct
class Device(socketserver.StreamRequestHandler):
    def handle(self):
        while len(asked := self.rfile.read(12)) == 12:
            turn, _, _, unit, function, _, count = struct.unpack(">HHHBBHH", asked)
            values = struct.pack(f">{count}H", *[2150] * count)
            self.wfile.write(struct.pack(">HHHBBB", turn, 0, 3 + len(values), unit, function, len(values)) + values)
socketserver.ThreadingTCPServer.allow_reuse_address = True
socketserver.ThreadingTCPServer(("198.51.100.7", 1502), Device).serve_forever()
PYTHON
device=$!
as_aula tee /var/lib/aula/points.toml >/dev/null <<'TOML'
every_s = 10
[[modbus]]
name = "plant"
address = "198.51.100.7:1502"
[[modbus.point]]
table = "input"
at = 0
type = "u16"
scale = 0.01
room = "B-204"
quantity = "air_temperature"
unit = "degC"
TOML
as_aula sed -i 's|^# points = .*|points = "/var/lib/aula/points.toml"|; s|^# look_every_s = .*|look_every_s = 1|' /var/lib/aula/config.toml
as_aula aula vault init --home /var/lib/aula >"$work/vault.log" 2>&1 || { cat "$work/vault.log" >&2; fail "aula vault init"; }
begun=$(ms)
within systemctl enable --now aula-district || fail "the district's service does not start"
[ "$(show ActiveState aula-district)" = active ] || fail "the district's service is not active"
echo "district: READY after $(($(ms) - begun)) ms; $(show StatusText aula-district)"
readings() { within bash -c 'cat /var/lib/aula/readings/sensors-*.csv' | grep -c 'B-204/air_temperature,21.5,degC'; }
until_true 60 "a reading from 198.51.100.7" readings
duties() { as_aula aula district status --home /var/lib/aula | grep -q anchor; }
until_true 60 "its duties" duties
echo "district: a device at 198.51.100.7 was read"

# The narrow network of the example shuts that address out, where this machine's kernel lets units have one.
within cp /usr/share/doc/aula/examples/aula-district-narrow.conf /run/systemd/system/aula-district.service.d/
within systemctl daemon-reload
within systemctl restart aula-district
sleep 3
before=$(readings)
sleep 12
[ "$(show ActiveState aula-district)" = active ] || fail "the district's service does not run with the narrow network"
# Whether units have a network of their own at all is asked of one that may reach nobody.
reached() { within systemd-run --quiet --wait "$@" timeout 5 bash -c 'exec 3<>/dev/tcp/198.51.100.7/1502' 2>/dev/null; }
reached || fail "the device does not answer"
if reached -p IPAddressDeny=any; then
  echo "district, narrow: not enforced here (no filter of addresses by control group)"
elif [ "$(readings)" = "$before" ]; then
  echo "district, narrow: the device is out of reach"
else
  fail "the narrow network lets the device through"
fi
within rm /run/systemd/system/aula-district.service.d/aula-district-narrow.conf

within bash -c 'printf "[Service]\nWatchdogSec=3s\nRestartSec=1s\n" >/run/systemd/system/aula-district.service.d/fast.conf'
within systemctl daemon-reload
within systemctl restart aula-district
process=$(show MainPID aula-district)
sleep 7
[ "$(show MainPID aula-district)" = "$process" ] || fail "the watchdog took a district's service that lives"
within kill -STOP "$process"
begun_again() { [ "$(show NRestarts aula-district)" = 1 ]; }
until_true 30 "a new process of the district's service" begun_again
until_true 30 "the district's service, again" within systemctl is-active aula-district
begun=$(ms)
within systemctl stop aula-district
[ "$(show Result aula-district)" = success ] || fail "the district's service did not stop by itself"
echo "district: hung, it was killed and started again; stopped after $(($(ms) - begun)) ms"
kill "$device"
device=

begun=$(ms)
within systemctl stop aula
[ "$(show Result)" = success ] || fail "it did not stop by itself: $(show Result)"
echo "stopped: after $(($(ms) - begun)) ms"
within systemctl start aula
within apt-get purge -y aula >/dev/null 2>&1
within test -s /var/lib/aula/keys/validator.json || fail "a purge took the keys"
echo "purged: keys and chain are still there"
