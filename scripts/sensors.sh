#!/usr/bin/env bash
# Usage: scripts/sensors.sh [PYTHON [PROGRAM]]
# Points of building automation read from devices of other makers' libraries, on loopback: pymodbus and bacpypes3 (PyPI, in the
# environment of PYTHON); PROGRAM is the example `points` of node/sensors, built here otherwise. Compares every reading with what the devices hold, and holds that nothing was written to them. Not part of
# the gate. Exit 0 when all is as it should be, 1 when something is not, 2 when the libraries are missing.
set -uo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
python=${1:-python3}
"$python" -c 'import pymodbus, bacpypes3' 2>/dev/null || { echo "needs pymodbus and bacpypes3: pip install pymodbus bacpypes3"; exit 2; }
work=$(mktemp -d)
devices=
trap '[ -n "$devices" ] && kill "$devices" 2>/dev/null; rm -rf "$work"' EXIT
free() { python3 -c 'import socket, sys; s = socket.socket(type=getattr(socket, sys.argv[1])); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])' "$1"; }
modbus=$(free SOCK_STREAM) bacnet=$(free SOCK_DGRAM)
"$python" "$root/scripts/sensors-devices.py" "$modbus" "$bacnet" >"$work/devices.log" 2>&1 &
devices=$!
for _ in $(seq 100); do grep -q ready "$work/devices.log" && break; sleep 0.1; done
grep -q ready "$work/devices.log" || { cat "$work/devices.log"; exit 1; }
point() { printf 'room = "B-204"\nquantity = "%s"\nunit = "%s"\n' "$1" "$2"; }
register() { printf '[[modbus.point]]\ntable = "%s"\nat = %s\n%s\n' "$1" "$2" "$5"; point "$3" "$4"; }
object() { printf '[[bacnet.point]]\nobject = "%s"\ninstance = %s\n' "$1" "$2"; point "$3" "$4"; }
{
  printf '[[modbus]]\nname = "plant"\naddress = "127.0.0.1:%s"\n' "$modbus"
  register input 0 air_temperature degC 'type = "i16"
scale = 0.1'
  register holding 1 outdoor_temperature degC 'type = "i16"
scale = 0.1'
  register input 2 electricity Wh 'type = "u32"'
  register holding 4 water_temperature degC 'type = "f32"
words = "little"'
  register coil 0 pump '' ''
  register discrete 1 window '' ''
  register input 0 unbelievable degC 'max = 100.0'
  register input 60000 missing '' ''
  printf '[[modbus]]\nname = "gone"\naddress = "127.0.0.1:1"\n'
  register input 0 nothing '' ''
  printf '[[bacnet]]\nname = "ahu"\naddress = "127.0.0.1:%s"\n' "$bacnet"
  object analog-input 3 co2 ppm
  object analog-value 1 setpoint degC
  object binary-input 7 motion ''
  object analog-input 99 absent ''
} >"$work/points.toml"
cd "$root"
program=("${2:-}")
[ -n "${2:-}" ] || program=(cargo run --release --quiet -p aula-sensors --example points --)
"${program[@]}" "$work/points.toml" "$work/readings" >"$work/said" 2>&1
cat "$work/said"
cut -d, -f2- "$work"/readings/sensors-*.csv | sort >"$work/got"
sort >"$work/wanted" <<'END'
meter,value,unit
B-204/air_temperature,21.5,degC
B-204/outdoor_temperature,-4.5,degC
B-204/electricity,100000,Wh
B-204/water_temperature,20.5,degC
B-204/pump,1,
B-204/window,0,
B-204/co2,412.5,ppm
B-204/setpoint,20,degC
B-204/motion,1,
END
failed=0
diff "$work/wanted" "$work/got" || failed=1
[ "$(grep -c '^not read' "$work/said")" = 4 ] || { echo "fail  four points are not to be had"; failed=1; }
grep '^written' "$work/devices.log" && { echo "fail  something was written"; failed=1; }
[ "$failed" = 0 ] && echo "ok    9 readings as the devices hold them, 4 points told, nothing written"
exit "$failed"
