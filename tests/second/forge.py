"""A ledger whose signers are all ours: bundles in which everything is signed and hashed, and one thing is not as it must be.

A pinned bundle is moved to a genesis file with our validators' keys; its records, rows and headers can then be changed
before trees, proofs and signatures are made anew, so that a change reaches the check behind them."""

import copy
import json

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import chain
import forge_proofs
import genesis as genesis_file
import records
from codec import Invalid
from estates import row_key
from keys import labelled, prefix, sha256
from merkle import EMPTY, bit, round_key, row_leaf, sparse_leaf, tree_root
from mutations import children
from schema import Bundle, MapProof, Proved, Vote
from state import State
from subjects import SUBJECTS
from transactions import Body, Receipt, Transaction


class Key:
    def __init__(self, name):
        self.private = Ed25519PrivateKey.from_private_bytes(sha256(name.encode()))
        self.public = self.private.public_key().public_bytes_raw()
        self.address = labelled("validator-address", self.public)[:20]

    def sign(self, label, data):
        return self.private.sign(prefix(label) + data)


VALIDATORS = [Key(f"second validator {i}") for i in range(4)]
NEXT_VALIDATORS = [Key(f"second validator {i}") for i in range(1, 6)]
SENDER = Key("second sender")


def genesis_of(data):
    """The vectors' genesis file with our validators."""
    document = json.loads(data)
    for validator, key in zip(document["validators"], VALIDATORS):
        validator["public_key"] = key.public.hex()
    return json.dumps(document, indent=2).encode()


def set_of(keys):
    return {"members": sorted(
        ({"address": k.address, "public_key": k.public, "power": 1} for k in keys), key=lambda m: m["address"])}


# Trees.

class Sparse:
    """A sparse tree over places and value hashes."""

    def __init__(self, leaves):
        self.leaves = sorted(leaves.items())

    def node(self, items, depth):
        if len(items) < 2:
            return sparse_leaf(*items[0]) if items else EMPTY
        left, right = self.halves(items, depth)
        return sha256(b"JMT::IntrnalNode" + self.node(left, depth + 1) + self.node(right, depth + 1))

    @staticmethod
    def halves(items, depth):
        return [[i for i in items if bit(i[0], depth) == side] for side in (0, 1)]

    def root(self):
        return self.node(self.leaves, 0)

    def proof(self, place):
        items, siblings, depth = self.leaves, [], 0
        while len(items) > 1:
            halves = self.halves(items, depth)
            side = bit(place, depth)
            other = self.node(halves[1 - side], depth + 1)
            siblings.insert(0, None if other == EMPTY else other)
            items, depth = halves[side], depth + 1
        leaf = {"key": items[0][0], "value": items[0][1]} if items else None
        return {"leaf": leaf, "siblings": siblings}


def list_path(leaves, index):
    """The siblings of RFC 9162, 2.1.3.1, lowest first."""
    if len(leaves) == 1:
        return []
    split = 1 << (len(leaves) - 1).bit_length() - 1
    left, right = leaves[:split], leaves[split:]
    if index < split:
        return list_path(left, index) + [tree_root(right)]
    return list_path(right, index - split) + [tree_root(left)]


def plant(leaf_at, count):
    """A tree of `count` leaves, of which some are given by index; its head, and each given one's siblings."""
    leaves = [leaf_at.get(i, b"another leaf %d" % i) for i in range(count)]
    head = {"leaf_count": count, "root": tree_root(leaves)}
    return head, {i: list_path(leaves, i) for i in leaf_at}


# Which key each proof is about: asked of the checks themselves.

class Asking(State):
    """Instead of checking proofs, notes the kind and key that each record must stand under."""

    def __init__(self, genesis, head, blocks):
        super().__init__(genesis, head, blocks)
        self.asked, self.proofs = {}, []

    def record(self, kind, proved, text, /, *numbers, **names):
        self.asked[id(proved["proof"])] = (kind, records.key(text, *numbers))
        return kind.decode(proved["value"])

    def nothing(self, proof, text, *numbers):
        self.asked[id(proof)] = (None, records.key(text, *numbers))


def proofs_in(kind, value, path=""):
    """Every proof of a value: (path, the record's bytes or None, the proof)."""
    if kind is Proved:
        yield path, value, value["proof"]
    elif kind is MapProof:
        yield path, None, value
    else:
        for name, part_kind, part, _ in children(kind, value):
            yield from proofs_in(part_kind, part, path + name)


