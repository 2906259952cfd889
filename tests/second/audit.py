"""A bundle's checks in their order. EVIDENCE.md, sections 1, 2 and 8."""

import chain
import genesis as genesis_file
from codec import CannotTell, Invalid, decode, need
from keys import sha256
from records import Chain
from schema import BUNDLE_LIMIT, BUNDLES, version_of
from state import State
from subjects import SUBJECTS


class Answer:
    """What the program says: `valid`, `standing`, the exit code, and why."""

    def __init__(self, valid, standing, code, why):
        self.valid, self.standing, self.code, self.why = valid, standing, code, why


def open_bundle(data):
    need(data, "an empty file")
    if data[0] not in BUNDLES:
        raise CannotTell("a bundle of another version")
    need(len(data) <= BUNDLE_LIMIT, "longer than a bundle may be")
    need(len(data) > 32 and sha256(data[:-32]) == data[-32:], "a wrong checksum")
    bundle = decode(BUNDLES[data[0]], data[1:-32])
    need(version_of(bundle) == data[0], "another version than its blocks ask for")
    return bundle


def seal(bundle):
    """The file of a bundle's value: the inverse of `open_bundle`."""
    version = version_of(bundle)
    data = bytes([version]) + BUNDLES[version].write(bundle)
    return data + sha256(data)


def check(data, genesis_data, genesis_sha256=None, trusted=None):
    """The standing of a valid bundle."""
    need(genesis_sha256 in (None, sha256(genesis_data)), "another genesis file than the published one")
    genesis = genesis_file.read(genesis_data)
    bundle = open_bundle(data)
    blocks = chain.check(genesis, bundle, trusted)
    head = bundle["head"]["header"]
    state = State(genesis, head, blocks)
    state.record(
        Chain, bundle["chain_record"], "chain", chain_id=genesis["chain_id"], genesis_sha256=genesis["hash"],
        height=head["height"], time_ms=head["time_ms"])
    number, subject = bundle["subject"]
    return SUBJECTS[number](state, subject) or "stands"


def audit(data, genesis_data, genesis_sha256=None, trusted=None):
    return answered(lambda: check(data, genesis_data, genesis_sha256, trusted))


def answered(checks):
    """The answer that `checks`, which gives a standing, leads to."""
    try:
        standing = checks()
    except Invalid as error:
        return Answer(False, None, 1, str(error))
    except CannotTell as error:
        return Answer(False, None, 2, str(error))
    return Answer(True, standing, 0 if standing == "stands" else 1, "every check passed")
