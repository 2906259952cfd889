"""The twins' parameters: bytes, and the rules of the genesis file. EVIDENCE.md, section 5."""

import re

from codec import Choice, List, Number, Option, Struct, Tuple
from schema import Hash, Name, i32, is_name, u8, u16, u32, u64

SHARES = {
    "thresholds": ("mastery_gate_e4", "engagement_low_e4", "utilisation_low_e4", "support_below_e4"),
    "rates": ("session_e4", "sentiment_e4", "absence_e4", "trend_e4", "attendance_e4", "utilisation_e4"),
}
NEED_MAX = 2_559
GREATEST = {"flag": 1, "position": 255}

Input = Struct(
    name=Name, kind=Number(1, 0, 1), source=Choice({0: Tuple(u16), 1: Tuple(u16), 2: Tuple(), 3: Tuple()}), weight=i32,
    unrecorded=u8)
NeedRule = Struct(constant=i32, inputs=List(Input))
TwinParameters = Struct(
    thresholds=Struct(
        mastery_gate_e4=u16, engagement_low_e4=u16, engagement_low_ms=u64, utilisation_low_e4=u16, support_below_e4=u16),
    rates=Struct(**{name: u16 for name in SHARES["rates"]}),
    assessment_noise_e6=u32, scales=List(Struct(skill=u16, grade=u8, mean_e1=u32, deviation_e1=u32)),
    kinds=List(Struct(kind=u16, subject=Option(u16))), need=NeedRule, skill_graph=Option(Hash), model=Hash)


def check_file(given, tools):
    """The member `twin` of a genesis file, under the same rules as a vote."""
    members_of, number, text, rule, items = tools
    members_of(given, (), ("thresholds", "rates", "assessment_noise_e6", "scales", "kinds", "need", "skill_graph", "model"))
    for part, names in SHARES.items():
        if part in given:
            more = ("engagement_low_ms",) if part == "thresholds" else ()
            members_of(given[part], names + more)
            for name in names:
                rule(number(given[part][name], 16) <= 10_000, "a share above the whole")
            for name in more:
                number(given[part][name], 64)
    rule(number(given.get("assessment_noise_e6", 0), 32) <= 100_000_000, "a variance too high")
    scales = [check_scale(one, members_of, number, rule) for one in items(given.get("scales", []))]
    rule(len(scales) <= 2_048 and all(a < b for a, b in zip(scales, scales[1:])), "scales out of order")
    kinds = [check_kind(one, members_of, number) for one in items(given.get("kinds", []))]
    rule(len(kinds) <= 32 and all(a < b for a, b in zip(kinds, kinds[1:])), "kinds out of order")
    for name in ("skill_graph", "model"):
        if given.get(name) is not None or (name == "model" and name in given):
            text(given[name], lambda v: re.fullmatch("[0-9a-fA-F]{64}", v))
    if "need" in given:
        check_need(given["need"], tools)


def check_scale(one, members_of, number, rule):
    members_of(one, ("skill", "grade", "mean_e1", "deviation_e1"))
    number(one["mean_e1"], 32)
    rule(number(one["deviation_e1"], 32) > 0, "a scale without spread")
    return number(one["skill"], 16), number(one["grade"], 8)


def check_kind(one, members_of, number):
    members_of(one, ("kind",), ("subject",))
    if one.get("subject") is not None:
        number(one["subject"], 16)
    return number(one["kind"], 16)


def is_source(value):
    if value in ("engagement", "attendance"):
        return True
    known = re.fullmatch("recorded/(0|[1-9][0-9]{0,4})|skill/([0-9]{5})", value)
    return known is not None and int(known[1] or known[2]) < 1 << 16


def check_need(need, tools):
    members_of, number, text, rule, items = tools
    members_of(need, ("constant", "inputs"))
    low = high = signed(need["constant"], rule)
    names, weights = set(), []
    for one in items(need["inputs"]):
        members_of(one, ("name", "kind", "source", "weight"), ("unrecorded",))
        names.add(text(one["name"], is_name))
        kind = text(one["kind"], lambda v: v in GREATEST)
        source = text(one["source"], is_source)
        rule(kind == "position" or source.startswith("recorded/"), "a flag that is not recorded")
        rule(number(one.get("unrecorded", 0), 8) <= GREATEST[kind], "a value beyond its input's range")
        weights.append(signed(one["weight"], rule))
        low += min(0, weights[-1] * GREATEST[kind])
        high += max(0, weights[-1] * GREATEST[kind])
    rule(1 <= len(weights) <= 6 and len(names) == len(weights) and any(weights), "inputs of the need rule")
    rule(low >= 0 and high <= NEED_MAX, "a need rule that leaves its scale")


def signed(value, rule):
    rule(type(value) is int and -(1 << 31) <= value < 1 << 31, "a number out of range")
    return value
