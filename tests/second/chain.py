"""From the genesis file to the head: links, certificates, changes of the set. EVIDENCE.md, section 8, step 3."""

from codec import CannotTell, need
from keys import labelled, signed
from schema import NEWEST_PROTOCOL, CanonicalSet, Header, Vote, ascending

PRECOMMIT = 2


def block_hash(header):
    return labelled("block-header", Header.write(header))


def set_hash(validators):
    return labelled("validator-set", CanonicalSet.encode(validators))


def check_certificate(genesis, block, validators):
    certificate = block["certificate"]
    votes = certificate["signatures"]
    need(ascending([address for address, _ in votes]), "signatures that do not strictly ascend")
    members = {m["address"]: m for m in validators["members"]}
    power = 0
    for address, signature in votes:
        need(address in members, "a signature of no validator of the set")
        vote = Vote.encode({
            "genesis": genesis["hash"], "type": PRECOMMIT, "height": certificate["height"],
            "round": certificate["round"], "block_hash": certificate["block_hash"], "validator": address})
        need(signed("vote", vote, members[address]["public_key"], signature), "a vote's signature does not hold")
        power += members[address]["power"]
    need(3 * power > 2 * sum(m["power"] for m in members.values()), "not more than two thirds of the power")


def check_block(genesis, block, below, validators):
    """`below` is (height, time, hash) of what stands below; gives the same of this block."""
    header, certificate = block["header"], block["certificate"]
    height, time_ms, parent = below
    own_hash = block_hash(header)
    need(header["genesis"] == genesis["hash"], "a block of another ledger")
    need(header["height"] > height, "a height that is not above the one below")
    need(certificate["height"] == header["height"], "a certificate of another height")
    need(certificate["block_hash"] == own_hash, "a certificate of another block")
    if header["height"] == height + 1:
        need(header["parent"] == parent, "a parent that is not the block below")
    need(header["time_ms"] - time_ms >= header["height"] - height, "a time too early for its height")
    need(header["receipts"]["leaf_count"] == header["transactions"]["leaf_count"],
         "not as many receipts as transactions")
    if header["validators_hash"] != set_hash(validators):
        raise CannotTell("a change of the validator set is missing")
    check_certificate(genesis, block, validators)
    return header["height"], header["time_ms"], own_hash


def check_protocols(genesis, bundle):
    below = genesis["protocol"]
    for block in [*(link["block"] for link in bundle["links"]), bundle["head"]]:
        protocol = block["header"]["protocol"]
        if protocol > NEWEST_PROTOCOL:
            raise CannotTell("a block of a protocol that is not known here")
        need(protocol >= below, "a protocol older than that of a block below")
        below = protocol


def check(genesis, bundle, trusted=None):
    """The blocks shown, as header by height. `trusted` is (height, hash)."""
    check_protocols(genesis, bundle)
    below = (0, genesis["time_ms"], genesis["hash"])
    validators, shown, hashes = genesis["validators"], {}, {}
    for block, new_set, is_link in [
            *((link["block"], link["new_set"], True) for link in bundle["links"]), (bundle["head"], None, False)]:
        below = check_block(genesis, block, below, validators)
        header = block["header"]
        shown[header["height"]], hashes[header["height"]] = header, below[2]
        if is_link:
            changes = header["next_validators_hash"] != header["validators_hash"]
            need((new_set is not None) == changes, "a new set where none begins, or none where one does")
            if changes:
                need(set_hash(new_set) == header["next_validators_hash"], "a set that is not the next one")
                validators = new_set
    if trusted:
        if trusted[0] not in hashes:
            raise CannotTell("the bundle does not show the trusted block")
        need(hashes[trusted[0]] == trusted[1], "the block at the trusted height is another")
    return shown
