"""Stated budgets and floors. EVIDENCE.md, sections 7 and 9."""

import zk
from codec import need
from records import Budget, Class, Decision, Pool, StatedBudget, StatedEquity
from schema import ascending

GROUP = 8


def budget(state, shown):
    record, statement = opened(state, shown)
    check_amounts(state, statement)
    need(statement["total_cents"] <= record["funded_cents"], "more stated than funded")
    floor(state, shown, statement)


def charged(state, shown):
    record, statement = opened(state, shown["budget"])
    pools = charged_pools(state, shown)
    now = sums(pool for pool in pools if pool["retired"] is None)
    need(sum(now.values()) == record["charged_cents"], "other pools than the budget is charged for")
    then = charged_at(pools, statement["as_of"])
    need(sum(then.values()) == statement["total_cents"], "another sum than the pools were charged")
    lines = statement["lines"]
    need(ascending([line["school"] for line in lines]), "lines that do not strictly ascend")
    need(set(then) <= {line["school"] for line in lines}, "a school that was charged has no line")
    context = zk.Context(state.genesis["hash"], "height", statement["as_of"], field_name("charged", statement))
    need(not statement["ranges"], "ranges of amounts that are public")
    zk.check_values(
        context, [(subject(line["school"]), line["amount"], then.get(line["school"], 0)) for line in lines],
        statement["schnorr"])
    floor(state, shown["budget"], statement)


def charged_pools(state, shown):
    funder, year = shown["budget"]["funder"], shown["budget"]["school_year"]
    need(ascending([one["class_"] for one in shown["classes"]]), "classes that do not strictly ascend")
    pools = []
    for one in shown["classes"]:
        class_ = state.record(Class, one["record"], "class/", (one["class_"], 2))
        definition = class_["definition"]
        need((definition["class_"], definition["school_year"]) == (one["class_"], year), "a class of another year")
        need(one["pools"] and ascending([number for number, _ in one["pools"]]), "pools that do not strictly ascend")
        for number, record in one["pools"]:
            pool = state.record(Pool, record, "pool/", (one["class_"], 2), (number, 4),
                                class_=one["class_"], pool=number, funder=funder)
            need(pool["capacity"] * pool["unit_cost_cents"] > 0, "a pool that costs nothing")
            pools.append(pool)
    return pools


def charged_at(pools, height):
    return sums(pool for pool in pools if pool["defined"] <= height and (pool["retired"] is None or pool["retired"] > height))


def sums(pools):
    by_school = {}
    for pool in pools:
        by_school[pool["school"]] = by_school.get(pool["school"], 0) + pool["capacity"] * pool["unit_cost_cents"]
    return by_school


def opened(state, shown):
    funder, year = shown["funder"], shown["school_year"]
    names = {"funder": funder, "school_year": year}
    record = state.record(Budget, shown["budget"], "budget/", funder, (year, 2), **names)
    need(record["charged_cents"] <= record["funded_cents"], "more charged than funded")
    statement = state.record(StatedBudget, shown["statement"], "stated_budget/", funder, (year, 2), **names)
    need(statement["as_of"] < statement["stated"] <= state.head["height"], "a statement at a wrong height")
    return record, statement


def floor(state, shown, statement):
    funder, year = shown["funder"], shown["school_year"]
    names = {"funder": funder, "school_year": year}
    case, fields = shown["floor"]
    if case == 1:
        state.nothing(fields, "stated_equity/", funder, (year, 2))
        return
    equity = state.record(StatedEquity, fields["statement"], "stated_equity/", funder, (year, 2), **names)
    decision = state.record(
        Decision, fields["decision"], "decision/", (equity["round"], 4), round=equity["round"])
    need(equity["budget_stated"] <= equity["stated"] <= state.head["height"], "a floor at a wrong height")
    need(decision["height"] <= equity["stated"], "a floor stated before its round's decision")
    if equity["budget_stated"] == statement["stated"]:
        check_floors(state, statement, equity)


def subject(school):
    return bytes(28) + school.to_bytes(4, "big")


def field_name(text, record):
    return f"{text}/{record['funder'].hex()}/{record['school_year']}"


def check_amounts(state, statement):
    context = zk.Context(state.genesis["hash"], "height", statement["as_of"], field_name("budget", statement))
    lines = statement["lines"]
    claims = [zk.Claim(subject(line["school"]), "within", 0, 2**32 - 1, line["amount"]) for line in lines]
    check_groups(context, claims, statement["ranges"])
    zk.check_sum(
        context, statement["total_cents"], [(subject(line["school"]), line["amount"]) for line in lines],
        statement["schnorr"])


def check_floors(state, statement, equity):
    context = zk.Context(state.genesis["hash"], "round", equity["round"], field_name("floor", equity))
    lines, weights = statement["lines"], equity["weights"]
    need(len(lines) == len(weights), "not as many weights as lines")
    claims = [
        zk.Claim(subject(line["school"]), "floor", equity["floor_cents"], None, line["amount"], weight)
        for line, weight in zip(lines, weights)]
    check_groups(context, claims, equity["proofs"])


def check_groups(context, claims, proofs):
    groups = [claims[at:at + GROUP] for at in range(0, len(claims), GROUP)]
    need(len(groups) == len(proofs), "more proofs than groups, or fewer")
    for group, proof in zip(groups, proofs):
        zk.check_range(context, group, proof)
