#!/usr/bin/env bash
# A learning platform and a vendor at a real node of a district, by libraries that others wrote: PyPI lti1p3platform makes the platform's
# side of LTI 1.3 (logins, launches, deep links, NRPS, AGS), PyPI PyLTI1p3 judges the same launches beside Aula, and PyPI
# timeback-oneroster asks the OneRoster provider. Prints their versions and a line a check (ok, FAILS); exit 1 when one fails.
# Usage: platform-peers.sh PATH/TO/aula    (Debian: python3-venv curl; timeback-oneroster wants Python 3.12 or later: PYTHON names it.
#   Without one its part is left out, and the rules of questions are checked by hand alone.) About two minutes.
#   PEERS: a folder that keeps what is installed; LTI13: a folder with launches of PyLTI1p3's tests as JSON; KEEP=1 keeps the node's home.
set -euo pipefail
here=$(cd "$(dirname "$0")/platform-peers" && pwd)
aula=$(realpath "${1:?where is aula?}")
peers=${PEERS:-}
. "$(dirname "$0")/loopback.sh"
[ -n "$peers" ] || peers=$work/peers
mkdir -p "$peers" "$work/sis" "$work/keys"

if [ ! -d "$peers/venv" ]; then "${PYTHON:-python3}" -m venv "$peers/venv" && "$peers/venv/bin/pip" -q install lti1p3platform PyLTI1p3; fi
python=$peers/venv/bin/python
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 12))' && "$peers/venv/bin/pip" -q install timeback-oneroster ||
  echo "timeback-oneroster wants Python 3.12: its part is left out"
echo "$("$peers/venv/bin/pip" freeze 2>/dev/null | grep -iE '^(lti1p3platform|pylti1p3|timeback-oneroster|pyjwt)=' | tr '\n' ' ')" \
  "$("$python" --version), $("$aula" --version)"
read -r p2p _ api feed lti roster platform < <(free_ports 7)
url=https://aula.test

# A district: two schools, sections with their teachers, students, line items and results, as a student system exports them.
"$python" "$here/sis.py" "$work/sis"
chain_of_one "$work/home" lake "$p2p" "$work/genesis.json"
own=$work/home/peers
mkdir -m 700 "$own"
secret() { printf %s "$1" | sha256sum | cut -d' ' -f1; }
scopes='["roster.readonly", "gradebook.readonly", "assessment.readonly"]'
{
  printf '[[client]]\nname = "lms"\nsecret_sha256 = "%s"\nscopes = %s\n' "$(secret 'a secret')" "$scopes"
  printf '[[client]]\nname = "core"\nsecret_sha256 = "%s"\nscopes = ["roster-core.readonly", "gradebook-core.readonly"]\n' "$(secret core)"
} >"$own/oneroster.toml"
printf '[[client]]\nname = "tablets"\nsecret_sha256 = "%s"\nscopes = ["statements/write"]\n' "$(secret tablets)" >"$own/feed.toml"
registered() { # NAME ISSUER CLIENT DEPLOYMENT KEYS
  printf '[[platform]]\nname = "%s"\nissuer = "%s"\nclient_id = "%s"\ndeployments = ["%s"]\n' "$1" "$2" "$3" "$4"
  for way in auth=auth token=token "jwks=$5"; do printf '%s_url = "http://127.0.0.1:%s/%s"\n' "${way%=*}" "$platform" "${way#*=}"; done
}
{
  registered lms "http://127.0.0.1:$platform" aula-tool 1 jwks
  echo 'send_progress = true'
  registered recorded http://imsglobal.org pytest12345 testdeploy recorded
} >"$own/platforms.toml"
chmod 600 "$own"/*
cat >>"$work/home/config.toml" <<T

[oneroster]
listen = "127.0.0.1:$roster"
url = "http://127.0.0.1:$roster"
clients = "$own/oneroster.toml"

[lti]
listen = "127.0.0.1:$lti"
url = "$url"
platforms = "$own/platforms.toml"

[[feed]]
name = "tablets"
kind = "frames"
listen = "127.0.0.1:$feed"
clients = "$own/feed.toml"
T
ask() { "$aula" "$@" --home "$work/home" --rpc "http://127.0.0.1:$api"; }
begin() {
  "$aula" start --home "$work/home" --listen "127.0.0.1:$api" >"$work/node.out" 2>>"$work/node.log" & node=$!
  ready "$api/readyz" "$node"
}
begin
admitted lake "$api"
ask district school add --school 11 --name North --type elementary >/dev/null
ask district school add --school 12 --name South --type elementary >/dev/null
"$aula" vault init --home "$work/home" >/dev/null
ask vault bind >/dev/null
ask district import "$work/sis" --format oneroster >/dev/null
# A node with a vault serves what it has: it begins to when it is started again. The service works beside it.
kill "$node"; wait "$node" || true
begin
"$aula" district run --home "$work/home" --rpc "http://127.0.0.1:$api" >"$work/run.out" 2>"$work/run.log" &
for port in "$lti" "$roster"; do ready "$port/healthz"; done
"$python" "$here/sis.py" --answers >"$work/answers"
# A feed refuses until the vault was open once, and while a command has it it may ask to come again.
curl -sf --retry 20 --retry-delay 1 --retry-all-errors -u tablets:tablets -H 'Content-Type: application/x-ndjson' \
  --data-binary "@$work/answers" "http://127.0.0.1:$feed/events" >"$work/events.json"

status=0
"$python" -W ignore "$here/lti.py" "$url" "127.0.0.1:$lti" "$platform" "${LTI13:-}" || status=1
"$python" -W ignore "$here/oneroster.py" "http://127.0.0.1:$roster" || status=1
# What left is in the access log, under the names of who got it.
"$aula" vault log list --home "$work/home" --output json 2>/dev/null | "$python" -c '
import collections, json, sys
read = collections.Counter((one["reader"], field) for one in json.load(sys.stdin)["entries"] for field in one["fields"] if one["verdict"] == "granted")
wanted = [("lms", "name"), ("lms", "assessment:all"), ("lms", "events"), ("core", "name")]
print("access log: " + ", ".join(f"{reader} {field} {read[reader, field]}" for reader, field in wanted))
sys.exit(any(read[one] == 0 for one in wanted))' || { echo "FAILS the access log: somebody who read is not named"; status=1; }
exit $status
