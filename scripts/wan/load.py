"""Load as districts make it: batches of students' states, signed here and sent to a node, one district each.

A district has a window of transactions that are sent and not final; what a killed node forgot is sent again, to another node. Transactions and their
signatures are made as ledger/EVIDENCE.md has them (sections 2, 4, 13; a body is of version 2).
"""
import hashlib
import random
import struct
import threading
import time

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from space import Api

YEAR, STUDENTS, VALID = 2026, 20_000, 1_000_000
# A commitment that anybody can open: the base itself.
COMMITMENT = bytes.fromhex("e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76")
# What the pool says when it has no room, or not yet; and that it has this one.
LATER, HAS = {1001, 1002, 1004, 1006}, {1003}


def labelled(label, content):
    return hashlib.sha256(label.encode() + b"\0" + content).digest()


class District:
    """An account that anchors states: its key, its students, and what is on its way."""

    def __init__(self, number, seed):
        self.number = number
        self.key = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"{seed} district {number}".encode()).digest())
        self.public = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.account = labelled("aula/v1/account", self.public)[:20]
        self.handles = sorted(hashlib.sha256(f"{number} {student}".encode()).digest() for student in range(STUDENTS))
        self.cursor = 0

    def states(self, batch):
        """The next states, at most to the end of the district's students: a version more each time round."""
        begin, version = self.cursor % STUDENTS, 1 + self.cursor // STUDENTS
        handles = self.handles[begin:begin + batch]
        self.cursor += len(handles)
        parts = [struct.pack("<I", len(handles))]
        for handle in handles:
            parts += [handle, struct.pack("<I", version), hashlib.sha256(handle + bytes([version & 255])).digest(),
                      struct.pack("<II", self.number, 1), COMMITMENT, struct.pack("<IQ", 0, version)]
        return b"".join(parts), len(handles)

    def transaction(self, genesis, digest, sequence, batch):
        """(id, bytes, records)"""
        states, records = self.states(batch)
        payload = struct.pack("<BHI", 20, YEAR, 1) + digest + states
        body = genesis + self.account + struct.pack("<QQ", sequence, VALID) + payload
        signature = self.key.sign(b"aula/v1/transaction-signature\0\2" + body)
        whole = b"\2" + body + self.public + signature
        return labelled("aula/v1/transaction-id", whole).hex(), whole, records


class Load:
    """All districts' sending, and what became final at the first node."""

    def __init__(self, nodes, districts, broken):
        self.nodes, self.districts, self.broken = nodes, districts, broken
        self.batch, self.rate, self.window, self.paused = 1, 20.0, 4, True
        self.lock, self.sent, self.final, self.going = threading.Lock(), {}, [], True
        self.genesis = self.digest = None

    def begin(self):
        api, told = Api(self.nodes[0].where(), 20.0), {}
        for path in ("/v1/status", "/v1/twin-parameters"):
            told[path] = api.get(path)
            if told[path] is None:
                raise OSError(f"the first node does not answer {path}")
        self.genesis = bytes.fromhex(told["/v1/status"]["genesis_sha256"])
        self.digest = bytes.fromhex(told["/v1/twin-parameters"]["versions"][0]["digest"])
        threading.Thread(target=self.see, daemon=True).start()
        for node, district in zip(self.nodes, self.districts):
            threading.Thread(target=self.send, args=(node, district), daemon=True).start()

    def goes(self, batch, rate, window):
        """From now on: `batch` states a transaction, `rate` transactions a second in all (None: as fast as the window lets)."""
        self.batch, self.rate, self.window, self.paused = batch, rate, window, False

    def rests(self):
        self.paused = True

    def send(self, home, district):
        apis = {node.number: Api(node.where()) for node in self.nodes}
        chance, waiting, following, moved, due = random.Random(district.number), {}, None, time.monotonic(), 0.0
        while self.going:
            time.sleep(0.02)
            node = home if home.is_up() else chance.choice(self.nodes)
            known = apis[node.number].get(f"/v1/accounts/{district.account.hex()}")
            if not known:
                continue
            now = time.monotonic()
            if following is None:
                following = known["sequence"]
            for sequence in [one for one in waiting if one < known["sequence"]]:
                del waiting[sequence]
                moved = now
            if waiting and now - moved > 5:
                # A node that was killed has forgotten some, or a cut holds them.
                moved = now
                for sequence in sorted(waiting):
                    self.offer(apis[node.number], waiting[sequence])
            if not waiting:
                moved = now
            while not self.paused and len(waiting) < self.window and (self.rate is None or now >= due):
                one = waiting[following] = district.transaction(self.genesis, self.digest, following, self.batch)
                following += 1
                if self.rate is not None:
                    due = max(due, now - 1) + len(self.districts) / self.rate
                with self.lock:
                    self.sent[one[0]] = (time.monotonic(), one[2])
                self.offer(apis[node.number], one)

    def offer(self, api, one):
        """Hands a transaction over. What is not taken stays among the waiting and is offered again."""
        status, told = api.ask("POST", "/v1/transactions", one[1])
        code = ((told or {}).get("error") or {}).get("ledger_code") if isinstance(told, dict) else None
        if status not in (None, 202, 429, 503) and code not in LATER | HAS | {4}:
            self.broken.append(f"a transaction is refused with {status}: {told}")

    def see(self):
        """Reads the first node's final blocks, one after another."""
        api, height = Api(self.nodes[0].where()), None
        while self.going:
            if height is None:
                status = api.get("/v1/status")
                height = status["height"] if status else None
            block = api.get(f"/v1/blocks/{height + 1}") if height is not None else None
            if block is None:
                time.sleep(0.01)
                continue
            height, now = height + 1, time.monotonic()
            for outline in block["outlines"]:
                with self.lock:
                    sent = self.sent.pop(outline["id"], None)
                    if sent:
                        self.final.append((sent[0], now, sent[1]))
                if sent and outline["code"]:
                    self.broken.append(f"{outline['id']} has the code {outline['code']}: {outline}")
