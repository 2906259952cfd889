#!/usr/bin/env bash
# Uploads to OpenSSH's sshd, mails to Python's aiosmtpd and puts into a bucket of Python's moto, all started here on loopback, and says their versions.
# Usage: delivery-peers.sh    (Debian: openssh-server, openssl; pip install aiosmtpd 'moto[s3,server]', PYTHON names that Python)
set -euo pipefail
cd "$(dirname "$0")/.."
sshd=$(command -v sshd || echo /usr/sbin/sshd)
python=${PYTHON:-python3}
work=$(mktemp -d)
pids=()
end() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done; rm -rf "$work"; }
trap end EXIT
port() { "$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

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

openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj '/CN=An authority' -keyout "$work/ca.key" -out "$work/ca.pem" 2>/dev/null
openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout "$work/key.pem" -out "$work/cert.csr" 2>/dev/null
openssl x509 -req -in "$work/cert.csr" -CA "$work/ca.pem" -CAkey "$work/ca.key" -CAcreateserial -days 2 -out "$work/cert.pem" \
  -extfile <(printf 'subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE') 2>/dev/null
smtp=$(port)
cat > "$work/smtp.py" <<'PYTHON'
import ssl, sys, time
import aiosmtpd
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

port, folder = int(sys.argv[1]), sys.argv[2]

class Keeps:
    async def handle_DATA(self, server, session, envelope):
        open(f"{folder}/mails", "ab").write(envelope.content)
        return "250 kept"

def login(server, session, envelope, mechanism, data):
    return AuthResult(success=data.password == b"a password", handled=False)

context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(f"{folder}/cert.pem", f"{folder}/key.pem")
print("aiosmtpd", aiosmtpd.__version__, flush=True)
Controller(Keeps(), hostname="127.0.0.1", port=port, tls_context=context, require_starttls=True, authenticator=login, auth_required=True).start()
while True:
    time.sleep(60)
PYTHON
"$python" "$work/smtp.py" "$smtp" "$work" & pids+=($!)
s3=$(port)
cat > "$work/s3.py" <<'PYTHON'
import sys, time
import boto3, moto
from moto.server import ThreadedMotoServer

port = int(sys.argv[1])
ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False).start()
client = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}", region_name="us-east-1",
                      aws_access_key_id="aula-key", aws_secret_access_key="aula-secret")
client.create_bucket(Bucket="plain")
client.create_bucket(Bucket="versioned")
client.put_bucket_versioning(Bucket="versioned", VersioningConfiguration={"Status": "Enabled"})
client.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
print("moto", moto.__version__, flush=True)
while True:
    time.sleep(60)
PYTHON
"$python" "$work/s3.py" "$s3" & pids+=($!)
sleep 6
"$sshd" -V 2>&1 | head -1 || true

export AULA_SFTP=127.0.0.1:$sftp AULA_SFTP_USER=$(id -un) AULA_SFTP_KEY=$work/client AULA_SMTP_PORT=$smtp AULA_SMTP_CA=$work/ca.pem
export AULA_S3=http://127.0.0.1:$s3
export AULA_SFTP_HOST_KEY="$(cut -d' ' -f1,2 "$work/host.pub")"
cargo test --release --workspace --test peers --test alerts -- --ignored
grep -c '^Subject: Report nightly' "$work/mails" | sed 's/$/ mail kept by aiosmtpd/'
grep -c '^Subject: Alert: ' "$work/mails" | sed 's/$/ alert kept by aiosmtpd/'
