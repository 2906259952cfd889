"""Small rounds by chance, solved by trying every assignment: what a true ledger might show, in shapes no vector has."""

import itertools
from types import SimpleNamespace

import records
from forge import finished
from forge_proofs import grow_round, potentials, prove_bands, rows_of, rule_of, with_our_need
from instance import Instance, shares, weight_of
from keys import sha256
from optimum import Problem, demands, least_prices, ticket
from report import counts_of, price_of_fairness, report_of
from rounds import ROW

FAR = 1 << 40
KINDS = 3


def instance_by_chance(base, rng, number_of_rows):
    """Records and requests, with nothing decided yet."""
    context = base["subject"][1]["context"]
    definition = records.Class.decode(context["class_"]["value"])
    record = records.Round.decode(context["record"]["value"])
    definition["definition"] |= {
        "tier_costs": sorted(rng.randrange(60) for _ in range(3)), "rank_step": rng.randrange(20),
        "waitlist_cost": rng.choice((None, 30, 100, 100, 200))}
    fair = {"penalty": rng.choice((0, 50, 2_000, 20_000)), "min_share_percent": rng.choice((0, 30, 50, 100))}
    record["requests"] = number_of_rows
    record["equity"] = rng.choice((0, 73, 73, 500, 1000))
    record["terms"]["fair_share"] = definition["terms"]["fair_share"] = rng.choice((None, fair))
    schools = {s: {"id": s, "district": s // 10, "school_type": rng.choice(("rural", "urban")), "from_year": 0,
                   "closed_from": None, "described": []} for s in (11, 12, 21, 22)}
    pools = [records.Pool.decode(entry["value"]) for entry in context["pools"]]
    for pool in pools:
        pool |= {"school": rng.choice(list(schools)), "kind": rng.randrange(KINDS), "capacity": rng.randrange(4),
                 "unit_cost_cents": rng.randrange(1, 5)}
        pool["floor"] = rng.choice((0, 0, 0, min(1, pool["capacity"])))
    requests = [{
        "district": home // 10, "home_school": home, "band": rng.randrange(10), "mandate": int(rng.random() < 0.2),
        "kinds": rng.sample(range(KINDS), rng.randrange(1, KINDS + 1)), "state_row": rng.randbytes(32),
        "inputs": [bytes(32)]} for home in rng.choices(list(schools), k=number_of_rows)]
    for i, request in enumerate(requests):
        request["handle"] = rng.randbytes(32)
        # Two districts may have one handle.
        if i and rng.random() < 0.2 and request["district"] != requests[i - 1]["district"]:
            request["handle"] = requests[i - 1]["handle"]
    requests.sort(key=lambda r: (r["handle"], r["district"]))
    return definition, record, schools, pools, requests


def best(problem, lottery=None):
    """Every assignment is tried: the cheapest, and among those the one that the lottery likes best."""
    found, least = [], None
    for nodes in itertools.product(*problem.costs):
        used = problem.used(nodes)
        if not all(f <= u <= c for u, c, f in zip(used, problem.capacity, problem.floor)):
            continue
        if any(w > s.most_waiting for w, s in zip(problem.waiting(nodes), problem.shares)):
            continue
        cost = problem.cost(nodes)
        if least is None or cost < least:
            found, least = [], cost
        if cost == least:
            found.append(list(nodes))
    return min(found, key=lottery) if found and lottery else (found[0] if found else None)


def prices_of(problem, nodes):
    """The least prices that the demands allow, and far below where nothing bounds a price."""
    flat = {"pools": [0] * len(problem.capacity), "schools": [0] * len(problem.shares)}
    edges = list(demands(problem, nodes, flat))
    ends = [*range(len(problem.capacity)), *(("waiting", i) for i in range(len(problem.shares)))]
    found = {None: 0} | {end: -FAR for end in ends}
    for _ in range(len(found) + 1):
        before = dict(found)
        for a, b, slack in edges:
            found[b] = max(found[b], found[a] - slack)
        if before == found:
            break
    else:
        return None
    return {"pools": [found[p] for p in range(len(problem.capacity))],
            "schools": [found["waiting", i] - found[problem.waitlist] for i in range(len(problem.shares))]}


