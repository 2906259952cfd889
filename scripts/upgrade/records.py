"""A district at work under an earlier build: a roster, live feeds, a record store, the lake; then all of it under the present one."""
import base64, hashlib, http.client, json, pathlib, subprocess, sys, time, uuid

from nodes import LONG_S, CannotRun, Node, ports

HERE = pathlib.Path(__file__).resolve().parent
STUDENTS, EVENTS, STATEMENTS = 120, 600, 40
HOME_PAGE = "https://sis.example.org"
VERB = "http://adlnet.gov/expapi/verbs/answered"


class Feed:
    """Sends to a feed as one of its clients."""

    def __init__(self, port):
        self.port = port
        self.auth = "Basic " + base64.b64encode(b"registers:t").decode()

    def ask(self, method, path, body=None, **headers):
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            line.request(method, path, body, {"Authorization": self.auth, **headers})
            answer = line.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            return None, str(error).encode()
        finally:
            line.close()

    def events(self, first, last, now):
        lines = [
            {"id": f"e-{n}", "at": now - 3_600_000 + n * 1_000, "student": f"S-{1 + n % STUDENTS:04}",
             "event": {"kind": "response", "item": n % 500, "skills": [1 + n % 20], "correct": n % 3 > 0, "duration_ms": 900}}
            for n in range(first, last)
        ]
        body = "\n".join(json.dumps(line) for line in lines).encode()
        status, said = self.ask("POST", "/events", body, **{"Content-Type": "application/x-ndjson"})
        return json.loads(said) if status == 200 else {"status": status, "said": said.decode(errors="replace")[:200]}

    def xapi(self, method, path, body=None):
        headers = {"X-Experience-API-Version": "1.0.3", "Content-Type": "application/json"}
        return self.ask(method, f"/xapi/{path}", body and json.dumps(body).encode(), **headers)

    def found(self, query):
        """The identifiers of the statements that a query finds; none when it is refused."""
        status, said = self.xapi("GET", f"statements?{query}&limit=200")
        return sorted(one["id"] for one in json.loads(said)["statements"]) if status == 200 else None


def account(name):
    return {"objectType": "Agent", "account": {"homePage": HOME_PAGE, "name": name}}


def statement(n, score=1):
    """Every third names a teacher too, who must be found by `related_agents`."""
    made = {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"statement-{n}")), "actor": account(f"S-{1 + n % 10:04}"), "verb": {"id": VERB},
        "object": {"id": f"https://lms.example.org/unit/{n % 4}"}, "result": {"success": True, "score": {"raw": score}}, "timestamp": f"2026-09-0{1 + n % 9}T10:00:00.000Z",
    }
    if n % 3 == 0:
        made["context"] = {"instructor": account("T-1")}
    return made


def settings(home, frames, xapi):
    """A feed of lines and a record store, with one client."""
    clients = home / "feed.toml"
    secret = hashlib.sha256(b"t").hexdigest()
    clients.write_text(f'[[client]]\nname = "registers"\nsecret_sha256 = "{secret}"\nscopes = ["all"]\n')
    clients.chmod(0o600)
    feeds = [("registers", "frames", frames, ""), ("lms", "xapi", xapi, f'home_page = "{HOME_PAGE}"\n')]
    with open(home / "config.toml", "a", encoding="utf-8") as file:
        for name, kind, port, more in feeds:
            file.write(f'\n[[feed]]\nname = "{name}"\nkind = "{kind}"\nlisten = "127.0.0.1:{port}"\nclients = "{clients}"\n{more}')


