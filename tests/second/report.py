"""The decision's counts and the round's public report. EVIDENCE.md, section 12."""

PPM = 10**6
CHOICES = ("students", "first_choice", "waitlisted")


def counts_of(instance, rows):
    """`decision.report`."""
    placed = [row for row in rows if row.node != instance.waitlist]
    tiers, first = [0, 0, 0], 0
    bands = [{"requests": 0, "placed": 0, "first_choice": 0} for _ in range(10)]
    for row in rows:
        band = bands[row.request["band"]]
        band["requests"] += 1
        if row.node == instance.waitlist:
            continue
        given = row.decision["placement"][1]
        tiers[given["tier"]] += 1
        band["placed"] += 1
        band["first_choice"] += given["rank"] == 0
        first += given["rank"] == 0
    return {
        "requests": len(rows), "placed": len(placed), "waitlisted": len(rows) - len(placed), "first_choice": first,
        "by_tier": tiers, "mandated": sum(row.request["mandate"] for row in rows),
        "mandates_met": sum(row.request["mandate"] for row in placed), "by_band": bands}


class Measure:
    """A row with what the report measures of it."""

    def __init__(self, row, waitlist):
        self.row, costs = row, {node: cost for node, _, _, cost in row.entries}
        best, worst = min(costs.values()), max(costs.values())
        self.costs, self.is_best = costs, row.cost == best
        self.waits = row.node == waitlist
        self.utility = 10**4 if worst == best else 10**4 * (worst - row.cost) // (worst - best)


def small(count, least):
    return 0 < count < least


def report_of(context, rows, plain, m):
    decision, waitlist = context.decision, context.instance.waitlist
    measures = [Measure(row, waitlist) for row in rows]
    n = len(rows)
    def shown(count):
        return None if small(count, m) or small(n - count, m) else count
    held = [x for x in measures if waitlist is not None and waitlist not in x.costs]
    by_band = groups(measures, lambda x: x.row.request["band"], m, False)
    by_district = groups(measures, lambda x: context.schools[x.row.home]["district"], m, False)
    by_school = school_groups(context, measures, by_district, m)
    totals, by_tier = totals_of(decision["report"], m)
    return {
        "class_": decision["class_"], "min_cell_students": m, "fairness_work": decision["max_work"] // 4,
        "students": None if small(n, m) else n, "mandates": shown(len(held)),
        "mandates_met": int(not any(x.waits for x in held)), "gini_ppm": gini(measures),
        "bottom_decile_utility_e4": bottom_decile(measures, m),
        "justified_envy_pairs": envy(measures, m),
        "price_of_fairness_ppm": plain, "by_band": by_band, "by_school": by_school, "by_district": by_district,
        "pools": [{"pool": pool["pool"], "demand": shown(sum(node in x.costs for x in measures))}
                  for node, pool in enumerate(context.pools)],
        "objective": decision["objective"], "dual": decision["dual"], "gap_ppm": decision["gap_ppm"],
        "totals": totals, "by_tier": by_tier, "prices": prices_of(decision["prices"], m),
    }


def gini(measures):
    placed, weights = {}, {}
    for x in measures:
        weights[x.row.home] = weights.get(x.row.home, 0) + x.row.weight
        placed[x.row.home] = placed.get(x.row.home, 0) + (not x.waits)
    homes = sorted(weights)
    below = sum(placed.values()) * sum(weights.values())
    if not below:
        return 0
    return PPM * sum(abs(placed[a] * weights[b] - placed[b] * weights[a])
                     for i, a in enumerate(homes) for b in homes[i + 1:]) // below


