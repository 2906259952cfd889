#!/usr/bin/env python3
"""The figures that a release must not lose, measured on this machine and written as a page.

    ./scripts/qa-report.py [--bin DIR] [--data DIR] [--tools DIR] [--last PAGE] [--only NAME,NAME] [-o docs/qa/VERSION.md]

DIR of --bin holds the built aula and aula-audit (target/release). --data is a folder with timetables/, buildings/rc5r1c,
coherence_map/, timss11_aut/ and oulad/ as docs/estate.md and README.md describe them; --tools is the one that
scripts/bench-allocation.sh names, with the optimizer's peers. What is lacking is named as not measured. Each row says what was
measured, the bar, and what the last release had: from its page (--last; the newest in docs/qa by default), and where that has no
such row, what was had when the bars were set. A figure more than 10% behind is marked, and so is a missed bar. Nothing else should
run meanwhile: the load before each measurement is in the table. About fifty minutes; reads want wrk and nginx, dashboards cargo.
Exit 1 when a bar is missed, 2 when something could not be measured.
"""
import argparse, datetime, importlib.metadata, json, math, os, pathlib, platform, re, shutil, signal, subprocess, sys, tempfile, time, urllib.request

parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
parser.add_argument("--bin", default="target/release", help="folder of aula and aula-audit")
parser.add_argument("--data", help="folder with timetables/, buildings/rc5r1c and coherence_map/")
parser.add_argument("--tools", help="folder of gen_instances.py, bench_peers.py and lemon_peer")
parser.add_argument("--last", help="the page of the last release; default the newest in docs/qa")
parser.add_argument("--only", help="names of measurements, by commas; --only list names them")
parser.add_argument("-o", dest="out", help="the page; default docs/qa/VERSION.md")
args = parser.parse_args()
AULA = os.path.abspath(os.path.join(args.bin, "aula"))
AUDIT = os.path.abspath(os.path.join(args.bin, "aula-audit"))
WORK = pathlib.Path(tempfile.mkdtemp(prefix="aula-qa-"))


class Missing(Exception):
    """Why something cannot be measured here."""


def data(*parts):
    """A file of --data, which a measurement needs."""
    path = pathlib.Path(args.data or "", *parts)
    if not args.data or not path.exists():
        raise Missing(f"needs {'/'.join(parts)} under --data")
    return str(path)


def run(*command, limit=1800):
    """The one JSON line a command prints. An exit code of 1 is an answer too."""
    done = subprocess.run([*command, "--output", "json"], capture_output=True, text=True, timeout=limit)
    if done.returncode not in (0, 1) or not done.stdout.strip():
        raise Missing(f"{' '.join(command[:3])} ended with {done.returncode}: {done.stderr.strip()[-200:]}")
    return json.loads(done.stdout)


def aula(*command, **kinds):
    return run(AULA, *command, **kinds)


def script(name, *words, limit=3600, **settings):
    """What a script of this folder prints."""
    here = pathlib.Path(__file__).parent
    env = {**os.environ, "AULA": AULA, **{key: str(value) for key, value in settings.items()}}
    done = subprocess.run([here / name, *words], capture_output=True, text=True, timeout=limit, env=env)
    if done.returncode:
        raise Missing(f"{name} ended with {done.returncode}: {(done.stderr or done.stdout).strip()[-200:]}")
    return done.stdout


def tools():
    if not args.tools or not pathlib.Path(args.tools, "bench_peers.py").exists():
        raise Missing("needs bench_peers.py and its peers under --tools")
    return os.path.abspath(args.tools)


def beside_peers(families, **settings):
    """Aula's time, its audit's and the best peer's over ours, a row a family."""
    told = script("bench-allocation.sh", *families, TOOLS=tools(), SEEDS="1", REPS="3", PYTHON=sys.executable, **settings)
    rows = [line.split() for line in told.splitlines()[1:]]
    return {row[0]: (float(row[2]), float(row[3]), row[4], float(row[6])) for row in rows}


