"""Evidence over two ledgers. EVIDENCE.md, section 16."""

import chain
import genesis as genesis_file
from audit import answered, check, open_bundle
from codec import Blob, CannotTell, Struct, decode, need
from keys import sha256
from records import AnchoredHead, Consortium

FIRST_BYTE = 64
LIMIT = 268_435_520
Body = Struct(parent=Blob(), child=Blob())


def open_file(data):
    need(data, "an empty file")
    if data[0] != FIRST_BYTE:
        raise CannotTell("a file about one ledger alone")
    need(len(data) <= LIMIT, "longer than such a file may be")
    need(len(data) > 32 and sha256(data[:-32]) == data[-32:], "a wrong checksum")
    return decode(Body, data[1:-32])


def seal_file(body):
    """The inverse of `open_file`."""
    data = bytes([FIRST_BYTE]) + Body.write(body)
    return data + sha256(data)


def heads(parent):
    """The records of the consortium and of its head, in a parent's bundle that holds."""
    number, shown = open_bundle(parent)["subject"]
    need(number == 6 and not shown["acts"] and len(shown["figures"]) == 2, "not a consortium and a head of it")
    first, second = shown["figures"]
    need((first["key"][0], second["key"][0]) == (17, 18), "not a consortium and a head of it")
    need(first["key"][1][0] == second["key"][1][0], "a head of another consortium")
    return Consortium.decode(first["record"]["value"]), AnchoredHead.decode(second["record"]["value"])


def check_via(data, parent_genesis, child_genesis, genesis_sha256=None, trusted=None):
    """The standing of what the child's bundle shows."""
    body = open_file(data)
    check(body["parent"], parent_genesis, genesis_sha256, trusted)
    consortium, head = heads(body["parent"])
    child = genesis_file.read(child_genesis)
    need(child["hash"] == consortium["genesis"], "a head of another ledger than the second genesis file founds")
    need(child["time_ms"] == consortium["founded_ms"], "another time than the genesis file's")
    need(chain.set_hash(child["validators"]) == consortium["founders_hash"], "other validators than the genesis file's")
    return check(body["child"], child_genesis, None, (head["height"], head["block_hash"]))


def audit_via(data, parent_genesis, child_genesis, genesis_sha256=None, trusted=None):
    return answered(lambda: check_via(data, parent_genesis, child_genesis, genesis_sha256, trusted))