def blocks_of(bundle):
    return [*(link["block"] for link in bundle["links"]), bundle["head"]]


class Forge:
    """One bundle, moved to our genesis; `base` is whole and true again."""

    def __init__(self, bundle, genesis_data):
        self.genesis_data = genesis_of(genesis_data)
        self.genesis = genesis_file.read(self.genesis_data)
        self.keys = {}
        self.base = copy.deepcopy(bundle)
        self.move(self.base)
        self.keys = self.ask(self.base)
        self.finish(self.base)

    def move(self, bundle):
        """Everything that names the genesis names ours."""
        validators = self.genesis["validators"]
        for block in blocks_of(bundle):
            block["header"]["genesis"] = self.genesis["hash"]
        for link in bundle["links"]:
            header = link["block"]["header"]
            header["validators_hash"] = header["next_validators_hash"] = chain.set_hash(validators)
            if link["new_set"]:
                link["new_set"] = validators = set_of(NEXT_VALIDATORS)
                header["next_validators_hash"] = chain.set_hash(validators)
        head = bundle["head"]["header"]
        head["validators_hash"] = head["next_validators_hash"] = chain.set_hash(validators)
        bundle["chain_record"]["value"] = records.Chain.encode({
            "chain_id": self.genesis["chain_id"], "genesis_sha256": self.genesis["hash"],
            "height": head["height"], "time_ms": head["time_ms"]})
        self.move_subject(*bundle["subject"])

    def move_subject(self, number, subject):
        genesis_hash = self.genesis["hash"]
        if number == 1:
            forge_proofs.move_round(genesis_hash, subject)
        if number == 2 and subject["band"][0] == 2:
            request = subject["request"]
            rule = forge_proofs.rule_of(subject)
            request["row"] = forge_proofs.with_our_need(rule, request["row"])
            proof = forge_proofs.prove_bands(genesis_hash, subject["context"]["round"], rule, [request["row"]])
            subject["band"] = (2, proof)
        if number == 4:
            forge_proofs.move_budget(genesis_hash, subject)
        if number == 9:
            forge_proofs.move_charged(genesis_hash, subject)
        if number == 5 and subject["listed"]:
            listed = subject["listed"]
            entry = records.LogEntry.decode(listed["entry"]) | {"genesis": self.genesis["hash"]}
            listed["entry"] = records.LogEntry.encode(entry)
        if number == 6:
            for act in subject["acts"]:
                body = Transaction.decode(act["transaction"]["row"])["body"] | {"genesis": self.genesis["hash"]}
                self.set_act(act, body, Receipt.decode(act["receipt"]["row"]))
        self.grow(number, subject)

    @staticmethod
    def set_act(act, body, receipt):
        signed = SENDER.sign("transaction-signature", Body.encode(body))
        act["transaction"]["row"] = Transaction.encode(
            {"body": body, "public_key": SENDER.public, "signature": signed})
        identity = labelled("transaction-id", act["transaction"]["row"])
        act["receipt"]["row"] = Receipt.encode(receipt | {"transaction": identity})

    def grow(self, number, subject):
        """Trees over the shown rows, and their heads in the records."""
        if number == 1:
            forge_proofs.grow_round(self.genesis["hash"], subject)
        if number == 2:
            context, key = subject["context"], round_key(subject["district"], subject["handle"])
            decision = records.Decision.decode(context["decision"]["value"])
            for name, tree in (("request", "requests"), ("decision", "decisions")):
                row = subject[name]
                decision[tree] = self.hang(context[tree], [(row_leaf(key, row["row"]), row["path"])])
            context["decision"]["value"] = records.Decision.encode(decision)
        if number == 3:
            case, fields = subject["shown"]
            if case == 1:
                row = fields["row"]
                self.hang(fields["tree"], [(row_leaf(subject["handle"], row["row"]), row["path"])])
            if case == 2:
                self.hang(fields["tree"], [
                    (n["handle"] + n["row_hash"], n["path"]) for n in (fields["before"], fields["after"]) if n])
        if number == 5 and subject["listed"]:
            log = records.AccessLog.decode(subject["log"]["value"])
            path = subject["listed"]["path"]
            log["head"], siblings = plant({path["index"]: subject["listed"]["entry"]}, log["head"]["leaf_count"])
            path["siblings"] = siblings[path["index"]]
            subject["log"]["value"] = records.AccessLog.encode(log)
        if number == 8 and subject["shown"]:
            estate, shown = records.Estate.decode(subject["estate"]["value"]), subject["shown"]
            path, leaf = shown["path"], row_leaf(row_key(shown["row"]), shown["row"])
            for building in estate["buildings"]:
                if building["building"] == shown["building"]:
                    building["head"], siblings = plant({path["index"]: leaf}, building["head"]["leaf_count"])
                    path["siblings"] = siblings[path["index"]]
            subject["estate"]["value"] = records.Estate.encode(estate)

    @staticmethod
    def hang(proved, leaves):
        tree = records.Tree.decode(proved["value"])
        count = max([tree["head"]["leaf_count"], *(path["index"] + 1 for _, path in leaves)])
        tree["head"], siblings = plant({path["index"]: leaf for leaf, path in leaves}, min(count, 64))
        for _, path in leaves:
            path["siblings"] = siblings[path["index"]]
        proved["value"] = records.Tree.encode(tree)
        return tree["head"]

    def ask(self, bundle):
        """(kind, key) by the path of each proof, as the checks ask for them; a check that stops leaves the rest out."""
        state = Asking(self.genesis, bundle["head"]["header"], {
            b["header"]["height"]: b["header"] for b in blocks_of(bundle)})
        number, subject = bundle["subject"]
        try:
            SUBJECTS[number](state, subject)
        except Invalid:
            pass
        found = {path: state.asked[id(proof)] for path, _, proof in proofs_in(Bundle, bundle) if id(proof) in state.asked}
        return found | {".chain_record": (records.Chain, b"chain")}

    def finish(self, bundle):
        """Acts' trees, the state and its proofs, and the signatures, over whatever the bundle now says."""
        number, subject = bundle["subject"]
        headers = {b["header"]["height"]: b["header"] for b in blocks_of(bundle)}
        if number == 6:
            for act in subject["acts"]:
                self.finish_act(act, headers.get(act["height"]))
        asked = self.keys | self.ask(bundle)
        shown = [(asked[path][1], proved, proof) for path, proved, proof in proofs_in(Bundle, bundle) if path in asked]
        leaves = {sha256(b"filler %d" % i): sha256(b"value %d" % i) for i in range(24)}
        for key, proved, _ in shown:
            if proved is not None:
                leaves[labelled("state-key", key)] = sha256(proved["value"])
        tree = Sparse(leaves)
        for key, _, proof in shown:
            proof.update(tree.proof(labelled("state-key", key)))
        bundle["head"]["header"]["state_root"] = tree.root()
        self.sign(bundle)

    @staticmethod
    def finish_act(act, header):
        for name, tree in (("transaction", "transactions"), ("receipt", "receipts")):
            index = act[name]["path"]["index"]
            if header and index < 64:
                head, siblings = plant({index: act[name]["row"]}, max(3, index + 1))
                header[tree], act[name]["path"]["siblings"] = head, siblings[index]

    def sign(self, bundle):
        keys, below = VALIDATORS, None
        for block, new_set in [*((link["block"], link["new_set"]) for link in bundle["links"]), (bundle["head"], None)]:
            if below and below[0] + 1 == block["header"]["height"]:
                block["header"]["parent"] = below[1]
            digest = chain.block_hash(block["header"])
            certificate = block["certificate"]
            certificate |= {"height": block["header"]["height"], "block_hash": digest}
            block["certificate"] = certificate | {"signatures": [
                [key.address, self.vote(certificate, key)] for key in sorted(keys, key=lambda k: k.address)]}
            below = block["header"]["height"], digest
            if new_set:
                keys = NEXT_VALIDATORS

    def vote(self, certificate, key):
        return key.sign("vote", Vote.encode({
            "genesis": self.genesis["hash"], "type": chain.PRECOMMIT, "height": certificate["height"],
            "round": certificate["round"], "block_hash": certificate["block_hash"], "validator": key.address}))

    def copy(self):
        return copy.deepcopy(self.base)


def finished(forge, bundle):
    forge.finish(bundle)
    return bundle