def bottom_decile(measures, m):
    count = -(-len(measures) // 10)
    if not count or count < m:
        return None
    return sum(sorted(x.utility for x in measures)[:count]) // count


def envy(measures, m):
    """Pairs of a row and a cheaper entry of it that holds somebody of lower weight."""
    lightest = {}
    for x in measures:
        lightest[x.row.node] = min(lightest.get(x.row.node, x.row.weight), x.row.weight)
    pairs = sum(cost < x.row.cost and lightest.get(node, x.row.weight) < x.row.weight
                for x in measures for node, cost in x.costs.items())
    return None if small(pairs, m) else pairs


def price_of_fairness(problem, nodes, objective):
    if not objective:
        return None
    return PPM * (problem.cost(nodes) - objective) // objective


# Groups and what of them is withheld.

def cell_of(measures, with_places):
    placed, weight = sum(not x.waits for x in measures), sum(x.row.weight for x in measures)
    return {
        "students": len(measures), "first_choice": sum(x.is_best for x in measures),
        "waitlisted": sum(x.waits for x in measures),
        "placed_per_weighted_pupil_e6": 10**8 * placed // weight if with_places and weight else 0}


def six(cell):
    students, best, waiting = (cell[name] for name in CHOICES)
    return students, best, students - best, waiting, students - waiting, max(0, students - (best + waiting))


def withheld(cells, m):
    """The positions to withhold of a list of cells."""
    hidden = {i for i, cell in enumerate(cells) if any(small(count, m) for count in six(cell))}
    while True:
        sums = [sum(column) for column in zip(*(six(cells[i]) for i in hidden))] or [0] * 6
        with_rows = sum(cells[i]["students"] > 0 for i in hidden)
        if with_rows == 0 or (with_rows > 1 and not any(small(s, m) for s in sums)):
            return hidden
        shown = [(cell["students"], i) for i, cell in enumerate(cells) if i not in hidden and cell["students"]]
        if not shown:
            return hidden
        hidden.add(min(shown)[1])


def ratio(parts):
    """The lowest over the highest share of (part, rows), in millionths."""
    if len(parts) < 2:
        return None
    low = high = parts[0]
    for part, rows in parts[1:]:
        low = (part, rows) if part * low[1] < low[0] * rows else low
        high = (part, rows) if part * high[1] > high[0] * rows else high
    return PPM * low[0] * high[1] // (high[0] * low[1]) if high[0] else None


def with_ratios(cells):
    shown = [cell["cell"] for cell in cells if cell["cell"]]
    return {
        "cells": cells,
        "first_choice_ratio_ppm": ratio([(c["first_choice"], c["students"]) for c in shown]),
        "placed_ratio_ppm": ratio([(c["students"] - c["waitlisted"], c["students"]) for c in shown])}


def split(measures, by):
    found = {}
    for x in measures:
        found.setdefault(by(x), []).append(x)
    return sorted(found.items())


def groups(measures, by, m, with_places):
    parts = split(measures, by)
    cells = [cell_of(part, with_places) for _, part in parts]
    hidden = withheld(cells, m)
    return with_ratios([
        {"group": group, "cell": None if i in hidden else cell}
        for i, ((group, _), cell) in enumerate(zip(parts, cells))])


def school_groups(context, measures, by_district, m):
    """All schools of a withheld district; of a shown one, the rule on its schools alone."""
    shown = {c["group"] for c in by_district["cells"] if c["cell"]}
    cells = []
    for district, part in split(measures, lambda x: context.schools[x.row.home]["district"]):
        own = groups(part, lambda x: x.row.home, m, True)["cells"]
        cells += [c if district in shown else {"group": c["group"], "cell": None} for c in own]
    return with_ratios(sorted(cells, key=lambda c: c["group"]))


def totals_of(counts, m):
    cell = {"students": counts["requests"], "first_choice": counts["first_choice"],
            "waitlisted": counts["waitlisted"], "placed_per_weighted_pupil_e6": 0}
    totals = None if withheld([cell], m) else cell
    tiers = counts["by_tier"]
    return totals, None if totals is None or any(small(t, m) for t in tiers) else tiers


def prices_of(prices, m):
    cells = [{"students": p["used"], "first_choice": 0, "waitlisted": 0} for p in prices]
    hidden = withheld(cells, m)
    return [{"pool": p["pool"], "price": p["price"], "used": None if i in hidden else p["used"]}
            for i, p in enumerate(prices)]
