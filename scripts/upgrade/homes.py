"""What the demo of an earlier build left behind is opened by the present one: nodes, vaults, evidence, copies, reports, links."""
import json, re, signal, subprocess, threading, tomllib

from nodes import LONG_S, Api, CannotRun, Node, started, tell

# Fields of answers that a database guesses anew when it is opened.
PASSING = {"fields_estimate", "events_estimate"}


class Demo:
    """The demo of the older program, up until it is stopped."""

    def __init__(self, old, folder, data, validators):
        self.root = folder / "demo"
        words = [old.path, "demo", "--home", self.root, "--grades", "1", "--validators", str(validators), "--data", data, "--output", "json"]
        with open(folder / "demo.log", "wb") as log:
            self.process = started(words, stdout=subprocess.PIPE, stderr=log, text=True)
        # A demo that hangs ends its line.
        late = threading.Timer(12 * LONG_S, self.process.kill)
        late.start()
        try:
            line = self.process.stdout.readline()
        finally:
            late.cancel()
        self.line = json.loads(line) if line.strip() else {}
        if "explorer" not in self.line:
            code = self.process.wait()
            why = self.line.get("error") or (folder / "demo.log").read_text(errors="replace")[-400:]
            raise CannotRun(f"the demo of the older program ended with {code}: {why}")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.process.returncode


def district_of(root):
    """The demo's first district that has a vault: its home and number."""
    for home in sorted(root.glob("district-*")):
        if (home / "vault" / "CURRENT").exists():
            return home, int(home.name.split("-")[1])
    raise CannotRun("the demo left no district with a vault")


def evidence(program, kept, root, rpc, folder, name):
    """Bundles of every kind that the demo's chain has, made by one program; those that it could not make."""
    district, number, handle, year = kept["home"], kept["district"], kept["handle"], kept["year"]
    funder = kept["funder"]
    wanted = {
        "round": ["round", kept["round"], "--home", root / "auditor"],
        "student": ["student", number, year, handle, "--home", district],
        "student-fields": ["student", number, year, handle, "--fields", "need", "--home", district],
        "access": ["access", number, "--home", district],
        "access-entry": ["access", number, "--entry", 0, "--home", district],
        "budget": ["budget", funder, year, "--home", root / "auditor"],
    }
    made, failed = {}, {}
    for kind, words in wanted.items():
        file = folder / f"{name}-{kind}.bundle"
        code, told, why = program.run("evidence", *words, "--rpc", rpc, "-o", file)
        if code == 0:
            made[kind] = file
        else:
            failed[kind] = why or told
    return made, failed


def before(old, demo, folder, checks):
    """What the older program says and makes while its demo is up; what the newer one must say or open."""
    root, rpc = demo.root, demo.line["explorer"]
    api = Api(int(rpc.rsplit(":", 1)[1]))
    home, district = district_of(root)
    handles = old.must("vault", "handles", "--home", home)
    first = next(iter(walk(handles, "handle")), None)
    rounds = api.json("/v1/rounds")
    budget = api.json("/v1/budgets")["budgets"][0]
    kept = {
        "home": home, "district": district, "handle": first["handle"], "year": first["school_year"],
        "round": max(walk_values(rounds, "round")), "funder": budget["funder"],
        "handles": handles, "lists": {path: listed(api, path) for path in LISTS},
    }
    kept["record"] = old.must("vault", "get", kept["handle"], *RECORD, "--home", home)
    old.must("vault", "log", "anchor", "--home", home, "--rpc", rpc)
    old.must("district", "export", "-o", folder / "portable-old", "--home", home, "--rpc", rpc)
    kept["link"] = old.must("vault", "link", kept["handle"], "--days", "5", "--home", home)
    kept["bundles"], failed = evidence(old, kept, root, rpc, folder, "old")
    checks.see("homes: the older program makes evidence of each kind", not failed, failed or sorted(kept["bundles"]))
    served = old.run("district", "run", "--once", "--home", home, "--rpc", rpc)
    kept["duties"] = duties(old.must("district", "status", "--home", home, "--rpc", rpc, exits=(0, 1)))
    checks.see("homes: the older program does a district's duties", served[0] in (0, 1), served[1] or served[2])
    old.must("node", "backup", "-o", folder / "node-copy", "--home", root / "node-01")
    old.must("backup", "--data", folder / "vault-copy", "--keys", folder / "key-copy", "--home", home)
    kept["shown"] = api.ask(kept["link"]["path"])[0]
    # What comes after this reads no more of the vault.
    kept["vault"] = {name: old.must("vault", *name.split(), "--home", home) for name in ("status", "log list")}
    return kept


# What the district itself may read, for what.
RECORD = ("--fields", "band", "--class", "resource_allocation", "--purpose", "resource_allocation")
# Lists of the API that must be what they were when the node is started by another program.
LISTS = ("/v1/districts", "/v1/schools", "/v1/rounds", "/v1/pools", "/v1/classes", "/v1/budgets", "/v1/twin-parameters", "/v1/milestones")


def listed(api, path):
    """A list, without the height at which it was asked for."""
    told = api.json(path)
    if isinstance(told, dict):
        told.pop("height", None)
    return told


