"""Statements over commitments. EVIDENCE.md, section 7, and zk/vectors/README.md."""

from collections import namedtuple

from bulletproofs import check_aggregated
from codec import need
from keys import ORDER
from merlin import Transcript
from ristretto import (
    BASE, BLINDING_BASE, IDENTITY, add, compress, decompress, is_identity, multiples, negated, scalar)

# `moment` is "height" or "round", `at` its number.
Context = namedtuple("Context", "chain moment at field")
# `low` is the factor and `other` the weight of a floor.
Claim = namedtuple("Claim", "subject kind low high commitment other", defaults=(None,))


def begin(label, context):
    transcript = Transcript(label)
    transcript.append("chain", context.chain)
    transcript.append_u64(context.moment, context.at)
    transcript.append("field", context.field.encode())
    return transcript


def committed(encoded):
    point = decompress(encoded)
    need(not is_identity(point), "the identity is not a commitment")
    return point


def append_claim(transcript, claim):
    transcript.append("subject", claim.subject)
    transcript.append("kind", claim.kind.encode())
    if claim.kind != "floor":
        transcript.append_u64("low", claim.low)
        transcript.append_u64("high", claim.high)
    transcript.append("commitment", claim.commitment)
    if claim.kind == "floor":
        transcript.append_u64("factor", claim.low)
        transcript.append("other", claim.other)


def values_of(claim):
    """The commitments that a range proof shows to be small, and their bits."""
    point = committed(claim.commitment)
    if claim.kind == "floor":
        return 32, [add(point, multiples([(-claim.low, committed(claim.other))]))]
    need(claim.low <= claim.high, "an empty range")
    width = claim.high - claim.low
    bits = next(b for b in (8, 16, 32, 64) if width < 1 << b)
    need(bits < 64, "a range wider than 32 bits")
    values = [add(point, multiples([(-claim.low, BASE)]))]
    if width != (1 << bits) - 1:
        values.append(add(multiples([(claim.high, BASE)]), negated(point)))
    return bits, values


def check_range(context, claims, proof):
    transcript = begin("aula.zk.range.v2", context)
    transcript.append_u64("count", len(claims))
    values, widths = [], set()
    for claim in claims:
        append_claim(transcript, claim)
        bits, more = values_of(claim)
        widths.add(bits)
        values += more
    need(len(widths) == 1 and len(values) <= 8, "claims that do not fit one proof")
    while len(values) & len(values) - 1:
        values.append(IDENTITY)
    check_aggregated(transcript, widths.pop(), values, proof)


def check_schnorr(transcript, point, proof):
    """s·B' − e·P encodes to R."""
    need(len(proof) == 64, "a Schnorr proof of another length")
    s = scalar(proof[32:])
    transcript.append("nonce", proof[:32])
    e = transcript.challenge("challenge")
    need(compress(multiples([(s, BLINDING_BASE), (ORDER - e, point)])) == proof[:32], "a Schnorr proof fails")


def check_flag(context, subject, commitment, proof):
    """0 or 1: s0·B' − e0·C encodes to R0, and s1·B' − (e − e0)·(C − B) to R1."""
    transcript = begin("aula.zk.flag.v1", context)
    transcript.append("subject", subject)
    transcript.append("commitment", commitment)
    point = committed(commitment)
    nonces, (first, *responses) = (proof[:32], proof[32:64]), [scalar(proof[at:at + 32]) for at in (64, 96, 128)]
    for nonce in nonces:
        transcript.append("nonce", nonce)
    second = (transcript.challenge("challenge") - first) % ORDER
    points = (point, add(point, multiples([(-1, BASE)])))
    for nonce, e, s, p in zip(nonces, (first, second), responses, points):
        need(compress(multiples([(s, BLINDING_BASE), (ORDER - e, p)])) == nonce, "a flag's proof fails")


def derived(rule, inputs):
    """The commitment to the need of these inputs."""
    need(len(inputs) == len(rule["inputs"]), "other inputs than the rule's")
    terms = [(one["weight"] % ORDER, committed(c)) for one, c in zip(rule["inputs"], inputs)]
    point = multiples([*terms, (rule["constant"] % ORDER, BASE)])
    need(not is_identity(point), "a need whose commitment is the identity")
    return compress(point)


def check_sum(context, total, terms, proof):
    transcript = begin("aula.zk.sum.v2", context)
    transcript.append_u64("total", total)
    transcript.append_u64("count", len(terms))
    point = multiples([(-total, BASE)])
    for subject, commitment in terms:
        transcript.append("subject", subject)
        transcript.append("commitment", commitment)
        point = add(point, committed(commitment))
    check_schnorr(transcript, point, proof)


def begin_values(context, terms):
    transcript = begin("aula.zk.values.v1", context)
    transcript.append_u64("count", len(terms))
    for subject, commitment, value in terms:
        transcript.append("subject", subject)
        transcript.append("commitment", commitment)
        transcript.append_u64("value", value)
    return transcript


def check_values(context, terms, proof):
    """Each commitment holds the value beside it: one equation, weighed by powers of a challenge."""
    transcript = begin_values(context, terms)
    z, weight, point = transcript.challenge("weight"), 1, IDENTITY
    for _, commitment, value in terms:
        point = add(point, multiples([(weight, committed(commitment)), ((-value * weight) % ORDER, BASE)]))
        weight = weight * z % ORDER
    check_schnorr(transcript, point, proof)


def check_equality(context, subject, commitment, other, proof):
    transcript = begin("aula.zk.equality.v2", context)
    transcript.append("subject", subject)
    transcript.append("commitment", commitment)
    transcript.append("other", other)
    check_schnorr(transcript, add(committed(commitment), negated(committed(other))), proof)
