"""Ristretto255 (RFC 9496) over extended coordinates, and sums of multiples."""

import hashlib

from codec import need
from keys import D, ORDER, P, SQRT_M1

IDENTITY = (0, 1, 1, 0)
D2 = 2 * D % P


def is_negative(x):
    return x & 1


def sqrt_ratio(u, v):
    """SQRT_RATIO_M1 of section 4.2."""
    r = u * v**3 * pow(u * v**7 % P, (P - 5) // 8, P) % P
    check = v * r * r % P
    correct, flipped, flipped_i = check == u % P, check == -u % P, check == -u * SQRT_M1 % P
    if flipped or flipped_i:
        r = r * SQRT_M1 % P
    return correct or flipped, P - r if is_negative(r) else r


A_MINUS_D = (-1 - D) % P
INVSQRT_A_MINUS_D = sqrt_ratio(1, A_MINUS_D)[1]
# Its sign is the RFC's choice: sqrt(a·d − 1) is 2506…1235, which is odd.
SQRT_AD_MINUS_ONE = sqrt_ratio((-D - 1) % P, 1)[1]
SQRT_AD_MINUS_ONE = SQRT_AD_MINUS_ONE if is_negative(SQRT_AD_MINUS_ONE) else P - SQRT_AD_MINUS_ONE
ONE_MINUS_D_SQ = (1 - D * D) % P
D_MINUS_ONE_SQ = (D - 1) ** 2 % P


def add(p, q):
    x1, y1, z1, t1 = p
    x2, y2, z2, t2 = q
    a, b = (y1 - x1) * (y2 - x2) % P, (y1 + x1) * (y2 + x2) % P
    c, d = t1 * D2 * t2 % P, 2 * z1 * z2 % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def twice(p):
    x, y, z, _ = p
    a, b, c = x * x % P, y * y % P, 2 * z * z % P
    h = a + b
    e, g = h - (x + y) * (x + y) % P, a - b
    f = c + g
    return e * f % P, g * h % P, f * g % P, e * h % P


def negated(p):
    return -p[0] % P, p[1], p[2], -p[3] % P


def is_identity(p):
    """Equal to the identity as a Ristretto element."""
    return p[0] % P == 0 or p[1] % P == 0


def decompress(data):
    """The point of an encoding; refused unless canonical. Section 4.3.1."""
    s = int.from_bytes(data, "little")
    need(s < P and not is_negative(s), "a point that is not canonical")
    ss = s * s % P
    u1, u2 = 1 - ss, 1 + ss
    v = (-D * u1 * u1 - u2 * u2) % P
    square, inverse = sqrt_ratio(1, v * u2 * u2 % P)
    dx = inverse * u2 % P
    dy = inverse * dx * v % P
    x = 2 * s * dx % P
    x = P - x if is_negative(x) else x
    y = u1 * dy % P
    t = x * y % P
    need(square and not is_negative(t) and y != 0, "bytes that are not a point")
    return x, y, 1, t


def compress(point):
    """Section 4.3.2."""
    x, y, z, t = point
    u1, u2 = (z + y) * (z - y) % P, x * y % P
    _, inverse = sqrt_ratio(1, u1 * u2 * u2 % P)
    den1, den2 = inverse * u1 % P, inverse * u2 % P
    z_inverse = den1 * den2 * t % P
    if is_negative(t * z_inverse % P):
        x, y, den = y * SQRT_M1 % P, x * SQRT_M1 % P, den1 * INVSQRT_A_MINUS_D % P
    else:
        den = den2
    if is_negative(x * z_inverse % P):
        y = -y % P
    s = den * (z - y) % P
    return (P - s if is_negative(s) else s).to_bytes(32, "little")


def one_way_map(data):
    """Section 4.3.4: 64 bytes to a point."""
    return add(*(_map(int.from_bytes(half, "little") & (1 << 255) - 1) for half in (data[:32], data[32:])))


def _map(t):
    r = SQRT_M1 * t * t % P
    u = (r + 1) * ONE_MINUS_D_SQ % P
    v = (-1 - r * D) * (r + D) % P
    square, s = sqrt_ratio(u, v)
    c = P - 1
    if not square:
        s = s * t % P
        s = s if is_negative(s) else -s % P
        c = r
    n = (c * (r - 1) * D_MINUS_ONE_SQ - v) % P
    w0, w1 = 2 * s * v % P, n * SQRT_AD_MINUS_ONE % P
    w2, w3 = (1 - s * s) % P, (1 + s * s) % P
    return w0 * w3 % P, w2 * w1 % P, w1 * w3 % P, w0 * w2 % P


def multiples(terms):
    """Σ scalar·point, by buckets of five bits."""
    terms = [(s % ORDER, p) for s, p in terms]
    terms = [(s, p) for s, p in terms if s]
    total = IDENTITY
    for shift in range(250, -1, -5):
        for _ in range(5):
            total = twice(total)
        buckets = [None] * 32
        for s, p in terms:
            digit = s >> shift & 31
            if digit:
                buckets[digit] = p if buckets[digit] is None else add(buckets[digit], p)
        running, window = IDENTITY, IDENTITY
        for digit in range(31, 0, -1):
            if buckets[digit] is not None:
                running = add(running, buckets[digit])
            window = add(window, running)
        total = add(total, window)
    return total


def scalar(data):
    value = int.from_bytes(data, "little")
    need(value < ORDER, "a scalar that is not below the group order")
    return value


BASE_ENCODED = bytes.fromhex("e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76")
BASE = decompress(BASE_ENCODED)
BLINDING_BASE = one_way_map(hashlib.sha3_512(BASE_ENCODED).digest())


def commit(value, blinding):
    return compress(multiples([(value, BASE), (blinding, BLINDING_BASE)]))