def walk(value, name):
    """Every object in an answer that has a field of this name."""
    if isinstance(value, dict):
        if name in value:
            yield value
        for one in value.values():
            yield from walk(one, name)
    elif isinstance(value, list):
        for one in value:
            yield from walk(one, name)


def walk_values(value, name):
    return [one[name] for one in walk(value, name) if isinstance(one[name], int)]


def lines_that_differ(before_, now):
    """Files of an export that do not have every line that they had; the log of reads and what is counted of it grow."""
    names = [file.name for file in sorted(before_.iterdir()) if file.name != "manifest.json"]
    read = lambda folder, name: set((folder / name).read_text().splitlines()) if (folder / name).exists() else set()
    return [name for name in names if not read(before_, name) <= read(now, name) or (name != "access-log.jsonl" and read(before_, name) != read(now, name))]


def duties(told):
    """What became of each duty that was ever begun, by its name."""
    return {one["duty"]: (one["last"], one["done"], one["failed"]) for one in walk(told, "duty") if one["last"] is not None}


def same_or_more(was, now):
    """Whether an answer says all that it said before; it may say more by name."""
    if isinstance(was, dict):
        return isinstance(now, dict) and all(name in now and same_or_more(value, now[name]) for name, value in was.items() if name not in PASSING)
    if isinstance(was, list):
        return isinstance(now, list) and len(was) == len(now) and all(same_or_more(one, other) for one, other in zip(was, now))
    return was == now


def reports(old, homes, folder, checks, new):
    """An export by the older program, its node stopped, is built again by the newer one."""
    out = folder / "export"
    height = homes["height"]
    code, told, why = old.run("report", "state", "--as-of", height, "-o", out, "--home", homes["node"])
    if not checks.see("homes: the older program exports the state", code == 0, told if code == 0 else why):
        return
    code, told, why = new.run("report", "state", "--verify", out / "manifest.json", "--home", homes["node"])
    checks.see("homes: its export is built again, byte for byte", code == 0, (told or why))


def chains(new, root, checks):
    """Every node's chain executes again to the same roots."""
    heights = []
    for home in sorted(root.glob("node-*")):
        if not home.is_dir():
            continue
        code, told, why = new.run("replay", "--home", home, limit=900)
        checks.see(f"homes: the chain of {home.name} replays", code == 0, told or why)
        heights.append(told["height"] if told and code == 0 else None)
    return heights


def nodes_of(root):
    """The demo's nodes, at the addresses that their config.toml gives them."""
    nodes = []
    for home in sorted(root.glob("node-*")):
        if home.is_dir():
            listen = tomllib.loads((home / "config.toml").read_text())["api"]["listen"]
            nodes.append(Node(home, int(listen.rsplit(":", 1)[1])))
    return nodes


def pages(node, checks):
    """Every page that the first one leads to, and every list."""
    status, body = node.api.ask("/")
    links = sorted(set(re.findall(r'href="(/[^"#]*)"', (body or b"").decode(errors="replace")))) if status == 200 else []
    links = [link.replace("&amp;", "&") for link in links]
    wrong = [(link, code) for link in links if (code := node.api.ask(link)[0]) not in (200, 303)]
    checks.see("homes: the explorer shows every page that its first one leads to", len(links) > 10 and not wrong, wrong[:5] or f"{len(links)} pages")
    return len(links)


def vault(new, kept, folder, checks, rpc):
    """The vault of a district opens, and says what it said."""
    home = kept["home"]
    code, told, why = new.run("vault", "handles", "--home", home)
    checks.see("homes: the vault opens and has every student", code == 0 and told == kept["handles"], why if code else f"{len(list(walk(told, 'handle')))} handles")
    for name, was in kept["vault"].items():
        code, told, why = new.run("vault", *name.split(), "--home", home)
        same = code == 0 and (same_or_more(was, told) or (name == "log list" and began(was, told)))
        checks.see(f"homes: `aula vault {name}` says what it said", same, why if code else f"was {json.dumps(was)[:160]}, is {json.dumps(told)[:160]}")
    code, told, why = new.run("vault", "get", kept["handle"], *RECORD, "--home", home)
    same = code == 0 and all(told[name] == kept["record"][name] for name in ("fields", "events", "granted", "absent"))
    checks.see("homes: a student's record opens", same, why if code else told)
    code, told, why = new.run("district", "export", "-o", folder / "portable-new", "--home", home, "--rpc", rpc)
    differs = lines_that_differ(folder / "portable-old", folder / "portable-new") if code == 0 else None
    checks.see("homes: every record opens, and says what it said", code == 0 and not differs, why if code else differs or told)
    code, told, why = new.run("district", "rebuild", folder / "portable-old")
    checks.see("homes: twins are rebuilt from an export made before", code == 0, why if code else told)
    code, told, why = new.run("district", "status", "--home", home, "--rpc", rpc)
    read = duties(told) if told else {}
    checks.see("homes: what became of each duty is read", kept["duties"] and all(read.get(name) == was for name, was in kept["duties"].items()), f"{sorted(kept['duties'])} before, {sorted(read)} now, {why}")
    code, told, why = new.run("district", "run", "--once", "--home", home, "--rpc", rpc)
    checks.see("homes: a district's duties go on", code == 0, why if code else told)


