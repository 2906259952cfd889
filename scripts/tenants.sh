#!/usr/bin/env bash
# Two districts, each with a node and every listener that a node can have; what each one issued is shown at every listener of the other, in every manner
# that the listener reads. At home each of them opens its own, or this would hold of closed doors; at the other's none opens anything, and
# each is told what a word that nobody issued is told. Names are the same in both: secrets alone tell them apart. Exit 1 when one opens.
# Usage: tenants.sh PATH/TO/aula    (Debian: python3 openssl curl; five minutes, since strangers must wait; nothing leaves loopback)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
aula=$(realpath "${1:?where is aula?}")
. "$here/loopback.sh"
drawn() { head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n'; }
digest() { printf %s "$1" | sha256sum | cut -d' ' -f1; }
tenant() { # NAME FIRST_PORT
  local name=$1 port=$2 home=$work/$1 url=https://$1.test n kind
  local -A secret=()
  for kind in frames xapi caliper mqtt oneroster replica pair; do secret[$kind]=$(drawn); done
  chain_of_one "$home" lake "$port" "$work/$name.genesis" "$name"
  "$aula" start --home "$home" --listen "127.0.0.1:$((port + 2))" >/dev/null 2>"$work/$name.log" & local node=$!
  ask() { "$aula" "$@" --home "$home" --rpc "http://127.0.0.1:$((port + 2))"; }
  ready "$((port + 2))/readyz" "$node"
  admitted lake "$((port + 2))"
  ask district school add --school 1 --name Elm --type elementary >/dev/null
  "$aula" vault init --home "$home" >/dev/null
  ask vault bind >/dev/null
  printf 'local_id,school,grade\nS-1001,1,4\n' >"$work/$name.csv"
  ask district import "$work/$name.csv" --format csv --school-year 2026 >/dev/null
  printf 'reader,section,school,student,school_year\nt-1042,4-b,,S-1001,2026\n' >"$work/$name-roster.csv"
  "$aula" vault roster "$work/$name-roster.csv" --home "$home" >/dev/null
  kill "$node"; wait "$node" 2>/dev/null || true
  local handle credential
  handle=$("$aula" vault handles --home "$home" | head -1 | cut -d' ' -f1)
  credential=$("$aula" vault credential --home "$home" --role teacher --reader t-1042 --output json)
  # Every listener, each with a secret of its own and one name.
  clients() { printf '[[client]]\nname = "alike"\nsecret_sha256 = "%s"\nscopes = [%s]\n' "$(digest "$1")" "$2" >"$3"; }
  clients "${secret[frames]}" '"statements/write"' "$home/frames.toml"
  clients "${secret[xapi]}" '"all"' "$home/xapi.toml"
  clients "${secret[caliper]}" '"statements/write"' "$home/caliper.toml"
  clients "${secret[mqtt]}" '"statements/write"' "$home/mqtt.toml"
  clients "${secret[oneroster]}" '"roster.readonly"' "$home/oneroster.toml"
  printf '[[replica]]\nname = "alike"\nsecret_sha256 = "%s"\nschools = [1]\nfeeds = []\n' "$(digest "${secret[replica]}")" >"$home/replicas.toml"
  printf 'secret = "%s"\n' "${secret[pair]}" >"$home/pair.toml"
  cat >"$home/lti.toml" <<T
[[platform]]
name = "alike"
issuer = "https://$name.platform.test"
client_id = "$name-client"
deployments = ["1"]
auth_url = "https://$name.platform.test/authorize"
token_url = "https://$name.platform.test/token"
jwks_url = "https://$name.platform.test/jwks"
student_claim = "sub"
teacher_claim = "sub"
T
  openssl genrsa -out "$home/provider.key" 2048 2>/dev/null
  python3 "$here/identity-peers/one_provider.py" "$((port + 15))" "$home/provider.key" "$url/identity/oidc/login" >"$work/$name-provider.log" 2>&1 &
  role() { printf '{ claim = "%s", value = "%s", role = "%s" }' "$@"; }
  cat >"$home/providers.toml" <<T
[[provider]]
name = "login"
protocol = "oidc"
issuer = "http://127.0.0.1:$((port + 15))"
client_id = "aula"
scopes = ["profile"]
[provider.map]
reader = "preferred_username"
role = [$(role groups heads admin), $(role groups teachers teacher)]
[directory]
[directory.map]
reader = "userName"
role = [$(role roles head admin), $(role roles teacher teacher)]
T
  chmod 600 "$home"/*.toml
  mkdir "$home/lease"
  cat >>"$home/config.toml" <<T

[identity]
listen = "127.0.0.1:$((port + 4))"
url = "$url"
providers = "$home/providers.toml"

[oneroster]
listen = "127.0.0.1:$((port + 5))"
url = "$url"
clients = "$home/oneroster.toml"

[replicas]
listen = "127.0.0.1:$((port + 6))"
clients = "$home/replicas.toml"

[lti]
listen = "127.0.0.1:$((port + 7))"
url = "$url"
platforms = "$home/lti.toml"

[pair]
name = "$name"
listen = "127.0.0.1:$((port + 8))"
peer = "127.0.0.1:$((port + 9))"
secret = "$home/pair.toml"
lease = "$home/lease"
T
  n=10
  for kind in frames xapi caliper mqtt; do
    printf '\n[[feed]]\nname = "%s"\nkind = "%s"\nlisten = "127.0.0.1:%s"\nclients = "%s"\n' "$kind" "$kind" "$((port + n))" "$home/$kind.toml" >>"$home/config.toml"
    case $kind in xapi | caliper) printf 'home_page = "https://sis.test/"\n' >>"$home/config.toml" ;; esac
    n=$((n + 1))
  done
  "$aula" district lease --new --home "$home" >/dev/null
  ready "$((port + 15))/jwks"
  "$aula" start --home "$home" --listen "127.0.0.1:$((port + 2))" --log info >/dev/null 2>>"$work/$name.log" &
  ready "$((port + 2))/readyz"
  # It answers something once the vault is this one's.
  for _ in $(seq 300); do [ "$(curl -s --noproxy '*' -o /dev/null -w '%{http_code}' "http://127.0.0.1:$((port + 4))/identity/me")" = 401 ] && break; sleep 0.1; done
  python3 - "$work/$name.json" "$name" "$port" "$handle" "$credential" "$home/provider.key" <<P
import json, sys
path, name, port, handle, credential, key = sys.argv[1:]
secrets = dict(word.split("=") for word in """$(for kind in "${!secret[@]}"; do echo "$kind=${secret[$kind]}"; done)""".split())
json.dump({"name": name, "url": f"https://{name}.test", "port": int(port), "handle": handle, "credential": json.loads(credential)["credential"], "key": key, "secrets": secrets},
          open(path, "w"))
P
}
# Sixteen of each.
read -r east _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ west _ < <(free_ports 32)
"$aula" --version
tenant east "$east"
tenant west "$west"
python3 "$here/tenants/shown.py" "$work/east.json" "$work/west.json"
# Lines of both together tell which is whose, as a service that runs both tells them.
for name in east west; do
  other=west; [ "$name" = west ] && other=east
  if grep -q "$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["handle"])' "$work/$other.json")" "$work/$name.log"; then echo "FAILS $name's log has a student of $other"; exit 1; fi
done
echo "ok    no log has a student of the other"