def until(what, asked, limit=LONG_S):
    """Asks until the answer is true."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        if asked():
            return
        time.sleep(0.2)
    raise CannotRun(f"{what} does not happen within {limit} s")


def made(old, folder):
    """A chain of one validator, which is the district's node, with its schools, its vault and a roster."""
    base = ports(6)
    home, genesis, roster = folder / "lake", folder / "genesis.json", folder / "sis"
    old.must("init", "--home", home, "--name", "lake", "--p2p", f"/ip4/127.0.0.1/tcp/{base}")
    old.must("genesis", "--name", "county", "--operator", home / "operator.json", "-o", genesis)
    old.must("join", "--home", home, "--genesis", genesis, "--listen", f"127.0.0.1:{base + 2}")
    node = Node(home, base + 2)
    if not node.start(old):
        raise CannotRun(f"the district's node does not start: {node.told()[-300:]}")
    ask = lambda *words: old.must(*words, "--home", home)
    number = ask("consortium", "propose", "--admit-district", 1, "--name", "Lake", "--operator", "lake")["proposal"]
    ask("consortium", "vote", number, "yes")
    until("the district's admission", lambda: node.api.json("/v1/districts/1"))
    for school, name in ((11, "North"), (12, "South")):
        ask("district", "school", "add", "--school", school, "--name", name, "--type", "elementary")
    ask("vault", "init")
    ask("vault", "bind")
    roster.mkdir()
    subprocess.run([sys.executable, "-B", HERE.parent / "platform-peers" / "sis.py", roster], check=True)
    ask("district", "import", roster, "--format", "oneroster")
    node.stop()
    settings(home, base + 3, base + 4)
    return node, roster, Feed(base + 3), Feed(base + 4)


AGENT = "agent=%7B%22account%22%3A%7B%22homePage%22%3A%22https%3A%2F%2Fsis.example.org%22%2C%22name%22%3A%22{}%22%7D%7D"
QUERIES = {
    "all": "ascending=true",
    "an actor": AGENT.format("S-0001"),
    "a teacher anywhere": "related_agents=true&" + AGENT.format("T-1"),
    "an actor anywhere": "related_agents=true&" + AGENT.format("S-0001"),
    "an activity": "activity=https%3A%2F%2Flms.example.org%2Funit%2F1",
    "an activity anywhere": "related_activities=true&activity=https%3A%2F%2Flms.example.org%2Funit%2F1",
    "a verb": "verb=" + "http%3A%2F%2Fadlnet.gov%2Fexpapi%2Fverbs%2Fanswered",
}
STATE = "activities/state?stateId=bookmark&activityId=https%3A%2F%2Flms.example.org%2Funit%2F1&" + QUERIES["an actor"]


def state_of(program, home):
    """What a district's home says of itself."""
    told = {}
    for name, words in {"handles": ["vault", "handles"], "feeds": ["feed", "status"]}.items():
        code, answer, why = program.run(*words, "--home", home)
        # Two programs that fail alike would agree.
        if code != 0:
            raise CannotRun(f"aula {' '.join(words)} ends with {code}: {why[-200:]}")
        told[name] = answer
    told["events"] = {feed["name"]: feed["events"] for feed in told["feeds"]["feeds"]}
    return told


def before(old, folder, checks):
    """The older program takes everything in."""
    node, roster, frames, store = made(old, folder)
    if not node.start(old):
        raise CannotRun(f"the district's node does not start with its feeds: {node.told()[-300:]}")
    until("the feeds listen", lambda: store.xapi("GET", "about")[0] == 200)
    now = int(time.time() * 1_000)
    said = frames.events(0, EVENTS, now)
    checks.see("records: the older program takes events", said.get("new") == EVENTS, said)
    status, _ = store.xapi("POST", "statements", [statement(n) for n in range(STATEMENTS)])
    checks.see("records: and statements", status == 200, status)
    status, _ = store.xapi("PUT", STATE, {"page": 7})
    checks.see("records: and a document", status == 204, status)
    kept = {"now": now, "found": {name: store.found(query) for name, query in QUERIES.items()}}
    old.must("lake", "sync", "--home", node.home, exits=(0, 1))
    kept["lake"] = rows_of(old, node.home)
    code, told, why = old.run("feed", "trace", "--feed", "registers", "--message", "e-1", "--home", node.home)
    kept["trace"] = told
    checks.see("records: and traces one", code == 0, why if code else "")
    code = node.stop()[0]
    kept["state"] = state_of(old, node.home)
    checks.see("records: it ends with 0", code == 0, code)
    return node, roster, frames, store, kept


