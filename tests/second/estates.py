"""Anchored buildings. EVIDENCE.md, section 9."""

import records
from codec import need
from keys import sha256
from merkle import check_path, row_leaf


def texts_of(row):
    """The texts of a row, each after its length."""
    need(len(row) <= 65_536, "a row that is too long")
    texts = []
    while row:
        need(len(row) >= 4, "a row that is cut")
        length = int.from_bytes(row[:4], "little")
        need(len(row) >= 4 + length, "a row that is cut")
        try:
            texts.append(row[4:4 + length].decode())
        except UnicodeDecodeError:
            need(False, "a row's text that is no UTF-8")
        row = row[4 + length:]
    need(len(texts) >= 2, "a row without kind and id")
    return texts


def row_key(row):
    parts = ["aula estate row 1", *texts_of(row)[:2]]
    return sha256(b"".join(len(p.encode()).to_bytes(4, "little") + p.encode() for p in parts))


def estate(state, shown):
    district = shown["district"]
    record = state.record(records.Estate, shown["estate"], "estate/", (district, 2), district=district)
    if shown["shown"] is None:
        return
    building, row, path = shown["shown"]["building"], shown["shown"]["row"], shown["shown"]["path"]
    heads = [b["head"] for b in record["buildings"] if b["building"] == building]
    need(heads, "a row of a building that is not anchored")
    check_path(heads[0], row_leaf(row_key(row), row), path)
