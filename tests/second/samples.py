"""Values of a kind by chance: mostly what its rules allow, now and then just outside."""

import params
from codec import Array, Blob, Fixed, List, Number, Option, Struct, Text, Tuple
from forge import NEXT_VALIDATORS, VALIDATORS, set_of
from records import ParamsBody
from schema import (
    ChainId, FieldName, ListenHint, Name, PeerName, Term, Title, ValidatorSet)

TEXTS = {
    id(ChainId): ("chain-1", "-", "c" * 49, "c" * 50, "Chain", ""),
    id(Name): ("a", "rural", "9-9-", "n" * 40, "-a", "n" * 41, "a_b", "", "a b"),
    id(Title): ("District 1", "é" * 60, "t" * 120, "t" * 121, "é" * 61, " a", "a ", "a\tb", "a\u0085b", "", "a\u00a0",
                "\u3000a", "\u200ba", "a  b", "\u202ea", "a\u2028b", "a\u2028", "\U0001f600", "\ufeffa", "a\u180e"),
    id(PeerName): ("1" * 40, "Aa0" * 21, "z" * 64, "z" * 65, "z" * 39, "z" * 39 + "-", "é" * 40),
    id(ListenHint): ("/", "/ip4/127.0.0.1/tcp/1", "/" + "~" * 119, "/" + "~" * 120, "ip4", "/a b", "/é", "", "/\x7f"),
    id(Term): ("teacher", "A-b_9", "t" * 40, "t" * 41, "a.b", ""),
    id(FieldName): ("name", "skill:00003", "a-b.c/d:_", "f" * 64, "f" * 65, "a b", ""),
}


def sample(kind, rng):
    if kind is ParamsBody:
        return sample_params(rng)
    if kind is ValidatorSet:
        return set_of(rng.choice((VALIDATORS, NEXT_VALIDATORS)))
    if isinstance(kind, Number):
        return sample_number(kind, rng)
    if isinstance(kind, Fixed):
        return rng.randbytes(kind.size)
    if isinstance(kind, Blob):
        return rng.randbytes(rng.randrange(70))
    if isinstance(kind, Text):
        texts = TEXTS.get(id(kind), ("a",))
        return rng.choice(texts[:3] if rng.random() < 0.9 else texts)
    if isinstance(kind, List):
        return [sample(kind.entry, rng) for _ in range(rng.choice((0, 1, 2, 3)))]
    if isinstance(kind, Array):
        return [sample(kind.entry, rng) for _ in range(kind.count)]
    if isinstance(kind, Option):
        return sample(kind.inner, rng) if rng.random() < 0.6 else None
    if isinstance(kind, Tuple):
        return [sample(k, rng) for k in kind.kinds]
    if isinstance(kind, Struct):
        return {name: sample(k, rng) for name, k in kind.fields.items()}
    number = rng.choice(list(kind.cases))
    return (number, sample(kind.cases[number], rng))


def sample_number(kind, rng):
    value = rng.choice((kind.low, kind.high, rng.randint(kind.low, kind.high), rng.randint(kind.low, min(kind.high, 99))))
    if rng.random() < 0.01 and not kind.signed:
        return rng.choice((0, (1 << 8 * kind.size) - 1, min(kind.high + 1, (1 << 8 * kind.size) - 1)))
    return value


def sample_params(rng):
    """The defaults with a few parameters at their ends or a step beyond."""
    value = dict(params.DEFAULTS)
    for name in rng.sample(list(params.TABLE), rng.choice((0, 1, 1, 2))):
        size, default, least, most = params.TABLE[name]
        value[name] = rng.choice([n for n in (least - 1, least, default, most, most + 1) if 0 <= n < 1 << 8 * size])
    return value