def rows_of(program, home):
    told = program.must("lake", "status", "--home", home)
    return {table["name"]: table["rows"] for table in told["tables"]}


def after(new, made_before, checks):
    """The newer program has all of it, takes nothing twice, and goes on."""
    node, roster, frames, store, kept = made_before
    now = state_of(new, node.home)
    differs = [name for name in ("handles", "events") if now[name] != kept["state"][name]]
    checks.see("records: students and what feeds brought are what they were", not differs, differs and {name: (kept["state"][name], now[name]) for name in differs})
    if not checks.see("records: the node starts with its feeds", node.start(new), node.told()[-300:] if not node.api.status() else ""):
        return
    until("the feeds listen", lambda: store.xapi("GET", "about")[0] == 200)
    said = frames.events(0, EVENTS, kept["now"])
    checks.see("records: events that come again are known", said.get("known") == EVENTS and said.get("new") == 0, said)
    said = frames.events(EVENTS, EVENTS + 50, kept["now"])
    checks.see("records: new ones are new", said.get("new") == 50, said)
    wrong = {name: (len(was or []), len(store.found(QUERIES[name]) or [])) for name, was in kept["found"].items() if store.found(QUERIES[name]) != was}
    checks.see("records: statements are found by all that they were found by", all(kept["found"].values()) and not wrong, wrong or {name: len(was) for name, was in kept["found"].items()})
    status, _ = store.xapi("POST", "statements", [statement(n) for n in range(STATEMENTS)])
    checks.see("records: statements that come again are taken as known", status == 200 and store.found("ascending=true") == kept["found"]["all"], status)
    status, _ = store.xapi("POST", "statements", [statement(0, score=2)])
    checks.see("records: another one under a known id is refused", status == 409, status)
    status, said = store.xapi("GET", STATE)
    checks.see("records: a document is there", status == 200 and json.loads(said) == {"page": 7}, status)
    code, told, why = new.run("feed", "trace", "--feed", "registers", "--message", "e-1", "--home", node.home)
    checks.see("records: an event is traced to its message as before", code == 0 and told == kept["trace"], why or (kept["trace"], told))
    code, told, why = new.run("lake", "sync", "--home", node.home)
    added = {table["name"]: (table["rows_added"], table["rows_removed"]) for table in (told or {}).get("tables", [])}
    rows = rows_of(new, node.home) if code in (0, 1) else {}
    fits = code in (0, 1) and all(removed == 0 for _, removed in added.values()) and rows.get("events") == kept["lake"].get("events", 0) + 50
    checks.see("records: the lake goes on, nothing twice", fits, why if code not in (0, 1) else f"{kept['lake']} before, {rows} now")
    # What a newer program reads of the same file may be more; it adds no row, and once.
    for again in (False, True):
        code, told, why = new.run("district", "import", roster, "--format", "oneroster", "--home", node.home)
        fits = code == 0 and told["added"] == 0 < told["unchanged"] and (told["changed"] == 0 or not again)
        checks.see(f"records: the same roster {'changes nothing when it comes again' if again else 'adds nothing'}", fits, why if code else {name: told[name] for name in ("added", "changed", "unchanged")})
    code, told, why = new.run("district", "run", "--once", "--home", node.home, limit=300)
    checks.see("records: a district's duties go on", code == 0, why if code else "")
    checks.see("records: the node ends with 0", node.stop()[0] == 0)


def run(old, new, folder, checks):
    """A district's home goes from one program to the other with all that it holds."""
    node = None
    try:
        made_before = before(old, folder, checks)
        node = made_before[0]
        after(new, made_before, checks)
        return {"events": EVENTS, "statements": STATEMENTS, "lake_rows": made_before[-1]["lake"]}
    finally:
        if node:
            node.stop()
