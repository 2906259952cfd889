"""A round as a whole, and a single decision of one. EVIDENCE.md, section 11."""

import zk
from codec import decode, need
from instance import Instance, Row, shares
from keys import labelled, sha256
from merkle import check_path, round_key, row_leaf, tree_head
from optimum import GREATEST_GAP, Problem, check_gap, check_lottery, least_prices
from records import (
    Budget, CertificateRecord, Class, Decision, Optimum, Placement, Plain, Pool, Report, Request, Reversion, Round,
    School, SeedPower, SeedShare, TwinVersion)
from report import counts_of, price_of_fairness, report_of
from schema import ascending

DECIDED = 1
FLAG, POSITION = 0, 1
REVERSION_SHOWN = 2
ROW = 0


class Context:
    """What a round and a single decision both show. `homes` are the shown requests' home schools."""

    def __init__(self, state, shown, homes):
        self.state, self.number = state, shown["round"]
        at = (self.number, 4)
        self.record = state.record(Round, shown["record"], "round/", at, round=self.number)
        self.decision = state.record(Decision, shown["decision"], "decision/", at, round=self.number)
        version = self.record["parameters"]
        twin = state.record(TwinVersion, shown["twin"], "twin_version/", (version, 4), version=version)
        self.rule = twin["parameters"]["need"]
        number = self.record["class_"]
        self.class_ = state.record(Class, shown["class_"], "class/", (number, 2))
        self.check_round(number)
        self.read_pools(shown["pools"], number)
        self.read_schools(shown["schools"], homes)
        for name in ("requests", "decisions"):
            head = state.tree(shown[name], f"round/{self.number}/{name}")
            need(self.decision[name] == head, "a decision over another tree")
        need(self.record["requests"] == self.decision["requests"]["leaf_count"], "a round that counts other requests")
        self.standing = self.find_standing(shown["reversion"], at)
        self.instance = Instance(self.class_["definition"], self.record, self.pools, self.schools)

    def check_round(self, number):
        record, decision, definition = self.record, self.decision, self.class_["definition"]
        need(record["status"] == (DECIDED, [decision["height"]]), "a round that is not decided at its decision's height")
        need(decision["class_"] == number, "a decision of another class")
        need(definition["class_"] == number, "a class that names another")
        need(definition["school_year"] == record["school_year"], "a class of another school year")
        need(record["opened"] < decision["height"] <= self.state.head["height"], "a decision at a wrong height")

    def read_pools(self, proved, number):
        everything = []
        for entry in proved:
            pool = Pool.decode(entry["value"])
            self.state.record(Pool, entry, "pool/", (number, 2), (pool["pool"], 4), class_=number)
            everything.append(pool)
        need(ascending([p["pool"] for p in everything]), "pools that do not strictly ascend")
        need(len(everything) == self.class_["pools"], "not as many pools as the class counts")
        retired = [p for p in everything if p["retired"] is not None]
        need(len(retired) == self.class_["retired"], "not as many retired pools as the class counts")
        height = self.decision["height"]
        self.pools = [p for p in everything if p["defined"] < height and (p["retired"] is None or height <= p["retired"])]
        need([p["pool"] for p in self.pools] == [p["pool"] for p in self.decision["prices"]],
             "other pools than the decision prices")

    def read_schools(self, proved, homes):
        self.schools = {}
        for entry in proved:
            school = School.decode(entry["value"])
            self.schools[school["id"]] = self.state.record(School, entry, "school/", (school["id"], 4))
        need([School.decode(e["value"])["id"] for e in proved] == sorted({p["school"] for p in self.pools} | set(homes)),
             "other schools than those named")

    def find_standing(self, reversion, at):
        case, shown = reversion
        standing = self.class_["standing_round"]
        if case == REVERSION_SHOWN:
            found = self.state.record(Reversion, shown, "revert/", at, round=self.number)
            need(standing != self.number, "a reverted round that stands")
            need(self.decision["height"] <= found["at"]["height"] <= self.state.head["height"],
                 "a reversion at a wrong height")
            return "reverted"
        self.state.nothing(shown, "revert/", at)
        if standing == self.number:
            return "stands"
        need(standing is not None and standing > self.number, "a round that nothing replaced")
        return "replaced"

    def check_price(self, row):
        """No entry of the row is cheaper than the one given, with the published prices."""
        decision = self.decision
        if decision["gap_ppm"] != 0 or decision["objective"] != decision["dual"]:
            return
        waiting = 0
        if self.record["terms"]["fair_share"] is not None:
            waiting = {s["school"]: s["price"] for s in decision["school_prices"]}.get(row.home, 0)
        prices = [p["price"] for p in decision["prices"]]
        totals = {}
        for node, _, _, cost in row.entries:
            price = waiting if node == self.instance.waitlist else prices[node]
            if price is None:
                return
            totals[node] = cost + price
        need(totals[row.node] == min(totals.values()), "a cheaper entry than the one given")

    def context(self, field):
        return zk.Context(self.state.genesis["hash"], "round", self.number, field)

    def check_needs(self, claims, proof):
        """Of each (handle, request or refused entry): inputs in their ranges, need in its band."""
        check_needs(self.context, self.rule, claims, proof)