def gap_of(problem, objective, dual):
    return 0 if objective == dual else -(-10**6 * (objective - dual) // (problem.worst() - dual))


def certificate_of(problem, nodes, prices):
    objective, dual = problem.cost(nodes), problem.dual(prices)
    return {"version": 1, "objective": objective, "dual": dual, "gap_ppm": gap_of(problem, objective, dual),
            "prices": prices, "draw": None}


def set_rows(subject, requests):
    rule = rule_of(subject)
    subject["rows"] = [
        {"request": with_our_need(rule, records.Request.encode(r)), "decision": b""} for r in requests]


def round_by_chance(forge, rng, number_of_rows=6):
    """A bundle of a round by chance, or none if its instance has no assignment."""
    bundle = forge.copy()
    _, subject = bundle["subject"]
    context = subject["context"]
    definition, record, schools, pools, requests = instance_by_chance(bundle, rng, number_of_rows)
    instance = Instance(definition["definition"], record, pools, schools)
    try:
        entries = [instance.entries(r) for r in requests]
    except Exception:
        return None
    handles = [r["handle"] for r in requests]
    set_rows(subject, requests)
    write_instance(forge, bundle, definition, record, schools, pools, requests)
    decision = grow_round(forge.genesis["hash"], subject)
    bare = [SimpleNamespace(home=r["home_school"], request=r, handle=h, weight=weight_of(record["equity"], r["band"]))
            for h, r in zip(handles, requests)]
    homes = shares(instance, bare)
    problem = Problem(instance, bare, homes, [{n: c for n, _, _, c in e} for e in entries])
    nodes = best(problem, lambda ns: sum(ticket(decision["seed"], h, n) for h, n in zip(handles, ns)))
    prices = nodes and prices_of(problem, nodes)
    if prices is None:
        return None
    if rng.random() < 0.25:
        prices["pools"] = [y + rng.choice((0, 0, 1, -1, 5)) for y in prices["pools"]]
    decide(subject, instance, entries, nodes, bare)
    grow_round(forge.genesis["hash"], subject)
    certificate = certificate_of(problem, nodes, prices)
    exact = certificate["gap_ppm"] == 0
    if exact:
        certificate["draw"] = potentials(problem, bare, nodes, prices, decision["seed"])
    publish(forge, bundle, (instance, schools, homes), problem, nodes, certificate, rng)
    return finished(forge, bundle)


def write_instance(forge, bundle, definition, record, schools, pools, requests):
    _, subject = bundle["subject"]
    context = subject["context"]
    context["class_"]["value"] = records.Class.encode(definition)
    context["record"]["value"] = records.Round.encode(record)
    for entry, pool in zip(context["pools"], pools):
        entry["value"] = records.Pool.encode(pool)
    named = sorted({p["school"] for p in pools} | {r["home_school"] for r in requests})
    context["schools"] = [
        {"value": records.School.encode(schools[s]), "proof": {"leaf": None, "siblings": []}} for s in named]
    due = {}
    for pool in pools:
        due[pool["funder"]] = due.get(pool["funder"], 0) + pool["capacity"] * pool["unit_cost_cents"]
    for entry in subject["budgets"]:
        budget = records.Budget.decode(entry["value"])
        entry["value"] = records.Budget.encode(budget | {"charged_cents": due[budget["funder"]]})
    rows = [r["request"] for r in subject["rows"]]
    subject["bands"] = [{"entries": [(ROW, [i]) for i in range(len(rows))], "proof": prove_bands(
        forge.genesis["hash"], context["round"], rule_of(subject), rows)}]


def decide(subject, instance, entries, nodes, bare):
    for row, options, node, one in zip(subject["rows"], entries, nodes, bare):
        _, rank, tier, cost = next(e for e in options if e[0] == node)
        placed = (0, []) if node == instance.waitlist else (
            1, {"pool": instance.pools[node]["pool"], "rank": rank, "tier": tier})
        row["decision"] = records.Placement.encode({"placement": placed, "weight": one.weight, "cost": cost})


def publish(forge, bundle, where, problem, nodes, certificate, rng):
    """Decision, certificate, the round at equity 0 and the report, from everything before."""
    instance, schools, homes = where
    _, subject = bundle["subject"]
    context = subject["context"]
    rows = rows_of(instance, subject)
    decision = records.Decision.decode(context["decision"]["value"])
    prices, used = certificate["prices"], problem.used(nodes)
    published = [None] * len(instance.pools)
    if certificate["gap_ppm"] == 0:
        try:
            published = least_prices(problem, nodes, prices)
        except Exception:
            published = prices["pools"]
    raw = records.Optimum.write(certificate)
    decision |= {name: certificate[name] for name in ("objective", "dual", "gap_ppm")}
    decision |= {
        "certificate_sha256": sha256(raw), "report": counts_of(instance, rows),
        "prices": [{"pool": p["pool"], "price": y, "used": u} for p, y, u in zip(instance.pools, published, used)],
        "school_prices": [{"school": s.school, "price": prices["pools"][problem.waitlist] + mu}
                          for s, mu in zip(homes, prices["schools"])]}
    context["decision"]["value"] = records.Decision.encode(decision)
    subject["certificate"]["value"] = records.CertificateRecord.encode(raw)
    plain_problem = Problem(instance, rows, homes, [{n: c // row.weight for n, _, _, c in row.entries} for row in rows])
    solved, fairness = best(plain_problem), None
    if rng.random() < 0.2:
        solved = None
    if solved:
        plain = certificate_of(plain_problem, solved, prices_of(plain_problem, solved))
        fairness = price_of_fairness(plain_problem, nodes, plain["objective"])
        solved = {"assignment": solved, "certificate": plain}
    subject["plain"]["value"] = records.Plain.encode(solved)
    shown = SimpleNamespace(decision=decision, instance=instance, pools=instance.pools, schools=schools)
    subject["report"]["value"] = records.Report.encode(report_of(shown, rows, fairness, rng.choice((1, 1, 2, 3, 10))))
