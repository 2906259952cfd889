"""Borsh, strictly: what decodes has one encoding only. EVIDENCE.md, section 2."""


class Invalid(Exception):
    """A check failed: the bundle is not what it says."""


class CannotTell(Exception):
    """Something outside the bundle is missing or not understood."""


def need(condition, why):
    if not condition:
        raise Invalid(why)


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        end = self.at + count
        need(end <= len(self.data), "bytes end early")
        piece = self.data[self.at:end]
        self.at = end
        return piece


class Number:
    def __init__(self, size, low=None, high=None, signed=False):
        self.size, self.signed = size, signed
        bits = 8 * size
        self.low = low if low is not None else (-(1 << bits - 1) if signed else 0)
        self.high = high if high is not None else ((1 << bits - 1) - 1 if signed else (1 << bits) - 1)

    def read(self, reader):
        value = int.from_bytes(reader.take(self.size), "little", signed=self.signed)
        need(self.low <= value <= self.high, "a number out of its range")
        return value

    def write(self, value):
        return value.to_bytes(self.size, "little", signed=self.signed)


class Fixed:
    """A fixed array of bytes."""

    def __init__(self, size):
        self.size = size

    def read(self, reader):
        return reader.take(self.size)

    def write(self, value):
        return value


class Blob:
    """A list of bytes."""

    def read(self, reader):
        return reader.take(int.from_bytes(reader.take(4), "little"))

    def write(self, value):
        return len(value).to_bytes(4, "little") + value


class Text:
    def __init__(self, rule=None):
        self.rule = rule

    def read(self, reader):
        try:
            value = Blob().read(reader).decode("utf-8")
        except UnicodeDecodeError:
            raise Invalid("text that is not UTF-8")
        need(self.rule is None or self.rule(value), "text that breaks its type's rule")
        return value

    def write(self, value):
        return Blob().write(value.encode("utf-8"))


class List:
    def __init__(self, entry, most=None, least=0):
        self.entry, self.most, self.least = entry, most, least

    def read(self, reader):
        count = int.from_bytes(reader.take(4), "little")
        need(self.most is None or count <= self.most, "a list longer than its limit")
        need(count >= self.least, "a list shorter than its least")
        need(count <= len(reader.data) - reader.at, "bytes end early")
        return [self.entry.read(reader) for _ in range(count)]

    def write(self, value):
        return len(value).to_bytes(4, "little") + b"".join(self.entry.write(v) for v in value)


class Array:
    def __init__(self, entry, count):
        self.entry, self.count = entry, count

    def read(self, reader):
        return [self.entry.read(reader) for _ in range(self.count)]

    def write(self, value):
        return b"".join(self.entry.write(v) for v in value)


class Option:
    def __init__(self, inner):
        self.inner = inner

    def read(self, reader):
        byte = reader.take(1)[0]
        need(byte < 2, "an option byte other than 0 and 1")
        return self.inner.read(reader) if byte else None

    def write(self, value):
        return b"\0" if value is None else b"\1" + self.inner.write(value)


class Struct:
    """Fields in order; a value is a dictionary. `rule` judges the whole."""

    def __init__(self, rule=None, **fields):
        self.fields, self.rule = fields, rule

    def read(self, reader):
        value = {name: kind.read(reader) for name, kind in self.fields.items()}
        need(self.rule is None or self.rule(value), "a structure that breaks its rule")
        return value

    def write(self, value):
        return b"".join(kind.write(value[name]) for name, kind in self.fields.items())


class Tuple:
    def __init__(self, *kinds):
        self.kinds = kinds

    def read(self, reader):
        return [kind.read(reader) for kind in self.kinds]

    def write(self, value):
        return b"".join(kind.write(v) for kind, v in zip(self.kinds, value))


class Choice:
    """A number and the fields of its case; a value is the pair (number, fields)."""

    def __init__(self, cases):
        self.cases = cases

    def read(self, reader):
        number = reader.take(1)[0]
        need(number in self.cases, "an unknown choice")
        return (number, self.cases[number].read(reader))

    def write(self, value):
        return bytes([value[0]]) + self.cases[value[0]].write(value[1])


def decode(kind, data):
    reader = Reader(data)
    value = kind.read(reader)
    need(reader.at == len(data), "bytes after the end")
    need(kind.write(value) == data, "another encoding than the one")
    return value


class Canonical:
    """A version byte, then borsh, within a limit."""

    def __init__(self, kind, limit, version=1):
        self.kind, self.limit, self.version = kind, limit, version

    def decode(self, data):
        need(len(data) <= self.limit, "a value longer than its limit")
        need(data[:1] == bytes([self.version]), "a value of another version")
        return decode(self.kind, data[1:])

    def encode(self, value):
        return bytes([self.version]) + self.kind.write(value)
