#!/usr/bin/env bash
# Staff log in at a real node, with real providers on loopback: npm oidc-provider, PyPI pysaml2 and npm saml-idp, whose versions are
# printed. They are installed in a folder of their own, which is kept where PEERS names one.
# Usage: identity-peers.sh PATH/TO/aula    (Debian: nodejs npm python3-venv xmlsec1 openssl; about four minutes)
#   SAML_IDP_OVERRIDES: npm overrides for saml-idp, as JSON, where GitHub cannot be reached (it wants a fork of samlp from there)
set -euo pipefail
here=$(cd "$(dirname "$0")/identity-peers" && pwd)
aula=$(realpath "${1:?where is aula?}")
peers=${PEERS:-}
. "$(dirname "$0")/loopback.sh"
[ -n "$peers" ] || peers=$work/peers
mkdir -p "$peers/idp" "$work/keys"
# It is started anew by another shell than this.
end_more() { [ ! -f "$work/oidc.pid" ] || kill "$(cat "$work/oidc.pid")" 2>/dev/null || true; }

# The peers.
if [ ! -d "$peers/node_modules/oidc-provider" ]; then
  (cd "$peers" && npm init -y >/dev/null && npm install --silent oidc-provider)
fi
if [ ! -d "$peers/idp/node_modules/saml-idp" ]; then
  echo "{\"private\":true,\"dependencies\":{\"saml-idp\":\"1.2.1\"},\"overrides\":${SAML_IDP_OVERRIDES:-{\}}}" >"$peers/idp/package.json"
  (cd "$peers/idp" && npm install --silent) || echo "saml-idp could not be installed: its part is left out"
fi
if [ ! -d "$peers/venv" ]; then python3 -m venv "$peers/venv" && "$peers/venv/bin/pip" -q install pysaml2; fi
python=$peers/venv/bin/python
version() { node -p "require('$1/package.json').version" 2>/dev/null || echo none; }
echo "oidc-provider $(version "$peers/node_modules/oidc-provider"), saml-idp $(version "$peers/idp/node_modules/saml-idp")," \
  "$("$peers/venv/bin/pip" freeze 2>/dev/null | grep -i pysaml2), node $(node --version), $("$aula" --version)"
read -r p2p _ api listener oidc token pysaml2 idp_a idp_b < <(free_ports 9)
url=https://aula.test

# A district with a node: two students, one teacher of one of them.
chain_of_one "$work/home" lake "$p2p" "$work/genesis.json"
for name in idp1 idp2 other own; do
  openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=$name" -keyout "$work/keys/$name.key" -out "$work/keys/$name.crt" 2>/dev/null
done
providers=$work/home/providers
mkdir -m 700 "$providers"
cp "$work/keys/own.key" "$work/keys/own.crt" "$providers/"
pysaml2_metadata() { "$python" -W ignore "$here/pysaml2_idp.py" metadata "http://127.0.0.1:$pysaml2" "$work/keys" "$1"; }
pysaml2_metadata one >"$providers/pysaml2.xml"
role='role = [{ claim = "CLAIM", value = "VALUE", role = "teacher" }]'
oidc_provider() { # NAME CLIENT PORT MORE
  local secret=$providers/$1.secret
  printf 'secret of %s: + %% &' "$2" >"$secret"
  [ "$1" != wrong ] || echo wrong >"$secret"
  printf '[[provider]]\nname = "%s"\nprotocol = "oidc"\nissuer = "http://127.0.0.1:%s"\nclient_id = "%s"\nscopes = ["profile", "email", "groups"]\n%s\n' "$1" "$3" "$2" "$4"
  [ "$2" = public ] || echo "client_secret_file = \"$1.secret\""
  printf '[provider.map]\nreader = "email"\nreader_suffix = "@east.example"\nreader_ignores_case = true\n%s\n\n' \
    "$(echo "$role" | sed 's/CLAIM/groups/; s/VALUE/teachers/')"
}
saml_provider() { # NAME ENTITY METADATA READER CLAIM VALUE MORE
  printf '[[provider]]\nname = "%s"\nprotocol = "saml"\nentity_id = "%s"\nmetadata = "%s"\n%s\n[provider.map]\nreader = "%s"\n%s\n\n' \
    "$1" "$2" "$3" "$7" "$4" "$(echo "$role" | sed "s/CLAIM/$5/; s/VALUE/$6/")"
}

# saml-idp knows Aula by its flags alone, so it runs first and gives its metadata.
parts="oidc pysaml2"
if [ -d "$peers/idp/node_modules/saml-idp" ]; then
  parts="$parts saml_idp"
  for one in "saml-idp $idp_a true" "saml-idp-assertion $idp_b false"; do
    read -r name port whole <<<"$one"
    # Its own flag for the certificate of both directions; its page of the session says who logs in.
    (cd "$peers/idp" && exec node node_modules/saml-idp/app.js --host 127.0.0.1 --port "$port" --issuer "urn:peer:$name" \
      --cert "$work/keys/idp1.crt" --key "$work/keys/idp1.key" --acsUrl "$url/identity/saml/$name" \
      --audience "$url/identity/saml/$name/metadata" --sloUrl "$url/identity/saml/$name/logout" --signResponse "$whole" \
      --configFile "$peers/idp/node_modules/saml-idp/config.js") >"$work/$name.log" 2>&1 &
  done
  for port in "$idp_a" "$idp_b"; do ready "$port/metadata"; done
  curl -sf "http://127.0.0.1:$idp_a/metadata" >"$providers/saml-idp.xml"
  curl -sf "http://127.0.0.1:$idp_b/metadata" >"$providers/saml-idp-assertion.xml"
