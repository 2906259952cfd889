"""Thousands of signed lies: what `forge` can change, each behind proofs and signatures that hold."""

import copy
import unicodedata

import records
from codec import Invalid, decode
from figures import RECORDS
from forge import NEXT_VALIDATORS, VALIDATORS, Key, blocks_of, finished, proofs_in, set_of
from keys import sha256
from mutations import INNER, all_changes
from samples import TEXTS, sample
from schema import Bundle, Certificate, FigureKey, Header, Title
from transactions import BodyKind, Receipt


def some(changes, rng, count):
    changes = list(changes)
    return rng.sample(changes, min(count, len(changes)))


def of_records(forge, rng, count):
    """A record's field is another; or its version, or a byte is added."""
    for path in list(forge.keys):
        kind = forge.keys[path][0]
        if kind is None:
            continue
        raw = {p: proved for p, proved, _ in proofs_in(Bundle, forge.base)}[path]["value"]
        news = [(what, lambda build=build: kind.encode(build()))
                for what, build in all_changes(kind.kind, kind.decode(raw), rng)]
        news += [(" of another version", lambda: bytes([raw[0] + 1]) + raw[1:]), (" a byte more", lambda: raw + b"\0")]
        for what, build in some(news, rng, count):
            bundle = forge.copy()
            {p: proved for p, proved, _ in proofs_in(Bundle, bundle)}[path]["value"] = build()
            forge.finish(bundle)
            yield path + what, bundle


def rows_of(subject):
    """(name, kind, where the bytes stand) of the rows that a subject shows."""
    number, value = subject
    if number == 1:
        for position, row in enumerate(value["rows"][:3]):
            yield f"request {position}", records.Request, row, "request"
            yield f"decision {position}", records.Placement, row, "decision"
    if number == 2:
        yield "request", records.Request, value["request"], "row"
        yield "decision", records.Placement, value["decision"], "row"
    if number == 3 and value["shown"][0] == 1:
        yield "leaf", records.StudentRow, value["shown"][1]["row"], "row"
    if number == 5 and value["listed"]:
        yield "entry", records.LogEntry, value["listed"], "entry"


