#!/usr/bin/env python3
"""Judges every file of zk/vectors with this program's own arithmetic; exit code 1 if one is judged otherwise."""

import json
import pathlib
import sys

import zk
from codec import Invalid
from ristretto import commit, scalar

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "zk" / "vectors"


def load(name):
    return json.loads((FOLDER / name).read_text())


def holds(check, *arguments):
    try:
        check(*arguments)
        return True
    except Invalid:
        return False


def context_of(case):
    (moment, at), = case["context"]["moment"].items()
    return zk.Context(bytes.fromhex(case["context"]["genesis"]), moment, at, case["context"]["field"])


def claim_of(claim):
    bound, (subject, point) = claim["bound"], (bytes.fromhex(claim[k]) for k in ("subject", "commitment"))
    if "need_in_band" in bound:
        low = 256 * bound["need_in_band"]
        return zk.Claim(subject, "need-band", low, low + 255, point)
    if "above" in bound:
        return zk.Claim(subject, "above", bound["above"] + 1, bound["cap"], point)
    if "below" in bound:
        return zk.Claim(subject, "below", 0, bound["below"] - 1, point)
    if "within" in bound:
        return zk.Claim(subject, "within", 0, bound["within"], point)
    return zk.Claim(subject, "floor", bound["floor"], None, point, bytes.fromhex(bound["weight"]))


def judged():
    for case in load("commitments.json"):
        made = commit(case["value"], scalar(bytes.fromhex(case["blinding"])))
        yield "commitment", made == bytes.fromhex(case["commitment"])
    for group, points in load("refused_points.json")["refused"].items():
        for point in points:
            yield group, not holds(zk.committed, bytes.fromhex(point))
    for case in load("range_proofs.json"):
        claims = [claim_of(c) for c in case["claims"]]
        found = holds(zk.check_range, context_of(case), claims, bytes.fromhex(case["proof"]))
        yield case["name"], found == case["valid"]
    rule = load("need_rule.json")
    for case in rule["flags"]:
        found = holds(zk.check_flag, context_of(case), *(bytes.fromhex(case[k]) for k in ("subject", "commitment", "proof")))
        yield "flag", found == case["valid"]
    form = rule["derived"]
    weights = {"constant": form["constant"], "inputs": [{"weight": weight} for weight in form["weights"]]}
    yield "derived", zk.derived(weights, [bytes.fromhex(c) for c in form["inputs"]]) == bytes.fromhex(form["commitment"])
    schnorr = load("schnorr.json")
    case = schnorr["sum"]
    terms = [tuple(bytes.fromhex(t[k]) for k in ("subject", "commitment")) for t in case["terms"]]
    yield "sum", holds(zk.check_sum, context_of(case), case["total"], terms, bytes.fromhex(case["proof"]))
    case = schnorr["values"]
    terms = [(*(bytes.fromhex(t[k]) for k in ("subject", "commitment")), v) for t, v in zip(case["terms"], case["values"])]
    yield "values", holds(zk.check_values, context_of(case), terms, bytes.fromhex(case["proof"]))
    moved = [(subject, commitment, value + (at == 1) - (at == 0)) for at, (subject, commitment, value) in enumerate(terms)]
    yield "values, one moved", not holds(zk.check_values, context_of(case), moved, bytes.fromhex(case["proof"]))
    case = schnorr["equality"]
    yield "equality", holds(
        zk.check_equality, context_of(case), *(bytes.fromhex(case[k]) for k in ("subject", "left", "right", "proof")))


def main():
    results = list(judged())
    wrong = [name for name, right in results if not right]
    print(f"zk/vectors: {len(results)} judged, {len(wrong)} otherwise than they say", *wrong)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
