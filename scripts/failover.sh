#!/usr/bin/env bash
# A pair of real nodes on one machine, troubled at random while clients send numbered events to whichever takes them. At the end every
# event that was acknowledged must be in the vault of the one that acts. Told: acknowledged, lost, how long nobody took anything after the acting one
# was struck while the other was level (p50, largest), and where that time went. Exit 1 when one is lost, or a rule is broken.
# Usage: failover.sh PATH/TO/aula [TIMES] [EVENTS_A_REQUEST]    (Debian: python3 3.11; by default 20 times, 20 events)
#   HOW=kill   SIGKILL of the acting one, of the other, of both (the default)
#   HOW=stop   the acting one stands still for three seconds (SIGSTOP)
#   HOW=cut    the line between the two is cut for six seconds, both live: the passive one stays passive, and alone is said
#   LEASE=folder, or LEASE=bucket with one of: WEED=PATH of SeaweedFS, MOTO=PATH of moto_server, ENDPOINT=URL (key aula-key, secret
#              aula-secret; PYTHON names one with boto3); the service is judged first, one that passes a condition over is refused
#   CHAIN=1    the chain lives, `aula district run` runs in both and dies with its node: transactions and mails that were sent twice are counted
#   SEED=N     whom and when, drawn and told otherwise; KEEP=1 keeps the folder
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
aula=$(realpath "${1:?where is aula?}")
many_times=${2:-20} many=${3:-20}
how=${HOW:-kill} lease=${LEASE:-folder} chain_lives=${CHAIN:-} python=${PYTHON:-python3}
seed=${SEED:-$RANDOM}
RANDOM=$seed
declare -A pid=()
. "$here/loopback.sh"
read -r p2p_chain _ p2p_east _ p2p_west _ api_chain api_east api_west feed_east feed_west pair_east pair_west way_east way_west mail s3 master volume filer \
  < <(free_ports 20 10000) # SeaweedFS listens ten thousand above each of its ports as well.
mkdir "$work/sis" "$work/lease"
python3 "$here/platform-peers/sis.py" "$work/sis"
fails() { echo "FAILS $1"; for log in "$work"/*.log; do echo "-- $log"; tail -3 "$log"; done; exit 1; }

# Where the lease is.
if [ "$lease" = bucket ]; then
  endpoint=${ENDPOINT:-http://127.0.0.1:$s3}
  if [ -n "${WEED:-}" ]; then
    mkdir "$work/weed"
    cat >"$work/weed.json" <<'JSON'
{"identities":[{"name":"aula","credentials":[{"accessKey":"aula-key","secretKey":"aula-secret"}],"actions":["Admin","Read","List","Tagging","Write"]}]}
JSON
    "$WEED" server -dir="$work/weed" -ip=127.0.0.1 -ip.bind=127.0.0.1 -master.port="$master" -volume.port="$volume" -filer -filer.port="$filer" \
      -s3 -s3.port="$s3" -s3.config="$work/weed.json" -s3.port.iceberg=0 -master.telemetry=false -master.volumeSizeLimitMB=64 -volume.max=8 >"$work/weed.out" 2>&1 & pid[weed]=$!
    echo "the lease is in a bucket of SeaweedFS $("$WEED" version 2>/dev/null | head -1)"
  elif [ -n "${MOTO:-}" ]; then
    "$MOTO" -H 127.0.0.1 -p "$s3" >"$work/moto.out" 2>&1 & pid[moto]=$!
    echo "the lease is in a bucket of moto ($MOTO)"
  fi
  kept=yes
  "$python" "$here/failover/conditions.py" "$endpoint" lease "${ROUNDS:-40}" || kept=no
  [ "$kept" = yes ] || [ -n "${ANYHOW:-}" ] || fails "the service passes conditions over (ANYHOW=1 goes on)"
fi

# The chain's one validator is a node of its own, which admits the district; unless CHAIN is given it ends then: feeds need no ledger.
chain=$work/chain
chain_of_one "$chain" lake "$p2p_chain" "$work/genesis.json"
secret=$(head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n')
(umask 077; printf aula-secret >"$work/bucket-secret")
if [ -n "$chain_lives" ]; then
  openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj '/CN=An authority' -keyout "$work/ca.key" -out "$work/ca.pem" 2>/dev/null
  openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout "$work/mail.key" -out "$work/mail.csr" 2>/dev/null
  openssl x509 -req -in "$work/mail.csr" -CA "$work/ca.pem" -CAkey "$work/ca.key" -CAcreateserial -days 2 -out "$work/mail.pem" \
    -extfile <(printf 'subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE') 2>/dev/null
  python3 "$here/failover/mail.py" "$mail" "$work/mail.pem" "$work/mail.key" "$work/mails" >"$work/mail.out" 2>&1 & pid[mail]=$!
fi
one() { # NAME P2P FEED LISTEN PEER
  local home=$work/$1
  quietly "$aula" init --home "$home" --name "$1" --p2p "/ip4/127.0.0.1/tcp/$2"
  quietly "$aula" join --home "$home" --genesis "$work/genesis.json"
  printf 'secret = "%s"\n' "$secret" >"$home/pair.toml"
  printf '[[client]]\nname = "registers"\nsecret_sha256 = "%s"\nscopes = ["statements/write"]\n' "$(printf %s t | sha256sum | cut -d' ' -f1)" >"$home/feed.toml"
  chmod 600 "$home"/{pair,feed}.toml
  sed -i 's/^# format = "text"/format = "json"/' "$home/config.toml"
  cat >>"$home/config.toml" <<T

[[feed]]
name = "registers"
kind = "frames"
listen = "127.0.0.1:$3"
clients = "$home/feed.toml"

# The pair, to the end of the file.
[pair]
name = "$1"
listen = "127.0.0.1:$4"
peer = "127.0.0.1:$5"
secret = "$home/pair.toml"
T
  if [ "$lease" = bucket ]; then
    printf '[pair.bucket]\nendpoint = "%s"\nregion = "us-east-1"\nbucket = "lease"\nkey_id = "aula-key"\nsecret_file = "%s"\n' "$endpoint" "$work/bucket-secret" >>"$home/config.toml"
  else
    echo "lease = \"$work/lease\"" >>"$home/config.toml"
  fi
  [ -n "$chain_lives" ] || return 0
  cp "$chain/keys/account.json" "$home/keys/account.json"
  sed -i 's/^# look_every_s = .*/look_every_s = 1/; s/^# anchor_every_s = .*/anchor_every_s = 5/; s/^# log_every_s = .*/log_every_s = 2/
    s/^# deliver = \[\]/deliver = ["board"]/; s/^# kinds = \["at_risk.*/kinds = ["feeds", "at_risk"]/; s/^# silent_after_s = .*/silent_after_s = 1/' "$home/config.toml"
  # Tables of arrays may not come after [pair]'s own keys unseen: in front of it.
  python3 - "$home/config.toml" "$mail" "$work/ca.pem" <<'P'
import sys
path, port, ca = sys.argv[1:]
text = open(path).read()
place = f'[[delivery]]\nname = "board"\nkind = "mail"\nserver = "localhost"\nport = {port}\nfrom = "Aula <aula@example.org>"\nto = ["board@example.org"]\nca = "{ca}"\n\n'
open(path, "w").write(text.replace("# The pair, to the end", place + "# The pair, to the end"))
P
}
# With a cut, each calls the other by a way that carries nothing while it is cut.
to_east=$pair_east to_west=$pair_west
if [ "$how" = cut ]; then
  to_east=$way_east to_west=$way_west
  python3 "$here/failover/cut.py" "$work/cut" "$way_east" "$pair_east" "$way_west" "$pair_west" >"$work/cut.out" 2>&1 & pid[way]=$!
