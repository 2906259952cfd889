#!/usr/bin/env bash
# A district's lake, made by a real node and its feed, read by PyIceberg, DuckDB and Spark: rows and sums of every table, whole and by day, the same by all
# of them, as many as were sent, before and after a compaction. Exit 1 when two differ, 2 when Spark cannot be had.
# Usage: lake-peers.sh PATH/TO/aula [EVENTS]    (Debian: python3-venv openjdk-17-jre-headless; from PyPI what scripts/lake-readers.py names, 400 MB;
#   by default 20,000 events; a few minutes.) PEERS: a folder that keeps what is installed; KEEP=1 keeps the home.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
aula=$(realpath "${1:?where is aula?}")
events=${2:-20000}
command -v java >/dev/null || { echo "java is missing: apt-get install openjdk-17-jre-headless"; exit 2; }
. "$here/loopback.sh"
peers=${PEERS:-$work/peers}
mkdir -p "$peers" "$work/sis" "$work/readings"
if [ ! -x "$peers/venv/bin/python" ]; then python3 -m venv "$peers/venv"; fi
python=$peers/venv/bin/python
echo "      installing PyIceberg, DuckDB and Spark into $(basename "$peers")"
"$python" -m pip install -q 'pyiceberg[sql-sqlite,pyarrow]' duckdb 'pyspark==3.5.*'
"$python" -m pip install -q --no-deps snowpark-connect-deps-iceberg==1.0.3
read -r p2p _ api feed < <(free_ports 4)
home=$work/home
chain_of_one "$home" lake "$p2p" "$work/genesis.json"
printf '[[client]]\nname = "registers"\nsecret_sha256 = "%s"\nscopes = ["statements/write"]\n' "$(printf %s t | sha256sum | cut -d' ' -f1)" >"$home/feed.toml"
chmod 600 "$home/feed.toml"
sed -i "s|^# readings = .*|readings = \"$work/readings\"|" "$home/config.toml"
grep -q '^readings = ' "$home/config.toml" || { echo "FAILS config.toml has no place for readings"; exit 1; }
printf '\n[[feed]]\nname = "registers"\nkind = "frames"\nlisten = "127.0.0.1:%s"\nclients = "%s"\n' "$feed" "$home/feed.toml" >>"$home/config.toml"
ask() { "$aula" "$@" --home "$home" --rpc "http://127.0.0.1:$api"; }
begin() { "$aula" start --home "$home" --listen "127.0.0.1:$api" >>"$work/node.out" 2>>"$work/node.log" & node=$!; ready "$api/readyz" "$node"; }
begin
admitted lake "$api"
ask district school add --school 11 --name North --type elementary >/dev/null
ask district school add --school 12 --name South --type elementary >/dev/null
"$aula" vault init --home "$home" >/dev/null
ask vault bind >/dev/null
python3 "$here/platform-peers/sis.py" "$work/sis"
ask district import "$work/sis" --format oneroster >/dev/null
# 1: the ledger's tables wait for a node.
synced() { ask lake sync --output json >"$work/sync.json" || [ $? = 1 ]; }
# What is there without the feed, and a feed begins when the node does.
synced
rows() { "$aula" lake status --home "$home" --output json | python3 -c 'import json, sys; print({one["name"]: one["rows"] for one in json.load(sys.stdin)["tables"]}.get(sys.argv[1], 0))' "$1"; }
imported=$(rows events)
kill "$node"; wait "$node" || true
begin
listening "$feed"
# Ten days of answers in requests of 1,000, and a reading a minute of three of them.
python3 - "$feed" "$events" "$work/readings/plant.csv" <<'P'
import base64, datetime, json, sys, time, urllib.error, urllib.request
port, events, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
head = {"Authorization": "Basic " + base64.b64encode(b"registers:t").decode(), "Content-Type": "application/x-ndjson"}
begin, new = int(time.time() * 1000) - 10 * 86_400_000, 0
def line(n):
    event = {"kind": "response", "item": n % 500, "skills": [1 + n % 20], "correct": n % 3 > 0, "duration_ms": 900 + n % 7}
    return json.dumps({"id": f"e-{n}", "at": begin + n * 863_000_000 // events, "student": f"S-{1 + n % 120:04}", "event": event})
for first in range(0, events, 1000):
    asked = urllib.request.Request(f"http://127.0.0.1:{port}/events", "\n".join(line(n) for n in range(first, min(first + 1000, events))).encode(), head)
    for turn in range(300):
        try:
            with direct.open(asked, timeout=60) as answer:
                new += json.load(answer)["new"]
            break
        except urllib.error.HTTPError as error:
            # The vault is closed for a moment.
            if error.code not in (429, 503) or turn == 299:
                raise
            time.sleep(0.2)
if new != events:
    sys.exit(f"FAILS {new} of {events} events were new")
at = datetime.datetime(2026, 11, 1, tzinfo=datetime.timezone.utc)
with open(path, "w") as file:
    file.write("at,meter,value,unit\n")
    for minute in range(3 * 1440):
        file.write(f"{(at + datetime.timedelta(minutes=minute)).strftime('%Y-%m-%dT%H:%M:%SZ')},main,{minute % 97}.25,kWh\n")
P
synced
read_by_all() {
  "$python" "$here/lake-readers.py" "$home/lake" --aula "$aula" --home "$home" --need duckdb,spark,aula --expect "events=$((imported + events))" "readings=4320"
}
read_by_all
"$aula" lake compact --home "$home" >/dev/null
echo "      compacted"
read_by_all
echo "all checks hold"