fi
{
  for name in basic public rs512 ps256 es256 es384 eddsa hs256 signed; do oidc_provider $name $name "$oidc" ''; done
  oidc_provider post post "$oidc" 'client_auth = "post"'
  oidc_provider wrong wrong "$oidc" ''
  oidc_provider token token "$token" ''
  saml_provider pysaml2 "http://127.0.0.1:$pysaml2/idp" pysaml2.xml NameID urn:oid:1.3.6.1.4.1.5923.1.1.1.1 teacher \
    $'signing_key_file = "own.key"\nsigning_certificate = "own.crt"'
  case $parts in *saml_idp*)
    for name in saml-idp saml-idp-assertion; do saml_provider $name "urn:peer:$name" $name.xml NameID groups teachers ''; done ;;
  esac
} >"$providers/providers.toml"
chmod 600 "$providers"/*
printf '\n[identity]\nlisten = "127.0.0.1:%s"\nurl = "%s"\nproviders = "%s"\n' "$listener" "$url" "$providers/providers.toml" >>"$work/home/config.toml"

"$aula" start --home "$work/home" --listen "127.0.0.1:$api" >"$work/node.out" 2>"$work/node.log" & node=$!
ask() { "$aula" "$@" --home "$work/home" --rpc "http://127.0.0.1:$api"; }
ready "$api/readyz" "$node"
admitted lake "$api"
ask district school add --school 1 --name Elm --type elementary >/dev/null
"$aula" vault init --home "$work/home" >/dev/null
ask vault bind >/dev/null
printf 'local_id,school,grade\nS-1001,1,4\nS-1002,1,4\n' >"$work/students.csv"
ask district import "$work/students.csv" --format csv --school-year 2026 >/dev/null
printf 'reader,section,school,student,school_year\nt-1042,4-b,,S-1001,2026\n' >"$work/roster.csv"
"$aula" vault roster "$work/roster.csv" --home "$work/home" >/dev/null
# Which handle is whose: of the other student the roster says nothing of t-1042.
"$aula" vault credential --home "$work/home" --role teacher --reader t-1042 >"$work/reader.txt"
own='' other=''
for handle in $("$aula" vault handles --home "$work/home" | cut -d' ' -f1); do
  said=$("$aula" vault get "$handle" --fields grade --credential "$work/reader.txt" --home "$work/home" || true)
  case $said in *roster*) other=$handle ;; *) own=$handle ;; esac
done
# A node with a vault serves logins: it begins to when it is started again.
kill "$node"; wait "$node" || true
"$aula" start --home "$work/home" --listen "127.0.0.1:$api" >"$work/node.out" 2>>"$work/node.log" & node=$!
ready "$api/readyz" "$node"

curl -sf "http://127.0.0.1:$listener/identity/saml/pysaml2/metadata" >"$work/sp.xml"
cp "$here/oidc-provider.mjs" "$peers/"
cat >"$work/oidc.sh" <<S
[ ! -f "$work/oidc.pid" ] || kill "\$(cat "$work/oidc.pid")"
sleep 1
node "$peers/oidc-provider.mjs" $oidc $url http://127.0.0.1:$listener userinfo >>"$work/oidc.log" 2>&1 & echo \$! >"$work/oidc.pid"
for _ in \$(seq 600); do curl -sf --max-time 5 http://127.0.0.1:$oidc/jwks -o /dev/null && exit; sleep 0.2; done
exit 1
S
bash "$work/oidc.sh"
node "$peers/oidc-provider.mjs" "$token" $url "http://127.0.0.1:$listener" token >"$work/token.log" 2>&1 &
"$python" -W ignore "$here/pysaml2_idp.py" serve "http://127.0.0.1:$pysaml2" "$work/keys" "$work/sp.xml" >"$work/pysaml2.log" 2>&1 &
pysaml2_metadata both >"$work/both.xml"
for port in "$token" "$pysaml2"; do listening "$port"; done
cat >"$work/where.json" <<J
{"aula": "$url", "listener": "127.0.0.1:$listener", "api": "127.0.0.1:$api", "pysaml2": "http://127.0.0.1:$pysaml2",
 "own": "$own", "other": "$other", "restart_oidc": "bash $work/oidc.sh", "parts": "${PARTS:-$parts}",
 "both_keys": "cp $work/both.xml $providers/pysaml2.xml && chmod 600 $providers/pysaml2.xml"}
J
"$python" "$here/drive.py" "$work/where.json"
