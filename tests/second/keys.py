"""Labelled hashes and strict Ed25519. EVIDENCE.md, section 4."""

import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)


def sha256(data):
    return hashlib.sha256(data).digest()


def prefix(label):
    return b"aula/v1/" + label.encode() + b"\0"


def labelled(label, data):
    return sha256(prefix(label) + data)


def x_of(y, sign):
    """The x of a point of edwards25519 with this y and sign, or None."""
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * v**3 * pow(u * v**7, (P - 5) // 8, P) % P
    if v * x * x % P == -u % P:
        x = x * SQRT_M1 % P
    if v * x * x % P != u:
        return None
    if x == 0 and sign:
        return None
    return P - x if x & 1 != sign else x


def double(x, y):
    """Affine doubling; enough for three of them."""
    k = D * x * x * y * y % P
    return (2 * x * y * pow(1 + k, P - 2, P) % P, (y * y + x * x) * pow(1 - k, P - 2, P) % P)


_sound = {}


def is_sound_point(encoded):
    """Canonical, on the curve, and not of small order."""
    if encoded not in _sound:
        if len(_sound) > 10_000:
            _sound.clear()
        _sound[encoded] = _judge(encoded)
    return _sound[encoded]


def _judge(encoded):
    number = int.from_bytes(encoded, "little")
    y, sign = number & (1 << 255) - 1, number >> 255
    if y >= P:
        return False
    x = x_of(y, sign)
    if x is None:
        return False
    point = (x, y)
    for _ in range(3):
        point = double(*point)
    return point != (0, 1)


def signed(label, data, key, signature):
    """RFC 8032 without cofactor: OpenSSL encodes s·B − h·A and compares it with R; the rest is checked here."""
    if int.from_bytes(signature[32:], "little") >= ORDER:
        return False
    if not is_sound_point(key) or not is_sound_point(signature[:32]):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, prefix(label) + data)
        return True
    except (InvalidSignature, ValueError):
        return False
