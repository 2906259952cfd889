"""Four nodes go from one build to another under load, and from one protocol to the next by a vote."""
import json, random, threading, time

from nodes import LONG_S, CannotRun, Node, ports, tell

NODES, CLIENTS, YEAR = 4, 6, 2026


def newest_of(program, work):
    """The newest protocol that a program knows: new chains begin with it."""
    home, genesis = work / f"asked-{program.path.parent.name}", work / f"asked-{id(program)}.json"
    if not home.exists():
        program.must("init", "--home", home, "--name", "asked")
    program.must("genesis", "--name", "asked", "--operator", home / "operator.json", "-o", genesis)
    return json.loads(genesis.read_text()).get("protocol", 1)


class Load:
    """Clients that send one transaction after another, to nodes in turn by a seed, half of them with the older program."""

    def __init__(self, nodes, homes, programs, seed):
        self.nodes, self.sent, self.acknowledged, self.refused = nodes, 0, [], []
        self.programs_new = programs[-1]
        self.lock, self.ends = threading.Lock(), threading.Event()
        clients = enumerate(homes)
        works = [(home, programs[n % len(programs)], random.Random(seed * 1_000 + n)) for n, home in clients]
        self.threads = [threading.Thread(target=self.work, args=work, daemon=True) for work in works]
        for thread in self.threads:
            thread.start()

    def work(self, home, program, chance):
        fields = json.dumps({"school_year": YEAR, "amount_cents": 1})
        while not self.ends.is_set():
            node = chance.choice(self.nodes)
            began = time.monotonic()
            with self.lock:
                self.sent += 1
            code, told, why = program.run("tx", "fund-budget", fields, "--home", home, "--rpc", node.rpc, "--wait-s", "30")
            with self.lock:
                if code == 0 and told and told["status"] == "final":
                    one = (told["id"], told["height"], home.name, program, time.monotonic() - began)
                    self.acknowledged.append(one)
                elif code == 1:
                    self.refused.append(told)
            if code != 0:
                # The node is being replaced: what was sent may be final all the same, and is not counted as acknowledged.
                time.sleep(0.2)

    def end(self):
        self.ends.set()
        for thread in self.threads:
            thread.join(700)
        if any(thread.is_alive() for thread in self.threads):
            raise CannotRun("a client does not come back")


def found(old, new, folder, checks, is_founded_by_old, first):
    """Homes and a genesis of the older protocol, by either program."""
    base = ports(NODES * 3)
    maker = old if is_founded_by_old else new
    nodes, members, operators, clients = [], [], [], []
    for n in range(NODES):
        home = folder / f"node-{n + 1}"
        maker.must("init", "--home", home, "--name", home.name, "--p2p", f"/ip4/127.0.0.1/tcp/{base + 2 * n}")
        operators.append(home / "operator.json")
        nodes.append(Node(home, base + 2 * NODES + n))
    for n in range(CLIENTS):
        home = folder / f"client-{n + 1}"
        (old if n % 2 == 0 else new).must("init", "--home", home, "--name", home.name)
        account = json.loads((home / "operator.json").read_text())["account"]
        members.append({"name": home.name, "roles": ["funder"], "public_key": account})
        clients.append(home)
    founded_ms = int(time.time() * 1_000)
    plain, named = folder / "base.json", folder / "base-of-the-protocol.json"
    plain.write_text(json.dumps({"members": members}))
    named.write_text(json.dumps({"members": members, "protocol": first}))
    made = {}
    for program, name in ((old, "old"), (new, "new")):
        genesis = folder / f"genesis-{name}.json"
        # The older program writes its newest by itself, as it did when it was the present one.
        file = plain if program is old and old.protocol == first else named
        words = ["genesis", "--name", "county", "--base", file, "--time-ms", founded_ms, "-o", genesis, "--operator"]
        program.must(*words, *operators)
        made[program] = genesis
    same = made[old].read_bytes() == made[new].read_bytes()
    checks.see("a genesis of the older protocol is the same bytes by both programs", same)
    for node in nodes:
        maker.must("join", "--home", node.home, "--genesis", made[maker], "--listen", f"127.0.0.1:{node.port}")
        # Blocks keep coming where nobody sends.
        settings = node.home / "config.toml"
        text = settings.read_text()
        if "# idle_block_ms = 1000" not in text:
            raise CannotRun("config.toml has another word for idle_block_ms")
        settings.write_text(text.replace("# idle_block_ms = 1000", "idle_block_ms = 250"))
    return nodes, clients, made[maker]


def level(nodes, but=None):
    """The greatest height of the nodes that answer."""
    heights = [node.api.height() for node in nodes if node is not but]
    return max((height for height in heights if height is not None), default=0)


