"""What a round decides on: pools, who may have which at what cost, the fair share. EVIDENCE.md, section 12."""

from codec import need

MAX_COST = (1 << 30) - 1
MAX_CAPACITY = (1 << 31) - 1


def weight_of(equity, band):
    return 100 + equity * (10 * band + 5) // 100


class Instance:
    """`pools` are the decision's records, ascending; the waitlist, if any, is the node `len(pools)`."""

    def __init__(self, definition, record, pools, schools):
        self.tier_costs, self.rank_step = definition["tier_costs"], definition["rank_step"]
        self.waitlist_cost = definition["waitlist_cost"]
        self.equity, self.fair_share = record["equity"], record["terms"]["fair_share"]
        self.pools, self.schools = pools, schools
        need(all(p["floor"] <= p["capacity"] <= MAX_CAPACITY for p in pools), "a pool of impossible capacity or floor")
        self.waitlist = len(pools) if self.waitlist_cost is not None else None

    def tier(self, home, school):
        a, b = self.schools[home], self.schools[school]
        if home == school:
            return 0
        if a["district"] == b["district"]:
            return 1
        return 2 if a["school_type"] == b["school_type"] else None

    def entries(self, request):
        """Node, rank, tier and cost of everything that a request may have; the waitlist has neither rank nor tier."""
        kinds = request["kinds"]
        need(len(set(kinds)) == len(kinds), "a request names a kind twice")
        weight = weight_of(self.equity, request["band"])
        found = []
        for node, pool in enumerate(self.pools):
            tier = self.tier(request["home_school"], pool["school"])
            if tier is None or pool["kind"] not in kinds:
                continue
            rank = kinds.index(pool["kind"])
            found.append((node, rank, tier, weight * (self.tier_costs[tier] + self.rank_step * rank)))
        if self.waitlist is not None and not request["mandate"]:
            found.append((self.waitlist, None, None, weight * self.waitlist_cost))
        need(found, "a request that may have nothing")
        need(all(cost <= MAX_COST for *_, cost in found), "a cost beyond the greatest")
        return found

    def place(self, request, decision):
        """The entry that a decision gives, with rank, tier, weight and cost as they must be."""
        case, given = decision["placement"]
        for node, rank, tier, cost in self.entries(request):
            if case == 0:
                same = node == self.waitlist
            else:
                same = node != self.waitlist and self.pools[node]["pool"] == given["pool"]
            if same:
                if case == 1:
                    need((given["rank"], given["tier"]) == (rank, tier), "a rank or tier that is not the place's")
                need(decision["weight"] == weight_of(self.equity, request["band"]), "a weight that is not the band's")
                need(decision["cost"] == cost, "a cost that is not the place's")
                return node
        need(False, "a place that the request may not have")


class Row:
    def __init__(self, instance, handle, request, decision):
        self.handle, self.request, self.decision = handle, request, decision
        self.entries = instance.entries(request)
        self.node = instance.place(request, decision)
        self.weight, self.cost = decision["weight"], decision["cost"]
        self.home = request["home_school"]


class Share:
    """A home school under a fair share: n requests, least to be placed, penalty from `share` places on."""

    def __init__(self, school, count, share, percent, penalty):
        self.school, self.count, self.share, self.penalty = school, count, share, penalty
        self.least = min(share, count) * percent // 100
        self.most_waiting = count - self.least
        self.free_from = max(0, count - share)

    def fee(self, waiting):
        return self.penalty * max(0, self.free_from - waiting)

    def least_of(self, price, low=0, high=None, with_fee=True):
        """The least of fee(w) − price·w from low to high, and the interval of w on which it is reached."""
        high = self.most_waiting if high is None else high
        corners = sorted({low, high, *([self.free_from] if with_fee and low < self.free_from < high else [])})
        values = [((self.fee(w) if with_fee else 0) - price * w, w) for w in corners]
        least = min(value for value, _ in values)
        where = [w for value, w in values if value == least]
        return least, where[0], where[-1]


def shares(instance, rows):
    """By home school, ascending; empty without a fair share or a waitlist."""
    if instance.fair_share is None or instance.waitlist is None:
        return []
    weights, counts = {}, {}
    for row in rows:
        weights[row.home] = weights.get(row.home, 0) + row.weight
        counts[row.home] = counts.get(row.home, 0) + 1
    homes, places, total = sorted(weights), sum(p["capacity"] for p in instance.pools), sum(weights.values())
    given = {h: weights[h] * places // total for h in homes}
    by_remainder = sorted(homes, key=lambda h: (-(weights[h] * places % total), h))
    for home in by_remainder[:places - sum(given.values())]:
        given[home] += 1
    terms = instance.fair_share
    return [Share(h, counts[h], given[h], terms["min_share_percent"], terms["penalty"]) for h in homes]
