"""For `forge`: commitments of our own, with their proofs, and a lottery drawn anew, because both name the genesis."""

import budgets
import records
import zk
from codec import decode
from instance import Instance, Row, shares
from keys import labelled, sha256
from optimum import Problem, ticket
from prove import blinding_of, commitment, prove_range, prove_sum, prove_values
from rounds import ROW, head_of, seed_commitment, statements



def move_budget(genesis_hash, subject):
    """Amounts that share the total evenly, and weights as great as the floor allows."""
    statement = records.StatedBudget.decode(subject["statement"]["value"])
    lines, total = statement["lines"], statement["total_cents"]
    amounts = [total // len(lines)] * len(lines)
    amounts[0] += total - sum(amounts)
    names = [b"amount %d" % line["school"] for line in lines]
    for line, amount, name in zip(lines, amounts, names):
        line["amount"] = commitment(amount, name)
    context = zk.Context(genesis_hash, "height", statement["as_of"], budgets.field_name("budget", statement))
    claims = [zk.Claim(budgets.subject(line["school"]), "within", 0, 2**32 - 1, line["amount"]) for line in lines]
    openings = [(amount, blinding_of(name)) for amount, name in zip(amounts, names)]
    statement["ranges"] = in_groups(context, claims, openings)
    terms = [(claim.subject, claim.commitment) for claim in claims]
    statement["schnorr"] = prove_sum(context, total, terms, sum(blinding for _, blinding in openings))
    subject["statement"]["value"] = records.StatedBudget.encode(statement)
    if subject["floor"][0] == 2:
        move_floor(genesis_hash, subject["floor"][1]["statement"], claims, openings)


def move_charged(genesis_hash, subject):
    """What the pools were charged, in commitments of ours."""
    budget = subject["budget"]
    statement = records.StatedBudget.decode(budget["statement"]["value"])
    pools = [records.Pool.decode(record["value"]) for one in subject["classes"] for _, record in one["pools"]]
    charged = budgets.charged_at(pools, statement["as_of"])
    claims, openings, terms = [], [], []
    for line in statement["lines"]:
        name, value = b"amount %d" % line["school"], charged.get(line["school"], 0)
        line["amount"] = commitment(value, name)
        claims.append(zk.Claim(budgets.subject(line["school"]), "within", 0, 2**32 - 1, line["amount"]))
        openings.append((value, blinding_of(name)))
        terms.append((claims[-1].subject, line["amount"], value))
    context = zk.Context(genesis_hash, "height", statement["as_of"], budgets.field_name("charged", statement))
    statement["schnorr"] = prove_values(context, terms, [blinding for _, blinding in openings])
    budget["statement"]["value"] = records.StatedBudget.encode(statement)
    if budget["floor"][0] == 2:
        move_floor(genesis_hash, budget["floor"][1]["statement"], claims, openings)


def move_floor(genesis_hash, proved, claims, openings):
    equity = records.StatedEquity.decode(proved["value"])
    factor = equity["floor_cents"]
    weights = [amount // factor if factor else 1 for amount, _ in openings]
    names = [b"weight " + claim.subject for claim in claims]
    equity["weights"] = [commitment(weight, name) for weight, name in zip(weights, names)]
    context = zk.Context(genesis_hash, "round", equity["round"], budgets.field_name("floor", equity))
    floors = [zk.Claim(c.subject, "floor", factor, None, c.commitment, w) for c, w in zip(claims, equity["weights"])]
    above = [(amount - factor * weight, blinding - factor * blinding_of(name))
             for (amount, blinding), weight, name in zip(openings, weights, names)]
    equity["proofs"] = in_groups(context, floors, above)
    proved["value"] = records.StatedEquity.encode(equity)


def in_groups(context, claims, openings):
    return [prove_range(context, claims[at:at + budgets.GROUP], openings[at:at + budgets.GROUP], at)
            for at in range(0, len(claims), budgets.GROUP)]


# Inputs, and the bands of the needs that they give.

def our_value(rule, band):
    """A value of the rule's one input whose need lies in the band: the pinned chains' rule has one position."""
    (only,) = rule["inputs"]
    return next(v for v in range(256) if (rule["constant"] + v * only["weight"]) // 256 == band)


def with_our_need(rule, raw):
    request = records.Request.decode(raw)
    ours = commitment(our_value(rule, request["band"]), request["handle"])
    return records.Request.encode(request | {"inputs": [ours]})


def prove_bands(genesis_hash, round_, rule, rows):
    """The proofs over the bytes of requests."""
    requests = [records.Request.decode(raw) for raw in rows]
    (weight,) = (one["weight"] for one in rule["inputs"])
    values = [our_value(rule, r["band"]) for r in requests]
    blindings = [blinding_of(r["handle"]) for r in requests]
    above = [(rule["constant"] + weight * v - 256 * r["band"], weight * blinding)
             for v, r, blinding in zip(values, requests, blindings)]
    ranges, _ = statements(rule, [(r["handle"], r) for r in requests])
    proved = [prove_range(zk.Context(genesis_hash, "round", round_, field), claims, openings)
              for (field, claims), openings in zip(ranges, (list(zip(values, blindings)), above))]
    return {"ranges": proved, "flags": []}


def refused_by_us(rule, entry):
    """A refused entry with an input of ours, as the request that it might have been."""
    entry["inputs"] = [commitment(our_value(rule, entry["band"]), entry["handle"])]
    return records.Request.encode(entry | {
        "district": 0, "home_school": 0, "mandate": 0, "kinds": [], "state_row": bytes(32)})


def rule_of(subject):
    return records.TwinVersion.decode(subject["context"]["twin"]["value"])["parameters"]["need"]


def move_round(genesis_hash, subject):
    rows, number, rule = subject["rows"], subject["context"]["round"], rule_of(subject)
    for row in rows:
        row["request"] = with_our_need(rule, row["request"])
    for group in subject["bands"]:
        group["proof"] = prove_bands(
            genesis_hash, number, rule, [
                rows[entry[0]]["request"] if case == ROW else refused_by_us(rule, entry)
                for case, entry in group["entries"]])
    for attempt in range(1_000):
        if draw_anew(genesis_hash, subject, attempt):
            return
    raise AssertionError("no seed found that draws these places")


def grow_round(genesis_hash, subject):
    """Trees, heads and seed over the rows as they are."""
    context = subject["context"]
    decision = records.Decision.decode(context["decision"]["value"])
    requests = [records.Request.decode(row["request"]) for row in subject["rows"]]
    for name, tree in (("request", "requests"), ("decision", "decisions")):
        decision[tree] = head_of(requests, [row[name] for row in subject["rows"]])
        value = records.Tree.decode(context[tree]["value"]) | {"head": decision[tree]}
        context[tree]["value"] = records.Tree.encode(value)
    found = [records.SeedShare.decode(entry["value"]) for entry in subject["shares"]]
    secrets = b"".join(share["account"] + share["secret"] for share in found if share["secret"])
    number = decision["seed_round"].to_bytes(4, "little")
    decision["seed"] = labelled("round-seed", genesis_hash + number + decision["requests"]["root"] + secrets)
    context["decision"]["value"] = records.Decision.encode(decision)
    return decision


# The lottery: the places stay, the seed is sought that draws them.

def draw_anew(genesis_hash, subject, attempt):
    context = subject["context"]
    certificate = decode(records.Optimum, records.CertificateRecord.decode(subject["certificate"]["value"]))
    decision = records.Decision.decode(context["decision"]["value"])
    for entry in subject["shares"]:
        share = records.SeedShare.decode(entry["value"])
        if share["secret"]:
            share["secret"] = sha256(b"second secret %d" % attempt)
            share["commitment"] = seed_commitment(
                decision["seed_round"], decision["attempt"], share["account"], share["secret"])
            entry["value"] = records.SeedShare.encode(share)
    decision = grow_round(genesis_hash, subject)
    if certificate["draw"] is None:
        return True
    certificate["draw"] = draw(subject, decision, certificate["prices"])
    if certificate["draw"] is None:
        return False
    raw = records.Optimum.write(certificate)
    subject["certificate"]["value"] = records.CertificateRecord.encode(raw)
    decision["certificate_sha256"] = sha256(raw)
    context["decision"]["value"] = records.Decision.encode(decision)
    return True


def draw(subject, decision, prices):
    """Prices that prove the places to be the lottery's, or none."""
    context = subject["context"]
    definition = records.Class.decode(context["class_"]["value"])["definition"]
    pools = [p for p in (records.Pool.decode(entry["value"]) for entry in context["pools"])
             if p["defined"] < decision["height"] and (p["retired"] is None or p["retired"] >= decision["height"])]
    schools = {s["id"]: s for s in (records.School.decode(entry["value"]) for entry in context["schools"])}
    instance = Instance(definition, records.Round.decode(context["record"]["value"]), pools, schools)
    rows = rows_of(instance, subject)
    problem = Problem(instance, rows, shares(instance, rows), [{n: c for n, _, _, c in row.entries} for row in rows])
    return potentials(problem, rows, [row.node for row in rows], prices, decision["seed"])


def rows_of(instance, subject):
    requests = [records.Request.decode(row["request"]) for row in subject["rows"]]
    return [Row(instance, request["handle"], request, records.Placement.decode(row["decision"]))
            for request, row in zip(requests, subject["rows"])]


def bounds(problem, rows, nodes, prices, seed):
    """What binds the draw's prices, as (a, b, most): price a − price b is at most that. "zero" is 0."""
    def at(i, node):
        return ("school", problem.share_of[i]) if problem.shares and node == problem.waitlist else node

    for i, row in enumerate(rows):
        reduced = {node: c + problem.priced(i, node, prices) for node, c in problem.costs[i].items()}
        for node, cost in reduced.items():
            if cost == min(reduced.values()):
                yield at(i, nodes[i]), at(i, node), ticket(seed, row.handle, node) - ticket(seed, row.handle, nodes[i])
    used, waiting = problem.used(nodes), problem.waiting(nodes)
    for node, (y, capacity, floor) in enumerate(zip(prices["pools"], problem.capacity, problem.floor)):
        if used[node] < (floor if y < 0 else capacity):
            yield node, "zero", 0
        if used[node] > (capacity if y > 0 else floor):
            yield "zero", node, 0
    for i, (share, mu) in enumerate(zip(problem.shares, prices["schools"])):
        _, low, high = share.least_of(mu)
        if waiting[i] < high:
            yield ("school", i), problem.waitlist, 0
        if waiting[i] > low:
            yield problem.waitlist, ("school", i), 0


def potentials(problem, rows, nodes, prices, seed):
    edges = list(bounds(problem, rows, nodes, prices, seed))
    count, homes = len(problem.capacity), range(len(problem.shares))
    found = {node: 0 for node in ["zero", *range(count), *(("school", i) for i in homes)]}
    for _ in range(len(found) + 1):
        before = dict(found)
        for a, b, most in edges:
            found[a] = min(found[a], found[b] + most)
        if found == before:
            base = found["zero"]
            pools = [found[node] - base for node in range(count)]
            schools = [found["school", i] - found[problem.waitlist] for i in homes]
            total = sum(ticket(seed, row.handle, node) for row, node in zip(rows, nodes))
            return {"ticket_sum": total, "prices": {"pools": pools, "schools": schools}}
    return None