def began(was, now):
    """Whether a list of the access log begins with what it was: reads of ours came after."""
    older, newer = next((v for v in was.values() if isinstance(v, list)), None), next((v for v in now.values() if isinstance(v, list)), None)
    return older is not None and newer is not None and len(newer) >= len(older) and same_or_more(older, newer[: len(older)])


def copies(new, kept, folder, checks):
    """Copies that the older program made are put back by the newer one."""
    node, home = folder / "node-back", folder / "vault-back"
    code, told, why = new.run("node", "restore", folder / "node-copy", "--home", node, limit=600)
    checks.see("homes: a copy of a node's database is restored", code == 0, why if code else told)
    if code == 0:
        code, told, why = new.run("replay", "--home", node, limit=600)
        checks.see("homes: and replays", code == 0, why if code else told)
    code, told, why = new.run("restore", "--data", folder / "vault-copy", "--keys", folder / "key-copy", "--home", home)
    checks.see("homes: a copy of a vault is restored", code == 0, why if code else told)
    if code == 0:
        code, told, why = new.run("vault", "handles", "--home", home)
        checks.see("homes: and has every student", code == 0 and told == kept["handles"], why)


def audits(old, new, kept, root, rpc, folder, checks, genesis):
    """Evidence of the older program is verified by the newer one; and the other way, as long as the chain goes by the older protocol."""
    kept["bundles"]["demo"] = kept["demo"]
    for kind, bundle in sorted(kept["bundles"].items()):
        code, told, why = new.verify(bundle, genesis)
        checks.see(f"homes: evidence made before ({kind}) verifies", code == 0 and told["valid"], why or (told and told["standing"]))
    made, failed = evidence(new, kept, root, rpc, folder, "new")
    checks.see("homes: evidence of each kind is made of what was there", not failed, failed or sorted(made))
    refused = {}
    for kind, bundle in made.items():
        for program in (new, old):
            code, told, why = program.verify(bundle, genesis)
            if code != 0:
                refused[f"{kind} by {program.path.parent.name}"] = why or told
    checks.see("homes: it verifies with both programs' auditors", not refused, refused)
    return len(kept["bundles"]), len(made)


def run(old, new, folder, checks, data, validators):
    """Makes the demo's homes with the older program, opens them with the newer."""
    tell("the demo of the older program plays a grade")
    demo = Demo(old, folder, data, validators)
    try:
        kept = before(old, demo, folder, checks)
        kept["demo"] = demo.line["bundle"]
    finally:
        ended = demo.stop()
    checks.see("homes: the older demo ends with 0", ended == 0, ended)
    root, genesis = demo.root, demo.line["genesis"]
    code, told, why = old.run("snapshot", "create", "--home", root / "node-01")
    checks.see("homes: the older program makes a snapshot", code == 0, why if code else told)
    code, told, why = new.run("snapshot", "verify", "--home", root / "node-01")
    checks.see("homes: it verifies", code == 0, why if code else told)
    heights = chains(new, root, checks)
    if heights and heights[0]:
        reports(old, {"node": root / "node-01", "height": heights[0]}, folder, checks, new)
    nodes = nodes_of(root)
    try:
        for node in nodes:
            began = node.start(new)
            checks.see(f"homes: {node.home.name} starts", began, "" if began else node.told()[-400:])
        tip = max((node.api.height() or 0 for node in nodes), default=0)
        came = nodes[0].until(tip + 5, LONG_S)
        checks.see("homes: the chain goes on", came is not None, f"from {tip}")
        told = nodes[0].api.status() or {}
        checks.see("homes: by the protocol that it has", told.get("protocol", {}).get("now") == old.protocol, told.get("protocol"))
        silent = [node.home.name for node in nodes if (node.api.status() or {}).get("silent_because")]
        checks.see("homes: every validator signs", not silent, silent)
        differs = [path for path, was in kept["lists"].items() if not same_or_more(was, listed(nodes[0].api, path))]
        checks.see("homes: every list says what it said", not differs, differs or f"{len(LISTS)} lists")
        shown = pages(nodes[0], checks)
        code = nodes[0].api.ask(kept["link"]["path"])[0]
        checks.see("homes: a family's link made before opens", code == kept["shown"] and code in (200, 303), f"{kept['shown']} before, {code} now")
        code, told, why = new.run("doctor", "--home", nodes[0].home)
        found = [check for check in (told or {}).get("checks", []) if check["level"] == "fail"]
        checks.see("homes: doctor finds nothing that fails", told and not found, found)
        vault(new, kept, folder, checks, nodes[0].rpc)
        before_, made = audits(old, new, kept, root, nodes[0].rpc, folder, checks, genesis)
    finally:
        codes = [node.stop()[0] for node in nodes]
    checks.see("homes: the nodes end with 0", codes == [0] * len(nodes), codes)
    copies(new, kept, folder, checks)
    return {"height": heights, "evidence_made_before": before_, "evidence_made_now": made, "pages": shown, "students": demo.line["students"]}