def statements(rule, claims):
    """The range statements of a group, (field, claims), and its flags, (field, handle, commitment), in the proofs' order."""
    needs = [zk.derived(rule, request["inputs"]) for _, request in claims]
    ranges = [(f"input/{at}", [zk.Claim(handle, "within", 0, 255, request["inputs"][at]) for handle, request in claims])
              for at, one in enumerate(rule["inputs"]) if one["kind"] == POSITION]
    ranges.append(("need", [
        zk.Claim(handle, "need-band", 256 * request["band"], 256 * request["band"] + 255, commitment)
        for (handle, request), commitment in zip(claims, needs)]))
    flags = [(f"input/{at}", handle, request["inputs"][at]) for handle, request in claims
             for at, one in enumerate(rule["inputs"]) if one["kind"] == FLAG]
    return ranges, flags


def check_needs(context, rule, claims, proof):
    need(1 <= len(claims) <= 8, "a group of no claims, or of more than eight")
    ranges, flags = statements(rule, claims)
    need((len(ranges), len(flags)) == (len(proof["ranges"]), len(proof["flags"])), "more proofs than statements, or fewer")
    for (field, claims), one in zip(ranges, proof["ranges"]):
        zk.check_range(context(field), claims, one)
    for (field, handle, commitment), one in zip(flags, proof["flags"]):
        zk.check_flag(context(field), handle, commitment, one)


def allocation(state, shown):
    district, handle = shown["district"], shown["handle"]
    request = Request.decode(shown["request"]["row"])
    need((request["district"], request["handle"]) == (district, handle), "a request of another student")
    context = Context(state, shown["context"], [request["home_school"]])
    for name, tree in (("request", "requests"), ("decision", "decisions")):
        row = shown[name]
        check_path(context.decision[tree], row_leaf(round_key(district, handle), row["row"]), row["path"])
    row = Row(context.instance, handle, request, Placement.decode(shown["decision"]["row"]))
    context.check_price(row)
    case, proof = shown["band"]
    if case == 2:
        context.check_needs([(handle, request)], proof)
    return context.standing


def head_of(requests, rows):
    """The tree of one of a round's two kinds of rows, by their keys."""
    leaves = [row_leaf(round_key(r["district"], r["handle"]), row) for r, row in zip(requests, rows)]
    return tree_head(sorted(leaves))


def round_(state, shown):
    requests = [Request.decode(row["request"]) for row in shown["rows"]]
    context = Context(state, shown["context"], [r["home_school"] for r in requests])
    decision = context.decision
    need(ascending([(r["handle"], r["district"]) for r in requests]), "rows that do not strictly ascend")
    for name, tree in (("request", "requests"), ("decision", "decisions")):
        need(head_of(requests, [row[name] for row in shown["rows"]]) == decision[tree], "rows that are not the tree's")
    rows = [Row(context.instance, request["handle"], request, Placement.decode(row["decision"]))
            for row, request in zip(shown["rows"], requests)]
    for row in rows:
        context.check_price(row)
    check_budgets(context, shown["budgets"])
    check_seed(context, shown["power"], shown["shares"])
    check_optimum(context, shown, rows)
    check_bands(context, rows, shown["bands"])
    return context.standing


def check_budgets(context, budgets):
    due = {}
    for pool in context.pools:
        due[pool["funder"]] = due.get(pool["funder"], 0) + pool["capacity"] * pool["unit_cost_cents"]
    need(len(budgets) == len(due), "not a budget for each funder")
    year = context.record["school_year"]
    for funder, entry in zip(sorted(due), budgets):
        found = context.state.record(
            Budget, entry, "budget/", funder, (year, 2), funder=funder, school_year=year)
        need(due[funder] <= found["charged_cents"] <= found["funded_cents"], "a budget that does not cover its pools")


