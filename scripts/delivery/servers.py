#!/usr/bin/env python3
"""Servers on loopback for scripts/delivery-peers.sh: mail, buckets, SFTP with faults, a receiver of webhooks. One line a server: its version.

Usage: servers.py FOLDER SMTP S3 SFTP HOOK     (ports; FOLDER has cert.pem, key.pem, host, client.pub, secret)
Needs aiosmtpd, moto[s3,server], boto3, asyncssh. What arrives is kept in FOLDER: mails, hooks.
"""
import asyncio, hashlib, hmac, http.server, json, logging, os, ssl, sys, threading, time

import aiosmtpd, asyncssh, boto3, moto
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from moto.server import ThreadedMotoServer

folder, smtp, s3, sftp, hook = sys.argv[1], *(int(port) for port in sys.argv[2:6])
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(f"{folder}/cert.pem", f"{folder}/key.pem")


class Mails:
    """The receiver's name says what goes wrong."""

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("full@"):
            return "452 4.2.2 the mailbox is full"
        if address.startswith("nobody@"):
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server, session, envelope):
        if any(address.startswith("slow@") for address in envelope.rcpt_tos):
            await asyncio.sleep(120)
        if any(address.startswith("cut@") for address in envelope.rcpt_tos):
            session.peer and server.transport.abort()
            return "421 gone"
        with open(f"{folder}/mails", "ab") as kept:
            kept.write(envelope.content)
        return "250 kept"


def login(server, session, envelope, mechanism, data):
    return AuthResult(success=data.password == b"a password", handled=False)


Controller(Mails(), hostname="127.0.0.1", port=smtp, tls_context=context, require_starttls=True,
           authenticator=login, auth_required=True).start()
print("aiosmtpd", aiosmtpd.__version__, flush=True)

logging.getLogger("werkzeug").setLevel(logging.ERROR)
ThreadedMotoServer(ip_address="127.0.0.1", port=s3, verbose=False).start()
print("moto", moto.__version__, flush=True)


class Faulty(asyncssh.SFTPServer):
    """The folder's name says what goes wrong."""

    async def write(self, handle, offset, data):
        where = handle.name.decode()
        if "/full/" in where and offset + len(data) > 600_000:
            raise asyncssh.SFTPError(asyncssh.FX_FAILURE, "no space left")
        if "/slow/" in where:
            await asyncio.sleep(120)
        # Each request is answered in good time, one after the other.
        if "/trickling/" in where:
            async with trickle:
                await asyncio.sleep(0.4)
        if "/cut/" in where and offset > 400_000:
            self.channel.get_connection().abort()
        if "/lying/" in where and offset == 0:
            data = b"?" + data[1:]
        return super().write(handle, offset, data)

    async def read(self, handle, offset, size):
        found = super().read(handle, offset, size)
        where = handle.name.decode()
        # What is read back is shorter than what is there.
        return found[:max(0, 700_000 - offset)] if "/short/" in where else found


trickle = asyncio.Lock()


async def faulty():
    await asyncssh.listen("127.0.0.1", sftp, server_host_keys=[f"{folder}/host"], authorized_client_keys=f"{folder}/client.pub",
                          sftp_factory=Faulty)
    print("asyncssh", asyncssh.__version__, flush=True)
    await asyncio.Event().wait()


class Hook(http.server.BaseHTTPRequestHandler):
    """Takes a webhook whose signature is right; the path says what goes wrong."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.path == "/slow":
            time.sleep(20)
        if self.path == "/moved":
            self.send_response(307)
            self.send_header("location", "https://localhost:1/")
            self.end_headers()
            return
        parts = dict(part.split("=", 1) for part in self.headers["aula-signature"].split(","))
        secret = open(f"{folder}/secret", "rb").read().strip()
        made = hmac.new(secret, parts["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
        right = hmac.compare_digest(made, parts["v1"]) and abs(time.time() - int(parts["t"])) < 300
        with open(f"{folder}/hooks", "a") as kept:
            kept.write(json.dumps({"right": right, "body": json.loads(body)}) + "\n")
        self.send_response(500 if self.path == "/full" else 204 if right else 403)
        self.end_headers()

    def log_message(self, *_):
        pass


receiver = http.server.ThreadingHTTPServer((os.environ.get("AULA_HOOK_HOST", "127.0.0.1"), hook), Hook)
receiver.socket = context.wrap_socket(receiver.socket, server_side=True)
threading.Thread(target=receiver.serve_forever, daemon=True).start()
print("python https", sys.version.split()[0], flush=True)
asyncio.run(faulty())
