"""Stated budgets and floors. EVIDENCE.md, sections 7 and 9."""

import zk
from codec import need
from records import Budget, Decision, StatedBudget, StatedEquity

GROUP = 8


def budget(state, shown):
    funder, year = shown["funder"], shown["school_year"]
    names = {"funder": funder, "school_year": year}
    record = state.record(Budget, shown["budget"], "budget/", funder, (year, 2), **names)
    need(record["charged_cents"] <= record["funded_cents"], "more charged than funded")
    statement = state.record(StatedBudget, shown["statement"], "stated_budget/", funder, (year, 2), **names)
    need(statement["as_of"] < statement["stated"] <= state.head["height"], "a statement at a wrong height")
    check_amounts(state, statement)
    need(statement["total_cents"] <= record["funded_cents"], "more stated than funded")
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