def check_seed(context, power, shown):
    decision, origin, attempt = context.decision, context.decision["seed_round"], context.decision["attempt"]
    need(origin <= context.number and attempt > 0 and decision["draw"] > 0, "a seed of no earlier round or attempt")
    found = context.state.record(SeedPower, power, "seed_power/", (origin, 4), round=origin)
    powers = {sharer["account"]: sharer["power"] for sharer in found["sharers"]}
    need(ascending([sharer["account"] for sharer in found["sharers"]]), "sharers that do not ascend")
    need(sum(powers.values()) <= found["total"], "sharers of more power than there is")
    revealed, withheld = decision["revealed"], decision["withheld"]
    need(ascending(revealed) and ascending(withheld), "seed shares that do not ascend")
    need(not set(revealed) & set(withheld), "a seed share revealed and withheld")
    accounts = sorted(revealed + withheld)
    need(set(accounts) <= set(powers), "a seed share of nobody whose share counts")
    need(3 * sum(powers[account] for account in revealed) > found["total"], "a seed of a third of the power or less")
    need(len(shown) == len(accounts), "not as many seed shares as the decision names")
    number, secrets = origin.to_bytes(4, "little"), b""
    for account, entry in zip(accounts, shown):
        share = context.state.record(
            SeedShare, entry, "seed/", (origin, 4), (attempt, 4), account, account=account)
        need((share["secret"] is not None) == (account in revealed), "a seed share that is not as the decision says")
        if share["secret"] is not None:
            need(seed_commitment(origin, attempt, account, share["secret"]) == share["commitment"],
                 "a secret that is not the committed one")
            secrets += account + share["secret"]
    data = context.state.genesis["hash"] + number + decision["requests"]["root"] + secrets
    need(labelled("round-seed", data) == decision["seed"], "a seed that does not follow from its shares")


def seed_commitment(number, attempt, account, secret):
    return labelled("seed-commitment", number.to_bytes(4, "little") + attempt.to_bytes(4, "little") + account + secret)


def check_optimum(context, shown, rows):
    state, decision, at = context.state, context.decision, (context.number, 4)
    homes = shares(context.instance, rows)
    problem = Problem(context.instance, rows, homes, [{n: c for n, _, _, c in row.entries} for row in rows])
    nodes = [row.node for row in rows]
    problem.check_feasible(nodes)
    used = problem.used(nodes)
    need([p["used"] for p in decision["prices"]] == used[:len(context.pools)], "places used that are not counted right")
    raw = state.record(CertificateRecord, shown["certificate"], "certificate/", at)
    need(sha256(raw) == decision["certificate_sha256"], "another certificate than the decision's")
    certificate = decode(Optimum, raw)
    check_gap(problem, nodes, certificate)
    need(all(decision[name] == certificate[name] for name in ("objective", "dual", "gap_ppm")),
         "a decision that says other than its certificate")
    need(decision["gap_ppm"] <= min(GREATEST_GAP, decision["max_gap_ppm"]), "a gap too wide")
    check_published(context, problem, nodes, rows, certificate)
    need(decision["report"] == counts_of(context.instance, rows), "counts that are not right")
    plain = check_plain(context, rows, homes, nodes, state.record(Plain, shown["plain"], "plain/", at))
    report = state.record(Report, shown["report"], "report/", at)
    need(report == report_of(context, rows, plain, report["min_cell_students"]), "a report that does not follow")


def check_published(context, problem, nodes, rows, certificate):
    """The lottery and the prices that the decision names."""
    decision, prices = context.decision, certificate["prices"]
    exact = certificate["objective"] == certificate["dual"]
    need((certificate["draw"] is not None) == exact, "a draw with a gap, or none without")
    published = [None] * len(context.pools)
    if exact:
        check_lottery(problem, rows, nodes, certificate, decision["seed"])
        published = least_prices(problem, nodes, prices)[:len(context.pools)]
    need([p["price"] for p in decision["prices"]] == published, "other prices than the certificate's")
    need(decision["school_prices"] == [
        {"school": s.school, "price": prices["pools"][problem.waitlist] + mu}
        for s, mu in zip(problem.shares, prices["schools"])], "other prices of waiting than the certificate's")


def check_plain(context, rows, homes, nodes, solved):
    """What fairness costs against the round at equity 0, if there is one."""
    if solved is None:
        return None
    costs = [{node: cost // row.weight for node, _, _, cost in row.entries} for row in rows]
    problem = Problem(context.instance, rows, homes, costs)
    problem.check_feasible(solved["assignment"])
    check_gap(problem, solved["assignment"], solved["certificate"])
    need(solved["certificate"]["objective"] == solved["certificate"]["dual"], "a plain round with a gap")
    need(solved["certificate"]["draw"] is None, "a plain round with a draw")
    return price_of_fairness(problem, nodes, solved["certificate"]["objective"])


def check_bands(context, rows, bands):
    seen = set()
    for group in bands:
        positions = [entry[0] for case, entry in group["entries"] if case == ROW]
        need(all(p < len(rows) for p in positions), "a band of no row")
        need(not set(positions) <= seen, "a group of bands that shows nothing new")
        seen |= set(positions)
        context.check_needs([
            (rows[entry[0]].handle, rows[entry[0]].request) if case == ROW else (entry["handle"], entry)
            for case, entry in group["entries"]], group["proof"])
    need(len(seen) == len(rows), "rows without a proof of their band")
