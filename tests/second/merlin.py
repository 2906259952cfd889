"""Merlin 1.0 transcripts: STROBE-128 over Keccak-f[1600], the operations that Merlin uses."""

from keys import ORDER

MASK = (1 << 64) - 1
RATE = 166
FLAG_I, FLAG_A, FLAG_C, FLAG_M = 1, 2, 4, 16


def _round_constants():
    constants, register = [], 1
    for _ in range(24):
        constant = 0
        for j in range(7):
            if register & 1:
                constant |= 1 << (1 << j) - 1
            register = register << 1 ^ (register >> 7) * 0x171
        constants.append(constant)
    return constants


def _rotations():
    offsets, x, y = [0] * 25, 1, 0
    for t in range(24):
        offsets[x + 5 * y] = (t + 1) * (t + 2) // 2 % 64
        x, y = y, (2 * x + 3 * y) % 5
    return offsets


CONSTANTS, ROTATIONS = _round_constants(), _rotations()
# Lane i of the permuted state comes from lane SOURCE[i] (the step pi).
SOURCE = [0] * 25
for _x in range(5):
    for _y in range(5):
        SOURCE[_y + 5 * ((2 * _x + 3 * _y) % 5)] = _x + 5 * _y


def rotate(lane, count):
    return (lane << count | lane >> 64 - count) & MASK if count else lane


def keccak_f(state):
    a = [int.from_bytes(state[8 * i:8 * i + 8], "little") for i in range(25)]
    for constant in CONSTANTS:
        c = [a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20] for x in range(5)]
        d = [c[x - 1] ^ rotate(c[(x + 1) % 5], 1) for x in range(5)]
        a = [lane ^ d[i % 5] for i, lane in enumerate(a)]
        b = [rotate(a[s], ROTATIONS[s]) for s in SOURCE]
        a = [b[i] ^ (~b[i - i % 5 + (i + 1) % 5] & b[i - i % 5 + (i + 2) % 5]) for i in range(25)]
        a[0] ^= constant
    return bytearray(b"".join(lane.to_bytes(8, "little") for lane in a))


class Strobe:
    def __init__(self, label):
        self.state = bytearray(200)
        self.state[:6] = bytes([1, RATE + 2, 1, 0, 1, 96])
        self.state[6:18] = b"STROBEv1.0.2"
        self.state = keccak_f(self.state)
        self.at = self.begun = self.flags = 0
        self.meta_ad(label, False)

    def run(self):
        self.state[self.at] ^= self.begun
        self.state[self.at + 1] ^= 4
        self.state[RATE + 1] ^= 0x80
        self.state = keccak_f(self.state)
        self.at = self.begun = 0

    def absorb(self, data):
        for byte in data:
            self.state[self.at] ^= byte
            self.at += 1
            if self.at == RATE:
                self.run()

    def begin(self, flags, more):
        if more:
            assert flags == self.flags
            return
        before, self.begun, self.flags = self.begun, self.at + 1, flags
        self.absorb(bytes([before, flags]))
        if flags & FLAG_C and self.at:
            self.run()

    def meta_ad(self, data, more):
        self.begin(FLAG_M | FLAG_A, more)
        self.absorb(data)

    def ad(self, data, more):
        self.begin(FLAG_A, more)
        self.absorb(data)

    def prf(self, count):
        self.begin(FLAG_I | FLAG_A | FLAG_C, False)
        output = bytearray()
        for _ in range(count):
            output.append(self.state[self.at])
            self.state[self.at] = 0
            self.at += 1
            if self.at == RATE:
                self.run()
        return bytes(output)


class Transcript:
    def __init__(self, label):
        self.strobe = Strobe(b"Merlin v1.0")
        self.append("dom-sep", label.encode())

    def append(self, label, data):
        self.strobe.meta_ad(label.encode(), False)
        self.strobe.meta_ad(len(data).to_bytes(4, "little"), True)
        self.strobe.ad(data, False)

    def append_u64(self, label, number):
        self.append(label, number.to_bytes(8, "little"))

    def challenge(self, label):
        """A scalar: 64 bytes reduced modulo the group order."""
        self.strobe.meta_ad(label.encode(), False)
        self.strobe.meta_ad((64).to_bytes(4, "little"), True)
        return int.from_bytes(self.strobe.prf(64), "little") % ORDER
