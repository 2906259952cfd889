"""Changed copies of a bundle, of a file and of a genesis: what a careless or lying hand would do to them."""

import copy
import json
import re

from codec import Array, Blob, Choice, Fixed, List, Number, Option, Struct, Text, Tuple
from schema import BUNDLES


# Steps of a change's path, and the parts that hashes and signatures hold fast.
STEP = re.compile(r"[.\[]\w+")
INNER = re.compile(r"\.(proof|siblings|certificate|header)\b")


def blank(kind):
    """The emptiest value of a kind."""
    if isinstance(kind, Number):
        return kind.low if kind.low > 0 else 0
    if isinstance(kind, Fixed):
        return bytes(kind.size)
    if isinstance(kind, Blob):
        return b""
    if isinstance(kind, Text):
        return "a"
    if isinstance(kind, List):
        return []
    if isinstance(kind, Option):
        return None
    if isinstance(kind, Array):
        return [blank(kind.entry) for _ in range(kind.count)]
    if isinstance(kind, Tuple):
        return [blank(k) for k in kind.kinds]
    if isinstance(kind, Struct):
        return {name: blank(k) for name, k in kind.fields.items()}
    number = min(kind.cases)
    return (number, blank(kind.cases[number]))


def children(kind, value):
    """Each part of a value: (name, kind, part, a function that gives the whole with another part)."""
    if isinstance(kind, (List, Array)):
        for i, part in enumerate(value):
            yield f"[{i}]", kind.entry, part, lambda new, i=i: value[:i] + [new] + value[i + 1:]
    elif isinstance(kind, Tuple):
        for i, (k, part) in enumerate(zip(kind.kinds, value)):
            yield f".{i}", k, part, lambda new, i=i: [*value[:i], new, *value[i + 1:]]
    elif isinstance(kind, Struct):
        for name, k in kind.fields.items():
            yield f".{name}", k, value[name], lambda new, name=name: value | {name: new}
    elif isinstance(kind, Option) and value is not None:
        yield "?", kind.inner, value, lambda new: new
    elif isinstance(kind, Choice):
        yield f"<{value[0]}>", kind.cases[value[0]], value[1], lambda new: (value[0], new)