# What each measurement gives: rows of (what, value, unit, bar, had, "less" or "more" is better). None: no bar, or not had.
def demo():
    began = time.monotonic()
    found = aula("demo", "--once", "--home", str(WORK / "demo"))
    took = time.monotonic() - began
    if not (found["optimal"] and found["mandates_met"]):
        raise Missing("the demo's rounds are not optimal, or a mandate is not met")
    began = time.monotonic()
    verdict = run(AUDIT, "verify", found["bundle"], "--genesis", found["genesis"])
    verified = time.monotonic() - began
    if not verdict["valid"]:
        raise Missing("the demo's bundle does not verify")
    node = next(path.parent for path in sorted((WORK / "demo").rglob("config.toml")))
    began = time.monotonic()
    replayed = aula("replay", "--home", str(node))
    if not replayed["agrees"]:
        raise Missing("a replay of the demo's chain does not agree")
    again = time.monotonic() - began
    shutil.rmtree(WORK / "demo", ignore_errors=True)
    return [
        ("demo, four school years", round(took, 1), "s", 90, 86.7, "less"),
        ("its bundle verified", round(verified, 2), "s", None, 1.5, "less"),
        (f"its {replayed['height']} blocks executed again", round(again, 1), "s", None, 7.8, "less"),
        ("objective of all rounds", found["objective"], "", None, 802_922_880, "same"),
        ("placed", found["allocated"], "of " + str(found["requests"]), None, 4274, "same"),
    ]


def records():
    found = aula("bench", "ledger", "--validators", "4", "--seconds", "20", "--records", "300000")
    return [("records anchored and final", round(found["records_per_s"]), "/s", 40_000, 53_000, "more")]


def latency():
    found = aula("bench", "ledger", "--validators", "4", "--seconds", "20", "--records", "10000", "--rate", "1000")
    ms = found["latency_ms"]
    return [
        ("submit to final at 1,000/s, p97", round(ms["p97"], 1), "ms", 142, 98, "less"),
        ("the same, p99", round(ms["p99"], 1), "ms", None, 111, "less"),
    ]


def single_records():
    found = aula("bench", "ledger", "--validators", "4", "--seconds", "20", "--records", "60000", "--rate", "3500")
    return [
        ("transactions at 3,500/s, kept up", round(found["transactions_per_s"]), "/s", 3_400, None, "more"),
        ("their p97", round(found["latency_ms"]["p97"], 1), "ms", None, None, "less"),
    ]