def replace(nodes, node, program, checks, name):
    """Stops a node, starts the other program on its home, waits until it is level; how long each took."""
    code, stopping = node.stop()
    checks.see(f"{name}: the older program ends with 0 when it is told to", code == 0, code)
    began = time.monotonic()
    if not checks.see(f"{name}: the newer program starts on its home", node.start(program), node.told()[-300:] if not node.api.status() else ""):
        raise CannotRun(f"{name} does not start; see {node.log}")
    starting = time.monotonic() - began
    levelling = node.until(level(nodes, but=node), LONG_S)
    checks.see(f"{name}: it comes level", levelling is not None)
    return {"node": name, "stopping_s": round(stopping, 2), "starting_s": round(starting, 2), "level_s": round(levelling or -1, 2)}


def vote(nodes, checks, protocol, version, blocks):
    """Members of both programs vote for the next protocol; gives its first height."""
    at = level(nodes) + blocks
    words = ["consortium", "propose", "--protocol", protocol, "--at", at, "--program", version]
    first = nodes[0]
    number = first.program.must(*words, "--home", first.home)["proposal"]
    for node in nodes[:3]:
        node.program.must("consortium", "vote", number, "yes", "--home", node.home)
    told = None
    for _ in range(100):
        told = (first.api.status() or {}).get("protocol", {}).get("next")
        if told:
            break
        time.sleep(0.1)
    checks.see("the vote is in force", told and told["height"] == at and told["protocol"] == protocol, told)
    return at


def counts_down(node, checks, at, knows):
    """What `aula status`, `aula doctor` and the explorer say of a switch that comes."""
    who = "the program that knows it" if knows else "the program that does not know it"
    first = node.program.must("status", "--home", node.home)["protocol"]["next"]
    time.sleep(1.5)
    second = node.program.must("status", "--home", node.home)["protocol"]["next"]
    counted = first and second and 0 < second["blocks_left"] < first["blocks_left"] and second["height"] == at
    checks.see(f"status of {who} counts down", counted and second["is_known"] == knows, f"{first and first['blocks_left']} then {second}")
    code, told, _ = node.program.run("doctor", "--home", node.home)
    found = next((check for check in (told or {}).get("checks", []) if check["name"] == "protocol"), None)
    words = found and "blocks" in found["detail"] and str(at) in found["detail"]
    fits = found and (found["level"] == "ok" if knows else found["level"] == "fail" and str(at) in found["next"] and code == 1)
    checks.see(f"doctor of {who} counts down, {'and is content' if knows else 'and fails with what to install'}", words and fits, found)
    status, page = node.api.ask("/")
    checks.see(f"the explorer of {who} counts down", status == 200 and b"the ledger goes by protocol" in page, status)


def left_behind(nodes, old, new, checks, at, protocol):
    """The node of the older program stops before the switch, says why, and goes on under the newer one."""
    last = nodes[-1]
    code = last.wait(LONG_S)
    said = last.told()
    checks.see("the node left behind ends by itself with exit code 3", code == 3, code)
    sentence = f"from height {at} on the chain goes by protocol {protocol}"
    checks.see("with a sentence and the program to run", sentence in said and "run Aula" in said and "nothing is lost" in said, said[-300:])
    crossed = nodes[0].until(at + 5, LONG_S)
    checks.see("the other three cross without it", crossed is not None)
    code, told, _ = old.run("start", "--home", last.home)
    checks.see("started again it ends so at once", code == 3 and told and told["error"]["code"] == "outdated", told)
    code, told, _ = old.run("replay", "--home", last.home)
    checks.see("it stands right before the height, all roots its own", code == 0 and told and told["height"] == at - 1, told)
    last.process = None
    began, behind = time.monotonic(), level(nodes[:3])
    if not checks.see("the newer program starts on its home", last.start(new), last.told()[-300:] if not last.api.status() else ""):
        raise CannotRun(f"the node that was left behind does not start; see {last.log}")
    up = time.monotonic() - began
    took = last.until(level(nodes[:3]), LONG_S)
    checks.see("and it comes level with the others", took is not None)
    return {"stopped_before": at, "blocks_behind": behind - at + 1, "starting_s": round(up, 2), "level_s": round(took or -1, 2)}


def blocks_of(node, tip):
    """Header fields of all blocks, from the first on."""
    blocks, start = [], tip
    while start and start > 0:
        page = node.api.json(f"/v1/blocks?from={start}&limit=100")
        if page is None:
            raise CannotRun(f"{node.home.name} does not tell its blocks")
        blocks.extend(page["blocks"])
        start = page["next"]
    return sorted((block for block in blocks if block["height"] <= tip), key=lambda block: block["height"])


def judge(nodes, load, checks, at, first, protocol):
    """Every root equal, each block by its height's protocol, and each acknowledged transaction where it was acknowledged."""
    tip = min(node.api.height() or 0 for node in nodes)
    chains = [blocks_of(node, tip) for node in nodes]
    fields = ("hash", "state_root", "receipts", "students", "protocol")
    rows = [[{field: block[field] for field in fields} for block in chain] for chain in chains]
    checks.see("all four have all blocks", all([block["height"] for block in chain] == list(range(1, tip + 1)) for chain in chains), tip)
    checks.see("all hashes and roots are equal", all(row == rows[0] for row in rows[1:]), f"{tip} blocks")
    fits = all(block["protocol"] == (protocol if block["height"] >= at else first) for block in chains[0])
    checks.see("each block says the protocol of its height", fits, f"{protocol} from {at} on")
    lost = []
    for node in nodes:
        for number, height, *_ in load.acknowledged:
            told = node.api.json(f"/v1/transactions/{number}") or {}
            if told.get("status") != "final" or told.get("height") != height or told.get("code") != 0:
                lost.append((node.home.name, number, told))
    checks.see("nothing that was acknowledged is lost, on any node", load.acknowledged and not lost, lost[:2] or f"{len(load.acknowledged)} on each")
    checks.see("the ledger refused nothing of the load", not load.refused, load.refused[:1])
    return tip, chains[0], len({one for _, one, _ in lost})


