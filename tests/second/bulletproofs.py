"""Aggregated range proofs: the two sums of EVIDENCE.md, section 7, that must vanish."""

import functools
import hashlib

from codec import need
from keys import ORDER
from ristretto import (
    BASE, BLINDING_BASE, compress, decompress, is_identity, multiples, one_way_map, scalar)


@functools.cache
def generators(letter, party):
    """Thirty-two points of a party; a proof of fewer bits uses the first of them."""
    stream = hashlib.shake_256(b"GeneratorsChain" + letter + party.to_bytes(4, "little")).digest(64 * 32)
    return [one_way_map(stream[64 * i:64 * i + 64]) for i in range(32)]


def inverse(x):
    return pow(x, ORDER - 2, ORDER)


def point_of(data):
    point = decompress(data)
    need(not is_identity(point), "the identity in a proof")
    return point


def parts_of(proof, size):
    foldings = size.bit_length() - 1
    need(len(proof) == 32 * (7 + 2 * foldings + 2), "a range proof of another length")
    return [proof[i:i + 32] for i in range(0, len(proof), 32)], foldings


def check_aggregated(transcript, bits, values, proof):
    """`values` are as many points as a power of two; the identity stands for padding."""
    count, size = len(values), bits * len(values)
    parts, foldings = parts_of(proof, size)
    a_point, s_point, t1, t2 = (point_of(p) for p in parts[:4])
    t_x, t_blinding, e_blinding = (scalar(p) for p in parts[4:7])
    folded = [(point_of(parts[7 + 2 * i]), point_of(parts[8 + 2 * i])) for i in range(foldings)]
    a, b = scalar(parts[-2]), scalar(parts[-1])

    transcript.append("dom-sep", b"rangeproof v1")
    transcript.append_u64("n", bits)
    transcript.append_u64("m", count)
    for value in values:
        transcript.append("V", compress(value))
    transcript.append("A", parts[0])
    transcript.append("S", parts[1])
    y, z = transcript.challenge("y"), transcript.challenge("z")
    transcript.append("T_1", parts[2])
    transcript.append("T_2", parts[3])
    x = transcript.challenge("x")
    for label, part in zip(("t_x", "t_x_blinding", "e_blinding"), parts[4:7]):
        transcript.append(label, part)
    w = transcript.challenge("w")
    transcript.append("dom-sep", b"ipp v1")
    transcript.append_u64("n", size)
    u = []
    for i in range(foldings):
        transcript.append("L", parts[7 + 2 * i])
        transcript.append("R", parts[8 + 2 * i])
        u.append(transcript.challenge("u"))

    check_polynomial(bits, values, (t1, t2), (t_x, t_blinding), (x, y, z))
    need(is_identity(multiples(
        [(1, a_point), (x, s_point), (-e_blinding, BLINDING_BASE), (w * (t_x - a * b), BASE)]
        + [(u[i] ** 2, folded[i][0]) for i in range(foldings)]
        + [(inverse(u[i]) ** 2, folded[i][1]) for i in range(foldings)]
        + generator_terms(bits, count, (a, b), (y, z), u))), "a range proof fails")


def check_polynomial(bits, values, points, claimed, challenges):
    """x·T1 + x²·T2 + Σ z^(2+j)·V_j − t_x_blinding·B' + (δ − t_x)·B vanishes."""
    (t1, t2), (t_x, t_blinding), (x, y, z) = points, claimed, challenges
    size = bits * len(values)
    delta = ((z - z * z) * sum(pow(y, i, ORDER) for i in range(size))
             - z**3 * ((1 << bits) - 1) * sum(pow(z, j, ORDER) for j in range(len(values))))
    need(is_identity(multiples(
        [(x, t1), (x * x, t2), (-t_blinding, BLINDING_BASE), (delta - t_x, BASE)]
        + [(pow(z, 2 + j, ORDER), value) for j, value in enumerate(values)])), "a range proof's sum fails")


def generator_terms(bits, count, vectors, challenges, u):
    (a, b), (y, z) = vectors, challenges
    y_inverse, inverses = inverse(y), [inverse(x) for x in u]
    terms = []
    for i in range(bits * count):
        j, k = divmod(i, bits)
        s, s_inverse = 1, 1
        for t in range(len(u)):
            high = i >> len(u) - 1 - t & 1
            s = s * (u[t] if high else inverses[t]) % ORDER
            s_inverse = s_inverse * (inverses[t] if high else u[t]) % ORDER
        terms.append((-z - a * s, generators(b"G", j)[k]))
        h = z + pow(y_inverse, i, ORDER) * (pow(z, 2 + j, ORDER) * (1 << k) - b * s_inverse)
        terms.append((h, generators(b"H", j)[k]))
    return terms