def of_rows(forge, rng, count):
    for position, (name, kind, holder, member) in enumerate(rows_of(forge.base["subject"])):
        raw = holder[member]
        news = [(what, lambda build=build: kind.encode(build()))
                for what, build in all_changes(kind.kind, kind.decode(raw), rng)]
        news += [(" by chance", lambda: kind.encode(sample(kind.kind, rng))) for _ in range(count // 8)]
        news += [(" of another version", lambda: bytes([raw[0] + 1]) + raw[1:]), (" a byte more", lambda: raw + b"\0")]
        for what, build in some(news, rng, count):
            bundle = forge.copy()
            _, _, holder, member = list(rows_of(bundle["subject"]))[position]
            holder[member] = build()
            try:
                forge.grow(*bundle["subject"])
            except Invalid:
                pass  # a row that cannot be read has no place in a tree: it is shown under the old heads
            forge.finish(bundle)
            yield f"{name}{what}", bundle


def of_subject(forge, rng, count):
    """What the subject says outside its records."""
    outer = [c for c in all_changes(Bundle.fields["subject"], forge.base["subject"], rng)
             if not INNER.search(c[0]) and ".value" not in c[0]]
    for what, build in some(outer, rng, count):
        bundle = forge.copy()
        bundle["subject"] = copy.deepcopy(build())
        try:
            forge.finish(bundle)
        except (KeyError, TypeError):
            continue
        yield f"subject{what}", bundle


def of_headers(forge, rng, count):
    """A header is another, and signed as it is."""
    for position in range(len(blocks_of(forge.base))):
        header = blocks_of(forge.base)[position]["header"]
        for what, build in some(all_changes(Header, header, rng), rng, count):
            bundle = forge.copy()
            blocks_of(bundle)[position]["header"] = build()
            forge.sign(bundle)
            yield f"header {position}{what}", bundle


def of_certificates(forge, rng, count):
    stranger = Key("a stranger")
    for position, keys in enumerate([VALIDATORS] * len(forge.base["links"]) + [NEXT_VALIDATORS]):
        for what, build in some(
                all_changes(Certificate, blocks_of(forge.base)[position]["certificate"], rng), rng, count):
            bundle = forge.copy()
            blocks_of(bundle)[position]["certificate"] = build()
            yield f"certificate {position}{what}", bundle
        for size in range(len(keys) + 1):
            bundle = forge.copy()
            signatures = blocks_of(bundle)[position]["certificate"]["signatures"]
            chosen = rng.sample(signatures, min(size, len(signatures)))
            blocks_of(bundle)[position]["certificate"]["signatures"] = sorted(chosen)
            yield f"certificate {position} of {size}", bundle
        bundle = forge.copy()
        certificate = blocks_of(bundle)[position]["certificate"]
        certificate["signatures"] = sorted(
            certificate["signatures"] + [[stranger.address, forge.vote(certificate, stranger)]])
        yield f"certificate {position} with a stranger", bundle
        for round_ in (0, 1, 7):
            bundle = forge.copy()
            blocks_of(bundle)[position]["certificate"]["round"] = round_
            forge.sign(bundle)
            yield f"certificate {position} of round {round_}", bundle
    for position, link in enumerate(forge.base["links"]):
        for what, new_set in (("none", None), ("the first", set_of(VALIDATORS)), ("the next", set_of(NEXT_VALIDATORS))):
            bundle = forge.copy()
            bundle["links"][position]["new_set"] = new_set
            forge.sign(bundle)
            yield f"link {position} with {what} set", bundle
        bundle = forge.copy()
        bundle["links"].pop(position)
        yield f"without link {position}", bundle


def of_figures(forge, rng, count):
    """Records of every kind by chance, under the key that they name."""
    for _ in range(count):
        bundle = forge.copy()
        figures = []
        for number in rng.sample(list(RECORDS), rng.choice((1, 1, 2, 3))):
            kind, _, _, names = RECORDS[number]
            key = sample(FigureKey.cases[number], rng)
            value = sample(kind.kind, rng)
            value |= dict(zip(names, key)) if rng.random() < 0.97 else {}
            if number == 3:
                value["definition"]["class_"] = key[0]
            figures.append({"key": (number, key), "record": {
                "value": kind.encode(value), "proof": {"leaf": None, "siblings": []}}})
        figures.sort(key=lambda f: (f["key"][0], f["key"][1]))
        bundle["subject"][1]["figures"] = figures
        yield "figures by chance: " + " ".join(str(f["key"][0]) for f in figures), finished(forge, bundle)
    for report in range(3):
        for standing in (None, 0, 1, 2, 3):
            yield f"report {report}, standing {standing}", standing_case(forge, report, standing, rng)


def standing_case(forge, report, standing, rng):
    """The vectors' report and class, as of a round and a standing round."""
    bundle = forge.copy()
    figures = [f for f in bundle["subject"][1]["figures"] if f["key"][0] in (3, 5)]
    for figure in figures:
        if figure["key"][0] == 3:
            value = records.Class.decode(figure["record"]["value"]) | {"standing_round": standing}
            figure["record"]["value"] = records.Class.encode(value)
    second = copy.deepcopy(figures[-1])
    figures[-1]["key"], second["key"] = (5, [report]), (5, [report + 1])
    bundle["subject"][1]["figures"] = figures + ([second] if rng.random() < 0.5 else [])
    return finished(forge, bundle)


def of_titles(forge):
    """A district's name with each control, format and white space character in it and at its ends."""
    odd = [c for c in map(chr, range(0x10000)) if unicodedata.category(c) in ("Cc", "Cf", "Zs", "Zl", "Zp")]
    for title in [*TEXTS[id(Title)], *(name for c in odd for name in (f"a{c}b", f"{c}a", f"a{c}"))]:
        bundle = forge.copy()
        bundle["subject"][1]["figures"] = [{"key": (9, [5]), "record": {
            "value": records.District.encode({"id": 5, "name": title, "admitted": 0, "closed": None}), "proof": {"leaf": None, "siblings": []}}}]
        yield f"title {title!r}", finished(forge, bundle)


def of_acts(forge, rng, count):
    """Transactions and receipts of every kind by chance, signed and in their trees."""
    for _ in range(count):
        bundle = forge.copy()
        act = bundle["subject"][1]["acts"][0]
        body = sample(BodyKind, rng) | {"genesis": forge.genesis["hash"]}
        body["valid_until_height"] = act["height"] + rng.choice((-1, 0, 1, 100))
        forge.set_act(act, body, sample(Receipt.kind, rng) | {"code": rng.choice((0, 0, 101, rng.randrange(256)))})
        index = rng.choice((0, 1, 2, 5))
        act["transaction"]["path"]["index"] = act["receipt"]["path"]["index"] = index
        if rng.random() < 0.1:
            act["receipt"]["path"]["index"] = rng.choice((0, 1, 2))
        yield f"act {body['payload'][0]} by chance", finished(forge, bundle)


def of_optimum(forge, rng, count):
    """Another certificate, which the decision names: what it says of optimum, lottery and prices is what must refuse it."""
    raw = records.CertificateRecord.decode(forge.base["subject"][1]["certificate"]["value"])
    for what, build in some(all_changes(records.Optimum, decode(records.Optimum, raw), rng), rng, count):
        bundle = forge.copy()
        _, subject = bundle["subject"]
        new = records.Optimum.write(build())
        subject["certificate"]["value"] = records.CertificateRecord.encode(new)
        decision = subject["context"]["decision"]
        decision["value"] = records.Decision.encode(
            records.Decision.decode(decision["value"]) | {"certificate_sha256": sha256(new)})
        yield f"optimum{what}", finished(forge, bundle)


def all_forged(number, forge, rng, count):
    families = [of_records, of_rows, of_subject, of_headers, of_certificates]
    if number == 1:
        families.append(of_optimum)
    if number == 6:
        families.append(of_acts if forge.base["subject"][1]["acts"] else of_figures)
    for family in families:
        yield from family(forge, rng, count * 10 if family in (of_acts, of_figures) else count)
    if number == 6 and forge.base["subject"][1]["figures"]:
        yield from of_titles(forge)