def one_dead():
    """Intervals between blocks as a client sees them, one of four validators killed."""
    home = str(WORK / "dead")
    net = subprocess.Popen(
        [AULA, "localnet", "--validators", "4", "--home", home, "--output", "json"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )
    try:
        nodes = []
        for line in net.stdout:
            said = json.loads(line)
            if said.get("ready"):
                break
            nodes.append(said)
        time.sleep(5)
        os.kill(nodes[3]["pid"], signal.SIGKILL)
        status = nodes[0]["rpc"].rstrip("/") + "/v1/status"

        def height():
            return json.load(urllib.request.urlopen(status, timeout=5))["height"]

        last, at, gaps, end = height(), time.monotonic(), [], time.monotonic() + 60
        while time.monotonic() < end:
            time.sleep(0.02)
            now = height()
            if now > last:
                gaps += [(time.monotonic() - at) / (now - last)] * (now - last)
                last, at = now, time.monotonic()
        gaps = gaps[1:]
        return [
            ("one of four dead, a block, mean", round(sum(gaps) / len(gaps), 2), "s", 1.0, 1.4, "less"),
            ("one of four dead, the longest", round(max(gaps), 2), "s", 2.5, 2.4, "less"),
        ]
    finally:
        net.send_signal(signal.SIGTERM)
        net.wait(60)


def proofs():
    found = aula("bench", "zk")
    return [
        ("range proof of 32 bits, in a batch", round(found["batch_us_per_proof"]), "us", 250, 206, "less"),
        ("a value of an aggregated proof", round(found["aggregated_us_per_value"]), "us", None, 51, "less"),
    ]


def trajectories():
    graph = data("coherence_map")
    mastery = WORK / "mastery.json"
    mastery.write_text("{}")
    found = aula("twin", "plan", "--graph", graph, "--mastery", str(mastery), "--trajectories", "10000", "--seed", "1")
    return [("10,000 trajectories over 480 skills", round(found["time_ms"]), "ms", 200, 69, "less")]


def feeds():
    rows = []
    for source, bar in (("frames", 100_000), ("xapi", 30_000), ("mqtt", None), ("kafka", None)):
        try:
            found = aula("bench", "feed", "--seconds", "10", "--source", source)
        except Missing as why:
            rows.append((f"{source}: not measured, {why}", None, "", None, None, "more"))
            continue
        if found["lost"] or found["duplicated"]:
            raise Missing(f"{source}: lost {found['lost']}, duplicated {found['duplicated']}")
        rows.append((f"{source}: durable and folded", round(found["durable_events_per_s"]), "/s", bar, None, "more"))
        aim = 50 if source == "mqtt" else None
        rows.append((f"{source}: p99 at 5,000/s", round(found["latency_ms"]["p99"], 1), "ms", aim, None, "less"))
    return rows


def simulator():
    began = time.monotonic()
    hours, seeds = 0.0, 0
    while time.monotonic() - began < 60:
        found = aula("sim", "--seed", str(9000 + seeds), "--hours", "1", "--nodes", "4")
        if found["violations"]:
            raise Missing(f"seed {9000 + seeds} breaks {found['violations']}")
        hours, seeds = hours + 4 * found["hours"], seeds + 1
    rate = hours * 3600 / (time.monotonic() - began)
    return [(f"simulated node-hours an hour, one thread, {seeds} seeds", round(rate), "", 100, None, "more")]


def energy():
    folder = data("buildings", "rc5r1c")
    office = WORK / "office.csv"
    import gzip

    office.write_bytes(gzip.open(os.path.join(folder, "office.csv.gz")).read())
    found = aula("estate", "energy", os.path.join(folder, "office.json"), "--inputs", str(office), "-o", str(WORK / "h.csv"))
    return [("a year of one zone, 46 of them", round(46 * found["cpu_ms"] / 1000, 2), "s", 2.0, None, "less")]


def timetables():
    best = {"01": 5, "03": 64, "05": 284, "07": 6, "09": 96, "11": 0, "13": 59, "15": 62, "17": 56, "19": 57, "21": 74}
    files = sorted(pathlib.Path(data("timetables", "cbctt")).glob("comp*.ctt"))
    cost = known = 0
    for file in files:
        found = aula("estate", "timetable", str(file), "--seconds", "60", "--seed", "1", "-o", str(WORK / "t"))
        if found["hard"]:
            raise Missing(f"{file.stem} breaks {found['hard']} hard constraints")
        cost, known = cost + found["cost"], known + best[file.stem[4:6]]
        print(f"    {file.stem} {found['cost']} ({best[file.stem[4:6]]})", file=sys.stderr)
    return [(f"timetables, {len(files)} instances at 60 s: cost over best", round(cost / known, 3), "", 1.45, None, "less")]


def optimizer():
    dense = beside_peers(["uniform", "geo", "tight", "over3", "under", "hotspot", "floors"])
    ratios = [ratio for _, _, _, ratio in dense.values()]
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
    hard = beside_peers(["ties", "sparse5"])
    square = beside_peers(["square"], PEERS="lap", SIZES="2000 2000")
    return [
        ("optimum at 15,000×400, the least of seven dense families over the best peer", round(min(ratios), 1), "×", 15, 16, "more"),
        ("the same, geometric mean", round(mean, 1), "×", None, None, "more"),
        ("ties, over the best peer", round(hard["ties"][3], 1), "×", 3, 3.5, "more"),
        ("5% eligible, over the best peer", round(hard["sparse5"][3], 1), "×", 3, 3.5, "more"),
        ("capacity 1 at 2,000, over lap", round(square["square"][3], 1), "×", 1, 1.0, "more"),
        ("audit of a dense round, the longest", max(audit for _, audit, _, _ in dense.values()), "ms", 10, 5.2, "less"),
    ]


def model():
    log = data("timss11_aut", "open", "responses.csv.gz")
    found = aula("twin", "evaluate", "--split", log, "--baselines")
    best = max(one["auc"] for one in found["baselines"].values())
    return [
        ("next response of students never seen, AUC", round(found["auc"], 4), "", round(best, 4), 0.7925, "more"),
    ]


def reads():
    told = script("bench-explorer.sh", SECONDS_EACH=10)
    mixed = told.split("== mixed")[1].split("-- ")[0]
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", mixed)[1])
    slow, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", mixed).groups()
    ms = float(slow) * {"us": 0.001, "ms": 1, "s": 1000}[unit]
    return [
        ("API reads, ten routes by turns", round(rate), "/s", 12_000, 19_800, "more"),
        ("their p99", round(ms, 1), "ms", 500, 17, "less"),
    ]


def newcomer():
    found = json.loads(script("bench-join.sh", "10").strip().splitlines()[-1])
    if not found["liar_named"]:
        raise Missing("the peer that lied was not named")
    return [
        ("newcomer to a tenth of 20,000 blocks, by snapshot, one of three peers lies", round(found["snapshot_s"], 1), "s", 60, None, "less"),
        ("the same by every block", round(found["blocks_s"], 1), "s", None, None, "less"),
    ]


def dashboards():
    told = script("bench-dashboards.sh")
    found = re.search(r"p99 (\d+) ms.*?; (\d+) bytes each", told)
    if not found:
        raise Missing(f"the bench said {told[-200:]}")
    return [
        ("10,000 dashboards: a change seen, p99", int(found[1]), "ms", 250, None, "less"),
        ("a change", int(found[2]), "bytes", 2_048, None, "less"),
    ]


MEASURED = [
    demo, records, latency, single_records, one_dead, proofs, trajectories, model, optimizer, feeds, reads, newcomer, simulator,
    dashboards, energy, timetables,
]
if args.only == "list":
    print("\n".join(measure.__name__ for measure in MEASURED))
    sys.exit()
chosen = [m for m in MEASURED if not args.only or m.__name__ in args.only.split(",")]
if not chosen:
    sys.exit(f"none of --only is a measurement: {', '.join(m.__name__ for m in MEASURED)}")


def verdict(value, bar, had, better):
    if value is None:
        return "not measured"
    if better == "same":
        return "as before" if value == had else f"**changed** (had {had:,})"
    ahead = (lambda a, b: a <= b) if better == "less" else (lambda a, b: a >= b)
    said = []
    if bar is not None:
        said.append("holds" if ahead(value, bar) else "**misses the bar**")
    if had is not None:
        change = (value - had) / had * (1 if better == "less" else -1)
        if change > 0.10:
            said.append(f"**{change:.0%} behind**")
    return ", ".join(said)


def last_figures():
    """What the last release's page says it measured, by row."""
    pages = [page for page in pathlib.Path("docs/qa").glob("*.md") if page.resolve() != out.resolve()]
    pages.sort(key=lambda page: [int(n) for n in re.findall(r"\d+", page.stem)])
    page = pathlib.Path(args.last) if args.last else pages[-1] if pages else None
    if page is None:
        return {}
    cells = [[cell.strip() for cell in line.split("|")] for line in page.read_text().splitlines() if line.startswith("| ")]
    number = lambda text: re.match(r"[\d,.]+", text)
    rows = [(row[1], number(row[2])) for row in cells if len(row) > 3]
    return {what: float(found[0].replace(",", "")) for what, found in rows if found}


def peers():
    """Others' programs that were measured beside, with their versions."""
    found = []
    for package in ("ortools", "POT", "lap", "numpy"):
        try:
            found.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            pass
    for program, flag in (("nginx", "-v"), ("wrk", "-v"), ("rustc", "--version")):
        if shutil.which(program):
            told = subprocess.run([program, flag], capture_output=True, text=True)
            found.append((told.stdout + told.stderr).splitlines()[0].removeprefix("nginx version: "))
    return ", ".join(found)


version = subprocess.run([AULA, "--version"], capture_output=True, text=True).stdout.split()[-1]
out = pathlib.Path(args.out or f"docs/qa/{version}.md")
LAST = last_figures()
commit = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True).stdout.strip()
cpu = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), platform.machine())
lines, missed, absent = [], 0, 0
for measure in chosen:
    print(f"{measure.__name__} …", file=sys.stderr, flush=True)
    load = os.getloadavg()[0]
    try:
        rows = measure()
    except (Missing, subprocess.TimeoutExpired, KeyError, ValueError) as why:
        rows = [(f"{measure.__name__}: not measured, {why}", None, "", None, None, "more")]
    for what, value, unit, bar, had, better in rows:
        had = LAST.get(what, had)
        said = verdict(value, bar, had, better)
        missed += "misses" in said
        absent += value is None
        figure = "" if value is None else f"{value:,} {unit}".strip()
        number = lambda n: "" if n is None else f"{n:,}"
        lines.append(f"| {what} | {figure} | {number(had)} | {number(bar)} | {said} | {load:.1f} |")
        print(f"    {what}: {figure} {said}", file=sys.stderr, flush=True)

page = f"""# Figures of {version}

Written by `scripts/qa-report.py` on {datetime.date.today().isoformat()}, commit {commit}.
{os.cpu_count()} cores of {cpu}, {os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') >> 30} GiB.
Beside it: {peers()}. LEMON is what --tools has built.
*had* is what the last release measured, or what was had when the bars were set; *load* the machine's before the measurement.

| what | measured | had | bar | | load |
|---|---|---|---|---|---|
""" + "\n".join(lines) + "\n"
out.parent.mkdir(parents=True, exist_ok=True)
out.write_text(page)
shutil.rmtree(WORK, ignore_errors=True)
print(f"{out}: {len(lines)} figures, {missed} bars missed, {absent} not measured")
sys.exit(1 if missed else 2 if absent else 0)
