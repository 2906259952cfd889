"""Why no other assignment is better: duals, the lottery among equals, least prices. EVIDENCE.md, section 12."""

from codec import need
from keys import sha256

GREATEST_PRICE = 1 << 60
GREATEST_GAP = 3_000
MASK = (1 << 64) - 1


class Problem:
    """Costs of rows (node to cost), capacities and floors of nodes, the shares and each row's share."""

    def __init__(self, instance, rows, shares, costs):
        self.costs, self.waitlist, self.shares = costs, instance.waitlist, shares
        self.capacity = [p["capacity"] for p in instance.pools]
        self.floor = [p["floor"] for p in instance.pools]
        if self.waitlist is not None:
            self.capacity.append(len(rows))
            self.floor.append(0)
        number = {share.school: i for i, share in enumerate(shares)}
        self.share_of = [number.get(row.home) for row in rows]
        self.mandated = [row.request["mandate"] for row in rows]

    def waiting(self, nodes):
        counts = [0] * len(self.shares)
        for node, share in zip(nodes, self.share_of):
            if node == self.waitlist and share is not None:
                counts[share] += 1
        return counts

    def used(self, nodes):
        counts = [0] * len(self.capacity)
        for node in nodes:
            counts[node] += 1
        return counts

    def check_feasible(self, nodes):
        need(len(nodes) == len(self.costs), "not a place for each row")
        need(all(node in costs for node, costs in zip(nodes, self.costs)), "a place that a row may not have")
        need(all(f <= u <= c for u, c, f in zip(self.used(nodes), self.capacity, self.floor)),
             "a pool above its capacity or below its floor")
        need(all(w <= s.most_waiting for w, s in zip(self.waiting(nodes), self.shares)),
             "a school below its guaranteed share")

    def cost(self, nodes):
        """Σ cost + Σ fees."""
        fees = sum(s.fee(w) for w, s in zip(self.waiting(nodes), self.shares))
        return sum(costs[node] for costs, node in zip(self.costs, nodes)) + fees

    def priced(self, row, node, prices):
        """What a node costs a row above its own cost."""
        extra = prices["schools"][self.share_of[row]] if node == self.waitlist and self.shares else 0
        return prices["pools"][node] + extra

    def check_prices(self, prices):
        need(len(prices["pools"]) == len(self.capacity), "not a price for each pool")
        need(len(prices["schools"]) == len(self.shares), "not a price for each school")
        need(all(abs(y) <= GREATEST_PRICE for y in prices["pools"] + prices["schools"]), "a price beyond the greatest")

    def dual(self, prices):
        rows = sum(min(c + self.priced(i, node, prices) for node, c in costs.items())
                   for i, costs in enumerate(self.costs))
        pools = sum(y * (c if y > 0 else f) for y, c, f in zip(prices["pools"], self.capacity, self.floor))
        return rows - pools + sum(s.least_of(mu)[0] for s, mu in zip(self.shares, prices["schools"]))

    def worst(self):
        return sum(max(costs.values()) for costs in self.costs) + sum(s.fee(0) for s in self.shares)


def check_gap(problem, nodes, certificate):
    """The certificate's objective, dual and gap are what its prices and the places give."""
    problem.check_prices(certificate["prices"])
    objective, dual = problem.cost(nodes), problem.dual(certificate["prices"])
    need(certificate["objective"] == objective, "an objective that is not the places' cost")
    need(certificate["dual"] == dual, "a dual that the prices do not give")
    room = problem.worst() - dual
    need(0 <= objective - dual <= room, "a dual out of range")
    gap = 0 if objective == dual else -(-10**6 * (objective - dual) // room)
    need(certificate["gap_ppm"] == gap, "a gap that does not follow")


def ticket(seed, handle, node):
    """τ of a row and a pool: 32 bits from a splitmix of the row's share of the seed."""
    z = int.from_bytes(sha256(seed + handle)[:8], "little") + (node + 1) * 0x9E3779B97F4A7C15 & MASK
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK
    return (z ^ z >> 31) >> 32


def check_lottery(problem, rows, nodes, certificate, seed):
    """Among all optima, the places are those with the least sum of tickets."""
    prices, draw = certificate["prices"], certificate["draw"]["prices"]
    problem.check_prices(draw)
    total, given = 0, 0
    for i, row in enumerate(rows):
        reduced = {node: c + problem.priced(i, node, prices) for node, c in problem.costs[i].items()}
        least = min(reduced.values())
        total += min(ticket(seed, row.handle, node) + problem.priced(i, node, draw)
                     for node, c in reduced.items() if c == least)
        given += ticket(seed, row.handle, nodes[i])
    for y, zeta, capacity, floor in zip(prices["pools"], draw["pools"], problem.capacity, problem.floor):
        high, low = (floor if y < 0 else capacity), (capacity if y > 0 else floor)
        total -= zeta * (high if zeta > 0 else low)
    for share, mu, nu in zip(problem.shares, prices["schools"], draw["schools"]):
        _, low, high = share.least_of(mu)
        total += share.least_of(nu, low, high, with_fee=False)[0]
    need(total == given == certificate["draw"]["ticket_sum"], "a lottery that was not kept")


def demands(problem, nodes, prices):
    """Edges (from, to, slack) of the graph whose chains bind prices from below; None is nothing."""
    def price(node):
        if isinstance(node, tuple):
            return prices["pools"][problem.waitlist] + prices["schools"][node[1]]
        return prices["pools"][node]

    def node_of(row, node):
        return ("waiting", problem.share_of[row]) if problem.shares and node == problem.waitlist else node

    for node, used in enumerate(problem.used(nodes)):
        if problem.floor[node] == 0 or used > problem.floor[node]:
            yield None, node, price(node)
    for i, costs in enumerate(problem.costs):
        here = node_of(i, nodes[i])
        for entry, cost in costs.items():
            there = node_of(i, entry)
            if there != here:
                yield here, there, cost + price(there) - costs[nodes[i]] - price(here)
    waiting = problem.waiting(nodes)
    for i, share in enumerate(problem.shares):
        school, waitlist = ("waiting", i), problem.waitlist
        if waiting[i] < share.most_waiting:
            fee = share.penalty if waiting[i] < share.free_from else 0
            yield school, waitlist, price(waitlist) - price(school) - fee
        if waiting[i] > 0:
            fee = share.penalty if waiting[i] <= share.free_from else 0
            yield waitlist, school, price(school) - price(waitlist) + fee


def reached(edges):
    onward = {}
    for a, b in edges:
        onward.setdefault(a, set()).add(b)
    seen, ahead = {None}, [None]
    while ahead:
        for node in onward.get(ahead.pop(), set()) - seen:
            seen.add(node)
            ahead.append(node)
    return seen


def least_prices(problem, nodes, prices):
    """By pool, the price that is the least possible; None where there is none."""
    edges = set(demands(problem, nodes, prices))
    bound = reached((a, b) for a, b, _ in edges)
    tight = reached((a, b) for a, b, slack in edges if slack == 0)
    need(bound == tight, "prices that are not the least")
    return [y if node in tight else None for node, y in enumerate(prices["pools"])]
