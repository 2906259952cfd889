"""Proofs of commitments for `forge`: the other side of `bulletproofs.py` and `zk.py`. Its chances are not a secret."""

import zk
from bulletproofs import generators, inverse
from keys import ORDER, sha256
from ristretto import BASE, BLINDING_BASE, IDENTITY, commit, compress, multiples


class Chance:
    def __init__(self, seed):
        self.seed, self.count = seed, 0

    def scalar(self):
        self.count += 1
        return int.from_bytes(sha256(b"second %d %d" % (self.seed, self.count)) * 2, "little") % ORDER


def dot(a, b):
    return sum(x * y for x, y in zip(a, b)) % ORDER


def point(transcript, label, terms):
    encoded = compress(multiples(terms))
    transcript.append(label, encoded)
    return encoded


def number(value):
    return (value % ORDER).to_bytes(32, "little")


def prove_range(context, claims, openings, seed=1):
    """`openings` are the (value, blinding) that each claim's bound applies to, in the claims' order."""
    transcript = zk.begin("aula.zk.range.v2", context)
    transcript.append_u64("count", len(claims))
    points, bits = [], 0
    for claim in claims:
        zk.append_claim(transcript, claim)
        bits, more = zk.values_of(claim)
        points += more
    while len(points) & len(points) - 1:
        points.append(IDENTITY)
        openings = [*openings, (0, 0)]
    return prove_aggregated(transcript, bits, points, openings, Chance(seed))


def prove_aggregated(transcript, bits, points, openings, chance):
    count, size = len(points), bits * len(points)
    g = [generators(b"G", i // bits)[i % bits] for i in range(size)]
    h = [generators(b"H", i // bits)[i % bits] for i in range(size)]
    left = [openings[i // bits][0] >> i % bits & 1 for i in range(size)]
    right = [(bit - 1) % ORDER for bit in left]
    left_blind, right_blind = ([chance.scalar() for _ in range(size)] for _ in range(2))
    alpha, rho, tau1, tau2 = (chance.scalar() for _ in range(4))
    transcript.append("dom-sep", b"rangeproof v1")
    transcript.append_u64("n", bits)
    transcript.append_u64("m", count)
    for value in points:
        transcript.append("V", compress(value))
    proof = [point(transcript, "A", [(alpha, BLINDING_BASE), *zip(left, g), *zip(right, h)]),
             point(transcript, "S", [(rho, BLINDING_BASE), *zip(left_blind, g), *zip(right_blind, h)])]
    y, z = transcript.challenge("y"), transcript.challenge("z")
    powers = [pow(y, i, ORDER) for i in range(size)]
    l0 = [a - z for a in left]
    r0 = [powers[i] * (right[i] + z) + pow(z, 2 + i // bits, ORDER) * (1 << i % bits) for i in range(size)]
    r1 = [powers[i] * right_blind[i] % ORDER for i in range(size)]
    proof.append(point(transcript, "T_1", [(dot(l0, r1) + dot(left_blind, r0), BASE), (tau1, BLINDING_BASE)]))
    proof.append(point(transcript, "T_2", [(dot(left_blind, r1), BASE), (tau2, BLINDING_BASE)]))
    x = transcript.challenge("x")
    a = [(p + x * q) % ORDER for p, q in zip(l0, left_blind)]
    b = [(p + x * q) % ORDER for p, q in zip(r0, r1)]
    blinding = tau2 * x * x + tau1 * x + sum(pow(z, 2 + j, ORDER) * o[1] for j, o in enumerate(openings))
    scalars = [number(dot(a, b)), number(blinding), number(alpha + rho * x)]
    for label, part in zip(("t_x", "t_x_blinding", "e_blinding"), scalars):
        transcript.append(label, part)
    w = transcript.challenge("w")
    transcript.append("dom-sep", b"ipp v1")
    transcript.append_u64("n", size)
    h = [multiples([(inverse(power), p)]) for power, p in zip(powers, h)]
    return b"".join(proof + scalars + fold(transcript, w, g, h, a, b))


def fold(transcript, w, g, h, a, b):
    """The inner product's argument: L and R of each folding, then a and b."""
    proof = []
    while len(a) > 1:
        half = len(a) // 2
        (a0, a1), (b0, b1), (g0, g1), (h0, h1) = ((v[:half], v[half:]) for v in (a, b, g, h))
        proof.append(point(transcript, "L", [(w * dot(a0, b1), BASE), *zip(a0, g1), *zip(b1, h0)]))
        proof.append(point(transcript, "R", [(w * dot(a1, b0), BASE), *zip(a1, g0), *zip(b0, h1)]))
        u = transcript.challenge("u")
        v = inverse(u)
        a = [(p * u + q * v) % ORDER for p, q in zip(a0, a1)]
        b = [(p * v + q * u) % ORDER for p, q in zip(b0, b1)]
        g = [multiples([(v, p), (u, q)]) for p, q in zip(g0, g1)]
        h = [multiples([(u, p), (v, q)]) for p, q in zip(h0, h1)]
    return proof + [number(a[0]), number(b[0])]


def prove_values(context, terms, blindings):
    """`terms` as `zk.check_values` takes them."""
    transcript = zk.begin_values(context, terms)
    z, weight, blinding = transcript.challenge("weight"), 1, 0
    for own in blindings:
        blinding = (blinding + weight * own) % ORDER
        weight = weight * z % ORDER
    return schnorr(transcript, blinding)


def prove_sum(context, total, terms, blinding):
    """`blinding` is the sum of the terms' blindings."""
    transcript = zk.begin("aula.zk.sum.v2", context)
    transcript.append_u64("total", total)
    transcript.append_u64("count", len(terms))
    for subject, commitment in terms:
        transcript.append("subject", subject)
        transcript.append("commitment", commitment)
    return schnorr(transcript, blinding)


def schnorr(transcript, blinding):
    secret = Chance(2).scalar()
    nonce = compress(multiples([(secret, BLINDING_BASE)]))
    transcript.append("nonce", nonce)
    return nonce + number(secret + transcript.challenge("challenge") * blinding)


def blinding_of(name):
    return int.from_bytes(sha256(b"second blinding " + name), "little") % ORDER


def commitment(value, name):
    return commit(value, blinding_of(name))
