"""Students, access logs. EVIDENCE.md, section 9."""

from codec import Tuple, decode, need
from keys import labelled, sha256
from merkle import check_absent, check_path, check_present, row_leaf
from records import AccessLog, LogEntry, MilestoneRecord, StudentRow, key
from ristretto import commit, scalar
from schema import Number, u8, u16, u32

i16 = Number(2, signed=True)


def student(state, shown):
    district, year, handle = shown["district"], shown["school_year"], shown["handle"]
    case, fields = shown["shown"]
    label = f"students/{district}/{year}"
    if case == 3:
        state.nothing(fields, "tree/" + label)
        return
    head = state.tree(fields["tree"], label)
    if case == 2:
        check_absent(head, handle, fields["before"], fields["after"])
        return
    row = fields["row"]["row"]
    leaf = StudentRow.decode(row)
    check_path(head, row_leaf(handle, row), fields["row"]["path"])
    need(leaf["anchored"] <= state.head["height"], "a leaf anchored above the head")
    committed = [(c["field"], c["commitment"]) for c in leaf["commitments"]]
    need(all(a[0] < b[0] for a, b in zip(committed, committed[1:])), "commitments that do not strictly ascend")
    if fields["opened"] is not None:
        named = {f"input/{at}": c for at, c in enumerate(leaf["inputs"])}
        named |= {field_name(f): c for f, c in committed if f[0] != 4}
        check_opened(leaf["state_hash"], named, fields["opened"])


def field_name(field):
    number, rest = field
    return ("need", "engagement", "attendance")[number] if number < 3 else f"skill/{rest[0]:05d}"


def check_opened(root, committed, opened):
    need(opened, "no opened field")
    names = [o["field"].encode() for o in opened]
    need(all(a < b for a, b in zip(names, names[1:])), "opened fields that do not strictly ascend")
    for field in opened:
        name = field["field"]
        place = labelled("student-field", name.encode())
        value_hash = labelled("student-value", field["salt"] + field["value"])
        check_present(root, place, value_hash, {
            "leaf": {"key": place, "value": value_hash}, "siblings": field["siblings"]})
        need((field["blinding"] is not None) == (name in committed), "a blinding where none belongs, or none")
        if name in committed:
            blinding = scalar(field["blinding"])
            need(commit(number_of(name, field["value"]), blinding) == committed[name],
                 "a value that the leaf does not commit to")


def number_of(name, value):
    """The number a field's value commits to."""
    if name.startswith("input/"):
        return decode(u8, value)
    if name == "need":
        return decode(u16, value)
    if name == "engagement":
        return decode(Tuple(u16, i16), value)[0]
    if name == "attendance":
        return decode(Tuple(u32, u32, u32, u32, u16), value)[4]
    return decode(Tuple(u16, u16, u8), value)[0]


def access(state, shown):
    district = shown["district"]
    log = state.record(AccessLog, shown["log"], "access_log/", (district, 2), district=district)
    if shown["listed"] is None:
        return
    raw, path = shown["listed"]["entry"], shown["listed"]["path"]
    entry = LogEntry.decode(raw)
    need(entry["genesis"] == state.genesis["hash"], "an entry of another ledger")
    need(entry["district"] == district, "an entry of another district")
    need(entry["number"] == path["index"], "an entry whose number is not its place")
    check_path(log["head"], raw, path)


def milestone(state, shown):
    """A milestone stands until a later record corrects it."""
    place = ((shown["district"], 2), shown["handle"], (shown["number"], 2))
    record = state.record(
        MilestoneRecord, shown["record"], "milestone/", *place,
        district=shown["district"], handle=shown["handle"], number=shown["number"])
    need(record["recorded"] <= state.head["height"], "a milestone above the head")
    case, fields = shown["superseded"]
    if case == 1:
        state.nothing(fields, "superseded/", *place)
        return "stands"
    mark = labelled("state-key", key("superseded/", *place))
    check_present(state.root, mark, sha256(fields["value"]), fields["proof"])
    need(len(fields["value"]) == 2, "a correction's mark that is not a number")
    return "replaced"