fi
one east "$p2p_east" "$feed_east" "$pair_east" "$to_west"
one west "$p2p_west" "$feed_west" "$pair_west" "$to_east"
if [ "$lease" != bucket ]; then
  "$aula" district lease --new --home "$work/east" --output json >"$work/lease.json"
  "$aula" district lease --id "$(python3 -c 'import json, sys; print(json.load(sys.stdin)["lease_id"])' <"$work/lease.json")" --home "$work/west" >/dev/null
fi
"$aula" start --home "$chain" --listen "127.0.0.1:$api_chain" >"$work/chain.out" 2>"$work/chain.log" & pid[chain]=$!
ready "$api_chain/readyz" "${pid[chain]}"
ask() { "$aula" "$@" --home "$chain" --rpc "http://127.0.0.1:$api_chain"; }
admitted lake "$api_chain"
ask district school add --school 11 --name North --type elementary >/dev/null
ask district school add --school 12 --name South --type elementary >/dev/null
"$aula" vault init --home "$chain" >/dev/null
ask vault bind >/dev/null
ask district import "$work/sis" --format oneroster >/dev/null
sleep 1
if [ -z "$chain_lives" ]; then
  kill "${pid[chain]}"; wait "${pid[chain]}" 2>/dev/null || true; pid[chain]=''