def run(old, new, folder, checks, args, is_left):
    """One chain from the older program alone to the newer alone; `is_left` leaves the last node behind at the switch."""
    first = min(old.protocol, new.protocol - 1)
    protocol = first + 1
    nodes, clients, genesis = found(old, new, folder, checks, is_left, first)
    load = None
    try:
        for node in nodes:
            if not node.start(old):
                raise CannotRun(f"{node.home.name} does not start; see {node.log}: {node.told()[-300:]}")
        for node in nodes:
            if node.until(3, LONG_S) is None:
                raise CannotRun(f"no blocks come to {node.home.name}; see {node.log}")
        load = Load(nodes, clients, [old, new], args.seed)
        tell("four of the older program, under load")
        began, from_height = time.monotonic(), level(nodes)
        time.sleep(args.phase_s)
        pace = (level(nodes) - from_height) / (time.monotonic() - began)
        rolls = [replace(nodes, nodes[n], new, checks, f"node {n + 1}") for n in (0, 1)]
        tell("two of each")
        mixed = level(nodes)
        time.sleep(args.phase_s)
        checks.see("blocks come from two of each program", level(nodes) >= mixed + 5, f"{mixed} to {level(nodes)}")
        at = vote(nodes, checks, protocol, new.version, int(pace * args.ahead_s) + 30)
        counts_down(nodes[0], checks, at, True)
        counts_down(nodes[3], checks, at, old.protocol >= protocol)
        for n in (2,) if is_left else (2, 3):
            rolls.append(replace(nodes, nodes[n], new, checks, f"node {n + 1}"))
        checks.see("all of it before the switch", level(nodes) < at, f"height {level(nodes)}, switch at {at}")
        left = None
        for node in nodes[:3]:
            if node.until(at - 1, args.ahead_s * 6) is None:
                raise CannotRun(f"{node.home.name} does not come to the switch at {at}; see {node.log}")
        if is_left:
            left = left_behind(nodes, old, new, checks, at, protocol)
        for node in nodes:
            checks.see(f"{node.home.name} is across", node.until(at + 5, LONG_S) is not None)
        tell("four of the newer program, by the newer protocol")
        time.sleep(args.phase_s)
        load.end()
        target = level(nodes)
        for node in nodes:
            node.until(target, LONG_S)
        silent = [told["silent_because"] for node in nodes if (told := node.api.status()) and told["silent_because"]]
        checks.see("all four sign", not silent, silent)
        tip, chain, lost = judge(nodes, load, checks, at, first, protocol)
        codes = [node.stop()[0] for node in nodes]
        checks.see("all four end with 0 when they are told to", codes == [0] * NODES, codes)
        for node in nodes:
            code, told, why = new.run("replay", "--home", node.home, limit=600)
            checks.see(f"the whole chain of {node.home.name} replays, both protocols", code == 0 and told["height"] >= tip, told or why)
        return measured(load, chain, at, pace, rolls, left, lost)
    finally:
        if load:
            load.ends.set()
        for node in nodes:
            node.stop()


def measured(load, chain, at, pace, rolls, left, lost):
    """What is told of a run."""
    gaps = [(later["time_ms"] - block["time_ms"], later["height"]) for block, later in zip(chain, chain[1:])]
    near = [gap for gap, height in gaps if abs(height - at) <= 3]
    waits = sorted(one[-1] for one in load.acknowledged)
    part = lambda share: round(waits[min(len(waits) - 1, int(len(waits) * share))], 2) if waits else None
    by_old = [one for one in load.acknowledged if one[3] is not load.programs_new]
    return {
        "protocols": [chain[0]["protocol"], chain[-1]["protocol"]],
        "switch_height": at,
        "blocks": len(chain),
        "blocks_a_second_before": round(pace, 2),
        "sent": load.sent,
        "acknowledged": len(load.acknowledged),
        "acknowledged_after_the_switch": sum(1 for one in load.acknowledged if one[1] >= at),
        "by_clients_of_the_older_program": len(by_old),
        "of_them_after_the_switch": sum(1 for one in by_old if one[1] >= at),
        "acknowledged_lost": lost,
        "wait_s": {"p50": part(0.5), "p99": part(0.99)},
        "longest_gap_ms": max(gaps)[0],
        "longest_gap_at": max(gaps)[1],
        "gap_at_the_switch_ms": max(near),
        "replaced": rolls,
        "left_behind": left,
    }
