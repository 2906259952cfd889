#!/usr/bin/env bash
# Seconds from each cause of an alert to its mail and webhook, at aiosmtpd and Python's https; for scripts/delivery-peers.sh.
# Webhooks go to public addresses alone. So this runs in a network namespace of its own, out of which nothing leads, where the loopback
# has one: unshare -rn scripts/delivery/alerts.sh FOLDER      (FOLDER has cert.pem with IP:9.9.9.9, key.pem, ca.pem, secret, host, client.pub)
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=$1
ip link set lo up
ip address add 9.9.9.9/32 dev lo
python=${PYTHON:-python3}
port() { "$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
smtp=$(port) s3=$(port) faulty=$(port) hook=$(port)
AULA_HOOK_HOST=9.9.9.9 "$python" scripts/delivery/servers.py "$folder" "$smtp" "$s3" "$faulty" "$hook" > "$folder/servers.log" 2>&1 &
trap 'kill $! 2>/dev/null || true' EXIT
up() { for _ in $(seq 300); do (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null && return; sleep 0.2; done; cat "$folder/servers.log"; exit 2; }
up 127.0.0.1 "$smtp"; up 9.9.9.9 "$hook"
(umask 077; echo "a password" > "$folder/password")
export AULA_SMTP_PORT=$smtp AULA_SMTP_PASSWORD=$folder/password AULA_SMTP_CA=$folder/ca.pem AULA_MAILS=$folder/mails AULA_HOOKS=$folder/hooks
export AULA_HOOK_URL=https://9.9.9.9:$hook/ AULA_HOOK_SECRET=$folder/secret
cargo test --offline --release -p aula-node --lib -- --ignored --nocapture each_cause_is_told