fi
# East begins with the district's vault.
mv "$chain/vault" "$chain/keystore" "$work/east/"
start() { # NAME
  local api=api_$1
  if ! alive "$1"; then
    "$aula" start --home "$work/$1" --follower --listen "127.0.0.1:${!api}" --log info >>"$work/$1.out" 2>>"$work/$1.log" & pid[$1]=$!
  fi
  if [ -n "$chain_lives" ] && ! alive "$1-run"; then
    "$aula" district run --home "$work/$1" --rpc "http://127.0.0.1:$api_chain" >>"$work/$1-run.out" 2>>"$work/$1-run.log" & pid[$1-run]=$!
  fi
}
alive() { [ -n "${pid[$1]:-}" ] && kill -0 "${pid[$1]}" 2>/dev/null; }
of() { echo "${pid[$1]}" ${chain_lives:+"${pid[$1-run]}"}; }
strike() { # SIGNAL NAME: the node, and what runs beside it, as where a machine fails
  # Two words where two run.
  # shellcheck disable=SC2046
  kill "-$1" $(of "$2") 2>/dev/null || true
}
told() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]] or "none")' "$work/$1/pair/standing.json" "$2" 2>/dev/null || echo none; }
fresh() { [ $(($(date +%s%3N) - $(told "$1" at_ms))) -lt 3000 ]; }
until_level() {
  for _ in $(seq 1200); do
    for name in east west; do
      other=west; [ "$name" = west ] && other=east
      if [ "$(told "$name" role)" = acting ] && [ "$(told "$name" level)" = "$other" ] && fresh "$name"; then
        acting=$name standby=$other
        return
      fi
    done
    sleep 0.1
  done
  fails "the pair is not level within two minutes"
}
# When, by two clocks, and whom: the signal follows at once.
struck() { python3 -c 'import sys, time; print(f"{time.time():.3f} {time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000000} {sys.argv[1]}")' "$1" >>"$work/kills"; }
start east
sleep 2
start west
until_level
python3 "$here/failover/client.py" send "$work" "$many" "$feed_east" "$feed_west" >"$work/sent" & sender=$!
: >"$work/kills"
echo "a pair is level: $acting acts; $how, $many_times times, seed $seed"
kills() {
  case $((RANDOM % 5)) in
    0) victims=$standby ;;
    1) victims="$acting $standby" ;;
    *) victims=$acting ;;
  esac
  [ "$victims" = "$acting" ] && struck "$acting"
  for name in $victims; do strike KILL "$name"; done
  # shellcheck disable=SC2046
  for name in $victims; do wait $(of "$name") 2>/dev/null || true; done
  # The standby takes over before the other is back.
  [ "$victims" = "$acting" ] && sleep 3
  for name in $victims; do start "$name"; done
  echo "      $1: killed $victims"
}
stands_still() {
  struck "$acting"
  strike STOP "$acting"
  sleep 3
  strike CONT "$acting"
  # It comes back as one that stands by; the process begins anew by itself, or ends and is started again.
  for _ in $(seq 100); do
    start "$acting"
    [ "$(told "$acting" role)" = standby ] && [ "$(told "$standby" role)" = acting ] && break
    sleep 0.1
  done
  [ "$(told "$acting" role)" = standby ] || fails "$acting stood still, and is not a standby ten seconds after"
  [ "$(told "$standby" role)" = acting ] || fails "$acting stood still, and $standby does not act ten seconds after"
  echo "      $1: $acting stood still; $standby acts"
}
cuts() {
  local epoch alone='' begun
  epoch=$(told "$acting" epoch)
  begun=$(date +%s%3N)
  touch "$work/cut"
  while [ $(($(date +%s%3N) - begun)) -lt 6000 ]; do
    sleep 0.1
    if fresh "$standby"; then [ "$(told "$standby" role)" = standby ] || fails "the line is cut, and $standby is $(told "$standby" role)"; fi
    if [ -z "$alone" ] && fresh "$acting" && [ "$(told "$acting" level)" = none ]; then alone=$(($(date +%s%3N) - begun)); fi
  done
  [ "$(told "$acting" role)" = acting ] && [ "$(told "$acting" epoch)" = "$epoch" ] || fails "the line was cut, and $acting acts no more in epoch $epoch"
  [ -n "$alone" ] || fails "the line was cut for six seconds, and $acting never said that it is alone"
  rm "$work/cut"
  echo "      $1: cut; $acting said after $alone ms that it is alone, $standby stayed passive"
}
for number in $(seq "$many_times"); do
  until_level
  sleep "0.$(printf %03d $((RANDOM % 900)))"
  case $how in
    kill) kills "$number" ;;
    stop) stands_still "$number" ;;
    cut) cuts "$number" ;;
    *) fails "HOW is not kill, stop or cut" ;;
  esac
done
until_level
sleep 2
touch "$work/stop"
wait "$sender" || fails "the client ended with $?"
until_level
feed=feed_$acting
read -r new known < <(python3 "$here/failover/client.py" again "$work" "${!feed}")
sleep 1
# What is on its way is settled.
[ -z "$chain_lives" ] || sleep 10
# The one that acts is asked, its node stopped, without [pair].
for name in east west; do
  strike TERM "$name"
  # shellcheck disable=SC2046
  wait $(of "$name") 2>/dev/null || true
  pid[$name]='' pid[$name-run]=''
done
sed -i '/^# The pair, to the end of the file/,$d' "$work/$acting/config.toml"
had=$("$aula" feed status --home "$work/$acting" --output json | python3 -c 'import json, sys; print(json.load(sys.stdin)["feeds"][0]["events"])')
python3 "$here/failover/judge.py" "$work" "$had" "$new" "$known" ${chain_lives:+"$api_chain"} && echo "all checks hold" || { echo "checks failed"; exit 1; }
