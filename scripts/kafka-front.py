"""A front for a Kafka broker that offers neither TLS nor SASL: ends TLS, asks for a client's certificate and for SASL (PLAIN of RFC
4616, SCRAM of RFC 5802), and hands everything else on. Written from the protocol's own guide and the RFCs, so that the node's client
library is tried against something of another make; for scripts/brokers.sh only, on loopback.

Usage: kafka-front.py PORT BACKEND_PORT CERTIFICATE KEY CA USER PASSWORD"""

import asyncio
import base64
import hashlib
import hmac
import os
import ssl
import struct
import sys

API_VERSIONS, HANDSHAKE, AUTHENTICATE = 18, 17, 36
UNSUPPORTED, FAILED = 33, 58
HASHES = {"SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512"}
ITERATIONS = 4096


async def frame(reader):
    return await reader.readexactly(struct.unpack(">i", await reader.readexactly(4))[0])


def send(writer, body):
    writer.write(struct.pack(">i", len(body)) + body)


def text(value):
    return struct.pack(">h", len(value)) + value.encode()


def body_of(request):
    """The request's key, version, number, and what stands behind its header without tagged fields."""
    key, version, number, length = struct.unpack(">hhih", request[:10])
    return key, version, number, request[10 + max(length, 0):]


def varint(value):
    """A number in seven bits a byte, the lowest first."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out) + bytes([value])


def compact(data):
    """Bytes behind a compact length, which is one more than there are."""
    length, at = 0, 0
    while True:
        length |= (data[at] & 0x7F) << (7 * at)
        at += 1
        if data[at - 1] < 0x80:
            return data[at:at + length - 1]


class Plain:
    def __init__(self, user, password):
        self.right = f"\0{user}\0{password}".encode()

    def step(self, said):
        # An authorization identity may stand before the name.
        return (b"", True) if hmac.compare_digest(said[said.index(b"\0"):], self.right) else (None, False)


class Scram:
    def __init__(self, name, user, password):
        self.hash, self.user, self.first = name, user, None
        self.salt, self.nonce = os.urandom(16), base64.b64encode(os.urandom(18)).decode()
        self.salted = hashlib.pbkdf2_hmac(name, password.encode(), self.salt, ITERATIONS)

    def mac(self, key, message):
        return hmac.new(key, message.encode() if isinstance(message, str) else message, self.hash).digest()

    def step(self, said):
        said = said.decode()
        if self.first is None:
            bare = said.split(",", 2)[2]
            fields = dict(part.split("=", 1) for part in bare.split(","))
            if fields["n"] != self.user:
                return None, False
            salt = base64.b64encode(self.salt).decode()
            self.server = f"r={fields['r']}{self.nonce},s={salt},i={ITERATIONS}"
            self.first = bare
            return self.server.encode(), False
        without, proof = said.rsplit(",p=", 1)
        message = f"{self.first},{self.server},{without}"
        client = self.mac(self.salted, "Client Key")
        stored = hashlib.new(self.hash, client).digest()
        signature = self.mac(stored, message)
        given = bytes(a ^ b for a, b in zip(base64.b64decode(proof), signature))
        if not hmac.compare_digest(hashlib.new(self.hash, given).digest(), stored):
            return None, False
        server = self.mac(self.mac(self.salted, "Server Key"), message)
        return b"v=" + base64.b64encode(server), True


async def authenticate(reader, writer, backend, user, password):
    """Answers until the client is known; hands questions for versions on."""
    back_reader, back_writer = backend
    mechanism = None
    while True:
        request = await frame(reader)
        key, version, number, body = body_of(request)
        if key == API_VERSIONS:
            send(back_writer, request)
            send(writer, await frame(back_reader))
        elif key == HANDSHAKE:
            name = body[2:2 + struct.unpack(">h", body[:2])[0]].decode()
            known = ["PLAIN", *HASHES]
            if name == "PLAIN":
                mechanism = Plain(user, password)
            elif name in HASHES:
                mechanism = Scram(HASHES[name], user, password)
            error = 0 if name in known else UNSUPPORTED
            send(writer, struct.pack(">ihi", number, error, len(known)) + b"".join(map(text, known)))
        elif key == AUTHENTICATE and mechanism:
            flexible = version >= 2
            said = compact(body[1:]) if flexible else body[4:]
            answer, done = mechanism.step(said)
            error = FAILED if answer is None else 0
            if flexible:
                # Tagged fields of the header, the error, no words for it; then bytes, a lifetime and tagged fields.
                head = struct.pack(">ibh", number, 0, error) + b"\0"
                send(writer, head + varint(len(answer or b"") + 1) + (answer or b"") + struct.pack(">qb", 0, 0))
            else:
                head = struct.pack(">ih", number, error) + struct.pack(">h", -1)
                tail = struct.pack(">q", 0) if version == 1 else b""
                send(writer, head + struct.pack(">i", len(answer or b"")) + (answer or b"") + tail)
            await writer.drain()
            if done:
                return
            if error:
                raise ConnectionError("refused")
        else:
            raise ConnectionError(f"key {key} before anybody is known")
        await writer.drain()


async def copy(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


async def serve(reader, writer, port, user, password):
    try:
        backend = await asyncio.open_connection("127.0.0.1", port)
        await authenticate(reader, writer, backend, user, password)
        await asyncio.wait(
            [asyncio.create_task(copy(reader, backend[1])), asyncio.create_task(copy(backend[0], writer))],
            return_when=asyncio.FIRST_COMPLETED,
        )
        backend[1].close()
    except (ConnectionError, asyncio.IncompleteReadError, ValueError, KeyError, IndexError) as error:
        print("sent away:", error, flush=True)
    finally:
        writer.close()


async def main():
    port, back, certificate, key, ca, user, password = sys.argv[1:]
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    tls.load_verify_locations(ca)
    tls.verify_mode = ssl.CERT_REQUIRED
    server = await asyncio.start_server(
        lambda reader, writer: serve(reader, writer, int(back), user, password), "127.0.0.1", int(port), ssl=tls
    )
    async with server:
        await server.serve_forever()


asyncio.run(main())
