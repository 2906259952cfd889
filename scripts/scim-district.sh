#!/usr/bin/env bash
# SCIM beside a running district (docs/identity.md): a node, `aula district run` on the same home, staff who log in by OpenID Connect, and an identity
# system that makes, changes and drops them. Each line is a check: who is dropped has no session, no token and no login when the request is
# answered, and nobody else is touched. Exit 1 when one fails. Nothing leaves loopback, and nothing is installed.
# Usage: scim-district.sh PATH/TO/aula    (Debian: python3 openssl curl; a minute)
set -euo pipefail
here=$(cd "$(dirname "$0")/identity-peers" && pwd)
aula=$(realpath "${1:?where is aula?}")
. "$(dirname "$0")/loopback.sh"
read -r p2p _ api listener provider metrics < <(free_ports 6)
url=https://aula.test home=$work/home

# A district with a node: two students, one teacher of each.
chain_of_one "$home" lake "$p2p" "$work/genesis.json"
role() { printf '{ claim = "%s", value = "%s", role = "%s" }' "$@"; }
cat >"$work/providers.toml" <<T
[[provider]]
name = "login"
protocol = "oidc"
issuer = "http://127.0.0.1:$provider"
client_id = "aula"
scopes = ["profile"]
[provider.map]
reader = "preferred_username"
role = [$(role groups heads admin), $(role groups teachers teacher)]

[directory]
[directory.map]
reader = "userName"
reader_suffix = "@east.example"
role = [$(role roles head admin), $(role roles teacher teacher)]
T
chmod 600 "$work/providers.toml"
printf '\n[identity]\nlisten = "127.0.0.1:%s"\nurl = "%s"\nproviders = "%s"\n' "$listener" "$url" "$work/providers.toml" >>"$home/config.toml"
openssl genrsa -out "$work/provider.key" 2048 2>/dev/null
python3 "$here/one_provider.py" "$provider" "$work/provider.key" "$url/identity/oidc/login" >"$work/provider.log" 2>&1 &
ready "$provider/jwks"

"$aula" start --home "$home" --listen "127.0.0.1:$api" >"$work/node.out" 2>"$work/node.log" & node=$!
ask() { "$aula" "$@" --home "$home" --rpc "http://127.0.0.1:$api"; }
ready "$api/readyz" "$node"
admitted lake "$api"
ask district school add --school 1 --name Elm --type elementary >/dev/null
"$aula" vault init --home "$home" >/dev/null
ask vault bind >/dev/null
printf 'local_id,school,grade\nS-1001,1,4\nS-1002,1,4\n' >"$work/students.csv"
ask district import "$work/students.csv" --format csv --school-year 2026 >/dev/null
printf 'reader,section,school,student,school_year\nt-1042,4-b,,S-1001,2026\nt-2077,4-c,,S-1002,2026\n' >"$work/roster.csv"
"$aula" vault roster "$work/roster.csv" --home "$home" >/dev/null
# A node with a vault serves logins: it begins to when it is started again.
kill "$node"; wait "$node" || true
"$aula" start --home "$home" --listen "127.0.0.1:$api" >"$work/node.out" 2>>"$work/node.log" &
ready "$api/readyz"
"$aula" district run --home "$home" --rpc "http://127.0.0.1:$api" --listen "127.0.0.1:$metrics" >"$work/run.out" 2>"$work/run.log" &
ready "$metrics/metrics"
"$aula" --version
python3 "$here/directory.py" "$url" "127.0.0.1:$listener" "127.0.0.1:$api" "$("$aula" vault handles --home "$home" | cut -d' ' -f1 | tr '\n' ',')"
# What the service does has gone on meanwhile.
if ! ask district status >"$work/status.txt"; then echo "FAILS the district's service"; cat "$work/status.txt"; exit 1; fi
echo "ok    the district's service works beside it"
