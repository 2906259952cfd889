#!/usr/bin/env bash
# Seven nodes as processes, each in a network namespace of its own, with round trips of 20 to 150 ms between them and 1% of all packets
# lost. A line of JSON a phase, with "ok"; it ends with 1 where one does not hold.
#   ./scripts/wan.sh                                          ten minutes or so
#   KILLS=200 QUIET=3600 ./scripts/wan.sh                     the whole of it: three hours
#   PHASES="finality records" ./scripts/wan.sh                these alone
# The phases:
#   finality     RATE transactions a second of one record each, in all: from submission until the first node has them final
#   records      batches of BATCH records from seven districts, WINDOW of them on their way each: records a second
#   partitions   ten shapes, some in one direction alone, CUT seconds each (a chain that goes on may need ten for the turns of two that are
#                away): whether the chain goes on or stands as it must, and after the healing how soon the next block is seen and all are level (60 s)
#   kills        one node or two killed at random moments, KILLS in all, under load; a member comes by request file, vote and its own word, and
#                goes by vote, again and again meanwhile: everybody level within 60 s of a restart
#   quiet        no quorum for QUIET seconds, once because three are down, once because three are cut off: nothing decided, and the next block
#                within 10 s of its return: of the start of the process, which answers after `answers_after_s`, or of the healing
#   end          one hash at the last height, an orderly end, `aula replay` of every home, of the members that left too
# The whole time every node is asked for its height and hash ten times a second: two blocks of one height, or a node that comes back without a
# block that it had, fail the phase in which they are seen ("broken").
# Set too, with their defaults: SECONDS_EACH=30 (finality and records), RATE=20, BATCH=500, WINDOW=4, CUT=15, KILLS=20, QUIET=60, LOSS=1 (percent),
# SEED=1, AULA=target/release/aula; KEEP=1 keeps the homes and logs.
# Needs root, iproute2 and python3 with `cryptography` (apt-get install iproute2 python3-cryptography). Where the kernel has no netem, or WAN=relay
# is set, packets pass through scripts/wan/relay.py and /dev/net/tun instead; the first line says which ("network").
set -euo pipefail
aula=$(realpath "${AULA:-target/release/aula}")
stop() { printf 'stopped: %s\n' "$1" >&2; exit 1; }
[ -x "$aula" ] || stop "$aula is missing: cargo build --release -p aula-node, or set AULA"
[ "$(id -u)" = 0 ] || stop "namespaces need root"
command -v ip >/dev/null || stop "ip is missing: apt-get install iproute2"
python3 -c 'import cryptography' 2>/dev/null || stop "python3 has no cryptography: apt-get install python3-cryptography"
[ -e /dev/net/tun ] || [ "${WAN:-}" != relay ] || stop "this machine has no /dev/net/tun"
exec python3 -B "$(dirname "$0")/wan/run.py" "$aula"