def changes(kind, value, rng):
    """What may be done to one value: (name, new value)."""
    if isinstance(kind, Number):
        least = -(1 << 8 * kind.size - 1) if kind.signed else 0
        most = (1 << 8 * kind.size - kind.signed) - 1
        for name, new in (("+1", value + 1), ("-1", value - 1), ("=0", 0), ("=most", most)):
            if new != value and least <= new <= most:
                yield name, new
    elif isinstance(kind, Fixed):
        at = rng.randrange(kind.size)
        yield f"bit of byte {at}", value[:at] + bytes([value[at] ^ 1 << rng.randrange(8)]) + value[at + 1:]
        yield "zero", bytes(kind.size)
    elif isinstance(kind, Blob):
        yield "a byte more", value + b"\0"
        yield "empty", b""
        if value:
            at = rng.randrange(len(value))
            yield "a byte less", value[:-1]
            yield f"byte {at}", value[:at] + bytes([value[at] ^ rng.randrange(1, 256)]) + value[at + 1:]
    elif isinstance(kind, Text):
        yield "a letter more", value + "a"
        yield "empty", ""
    elif isinstance(kind, List):
        if value:
            at = rng.randrange(len(value))
            yield f"without {at}", value[:at] + value[at + 1:]
            yield f"{at} twice", value[:at + 1] + value[at:]
            yield "empty", []
        if len(value) > 1:
            at = rng.randrange(len(value) - 1)
            yield f"{at} and the next swapped", value[:at] + [value[at + 1], value[at]] + value[at + 2:]
            yield "first half", value[:len(value) // 2]
        yield "a blank more", value + [blank(kind.entry)]
    elif isinstance(kind, Option):
        yield ("there", blank(kind.inner)) if value is None else ("none", None)
    elif isinstance(kind, Choice):
        for number, case in kind.cases.items():
            if number != value[0]:
                yield f"case {number}", (number, blank(case))


def all_changes(kind, value, rng, rebuild=lambda v: v, path=""):
    """Every change to a value or a part of it: (path, rebuilt whole)."""
    for name, new in changes(kind, value, rng):
        yield f"{path} {name}", lambda new=new: rebuild(new)
    for name, part_kind, part, put in children(kind, value):
        yield from all_changes(
            part_kind, part, rng, lambda new, put=put: rebuild(put(new)), path + name)


def file_changes(data, rng, count):
    """A file cut, extended, or with bytes changed; its checksum as it was."""
    yield "empty file", b""
    for version in (0, min(BUNDLES) - 1, *BUNDLES, max(BUNDLES) + 1, 255):
        yield f"version {version}", bytes([version]) + data[1:]
    yield "one byte more", data + b"\0"
    for _ in range(count):
        at = rng.randrange(len(data))
        yield f"cut at {at}", data[:at]
        yield f"byte {at} changed", data[:at] + bytes([data[at] ^ rng.randrange(1, 256)]) + data[at + 1:]


# Genesis files.

REPLACEMENTS = (None, True, -1, 0, 1, 2, 65_535, 65_536, 2**32, 2**64, 1.0, "", "a", "A", "-a", " a", "a" * 41, "é",
                "a\u0085", "\u3000a", "00" * 32, "01" + "00" * 31, [], {}, ["consortium"], ["consortium"] * 2)


def places(document, path=()):
    yield path
    inside = document.items() if isinstance(document, dict) else (
        enumerate(document) if isinstance(document, list) else ())
    for name, part in inside:
        yield from places(part, path + (name,))


def at(document, path):
    for step in path:
        document = document[step]
    return document


def edited(document, path, edit):
    new = copy.deepcopy(document)
    edit(at(new, path[:-1]), path[-1])
    return new


def genesis_changes(data, rng):
    """(name, new file): members replaced, removed, doubled, unknown."""
    document = json.loads(data)
    def dump(value):
        return json.dumps(value, indent=2, ensure_ascii=False).encode()
    yield "written anew", dump(document)
    yield "Windows line ends", data.replace(b"\n", b"\r\n")
    yield "a line end more", data + b"\n"
    yield "a byte order mark", b"\xef\xbb\xbf" + data
    yield "not UTF-8", data.replace(b"rural", b"rur\xff")
    yield "a member twice", data.replace(b'"time_ms": 1000,', b'"time_ms": 1000,"time_ms": 1000,')
    yield "minus zero", data.replace(b'"time_ms": 1000,', b'"time_ms": -0,')
    yield "an exponent", data.replace(b'"time_ms": 1000,', b'"time_ms": 1e3,')
    yield "a comma at the end", data.rstrip()[:-1] + b",}"
    yield "bytes after the end", data + b"x"
    yield "a list", b"[" + data + b"]"
    yield "empty", b""
    yield "keys in capitals", dump(edited(document, ("members", 0, "public_key"), lambda d, k: d.update({k: d[k].upper()})))
    place = {"latitude_e6": -90_000_000, "longitude_e6": 180_000_000}
    for what, name, position in (
            ("a school's name and position", "North", place), ("neither", None, None), ("beyond the pole", "N", place | {"latitude_e6": 90_000_001}),
            ("a position as a list", "N", [0, 0]), ("half a position", "N", {"latitude_e6": 0}), ("a white name", " N", place)):
        school = document["schools"][0] | {"name": name, "position": position}
        yield what, dump(document | {"schools": [school, *document["schools"][1:]]})
    yield "no sources", dump(document | {"sources": []})
    yield "sources", dump(document | {"sources": [{"title": "T", "text": "x" * 2000}] * 64})
    yield "a source too many", dump(document | {"sources": [{"title": "T", "text": "x"}] * 65})
    yield "a source too long", dump(document | {"sources": [{"title": "T", "text": "x" * 2001}]})
    yield "a source's title too long", dump(document | {"sources": [{"title": "T" * 121, "text": "x"}]})
    yield "a source's title is white", dump(document | {"sources": [{"title": " \n", "text": "\n"}]})
    for path in places(document):
        if isinstance(at(document, path), dict):
            values = list(at(document, path).values())
            yield f"{path} as a list of its values", dump(edited(document, path, lambda d, k: d.__setitem__(k, values)) if path else values)
        if not path:
            continue
        yield f"{path} removed", dump(edited(document, path, lambda d, k: d.pop(k)))
        for new in rng.sample(REPLACEMENTS, 6):
            yield f"{path} = {new!r:.20}", dump(edited(document, path, lambda d, k, new=new: d.__setitem__(k, new)))
        value = at(document, path)
        if isinstance(value, dict):
            yield f"{path} with an unknown member", dump(edited(document, path, lambda d, k: d[k].update(other=1)))
        if isinstance(value, str) and len(value) > 1:
            yield f"{path} cut", dump(edited(document, path, lambda d, k: d.__setitem__(k, d[k][:-1])))
        if path[-1] in ("district", "school"):
            continue
        if isinstance(path[-1], int):
            yield f"{path} twice", dump(edited(document, path, lambda d, k: d.append(d[k])))
            for extra in ({"district": 1}, {"school": 11}, {"district": 2, "school": 11}, {"district": None}):
                if isinstance(value, dict):
                    yield f"{path} with {extra}", dump(
                        edited(document, path, lambda d, k, extra=extra: d[k].update(extra)))
    for name in document["params"]:
        for new in bounds(name):
            yield f"{name} = {new}", dump(edited(document, ("params", name), lambda d, k, new=new: d.update({k: new})))


def bounds(name):
    import params
    _, _, least, most = params.TABLE[name]
    return [n for n in (least - 1, least, most, most + 1) if n >= 0]
