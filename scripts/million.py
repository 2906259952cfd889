#!/usr/bin/env python3
"""What a million students take: consortia simulated with measured costs, multiplied, and where it breaks. Standard library only.

    ./scripts/million.py [--aula target/release/aula] [--heights 20] [--seed 1] [-o docs/million.md]
    ./scripts/million.py --only 42 -o -                one size, on standard output

Runs `aula bench consortium` (simulated time: the same on every machine) for 42, 84, 128 and 200 validators, idle and with full blocks, and
`aula doctor capacity` (costs that were measured, docs/capacity.md), and writes the page. Nothing in it depends on the clock: the same program
gives the same page. About a quarter of an hour on two cores, nearly all of it for 200 validators.
Exit 1 when a simulation breaks a rule of consensus, 2 when something could not be run. """
import argparse, hashlib, json, os, pathlib, shutil, subprocess, sys

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--aula", default="target/release/aula", help="the program")
parser.add_argument("--heights", type=int, default=20, help="heights measured of each simulation; half as many with 200 validators")
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--only", help="numbers of validators, by commas [default: 42,84,128,200]")
parser.add_argument("-o", dest="out", default="docs/million.md", help="the page; - is standard output")
args = parser.parse_args()

# The plan: what is asked for.
CONSORTIA, DISTRICTS, STUDENTS = 24, 42, 992
IN_ALL = CONSORTIA * DISTRICTS * STUDENTS
DAYS = 365
# The ledger's own limits (ledger/src/params.rs, chain/validators.rs), by vote but the last.
BLOCK_BYTES, BLOCK_SIGNATURES, DISTRICT_STUDENTS, VALIDATORS = 4 * 1024 * 1024, 1_000, 200_000, 200
DISK_GB, ANCHOR_HOURS = 1_000, 8
SIZES = [int(size) for size in (args.only or "42,84,128,200").split(",")]
LOADS = {42: (1_000, 5_000, 10_000, 20_000), 200: (1_000, 5_000, 20_000)}


def run(*words, limit=7_200):
    """The one JSON line of a command; 1 is an answer too."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("AULA_")}
    try:
        done = subprocess.run([args.aula, *map(str, words), "--output", "json"], capture_output=True, text=True, timeout=limit, env=env)
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"{' '.join(map(str, words))}: {error}; name the program with --aula", file=sys.stderr)
        sys.exit(2)
    if done.returncode not in (0, 1) or not done.stdout.strip():
        print(f"{' '.join(map(str, words))} ended with {done.returncode}:\n{done.stderr.strip()[-400:]}", file=sys.stderr)
        sys.exit(2)
    return json.loads(done.stdout)


def consortium(validators, records=0, seed=args.seed):
    heights = max(2, args.heights // (2 if validators > 128 else 1))
    print(f"{validators} validators, {records} records a block, {heights} heights", file=sys.stderr)
    told = run("bench", "consortium", "--validators", validators, "--heights", heights, "--records", records, "--seed", seed)
    if told["violations"]:
        print(f"a rule does not hold: {told['violations']}", file=sys.stderr)
        sys.exit(1)
    return told


def number(value, digits=0):
    return f"{value:,.{digits}f}"


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows])


def program():
    """Which program ran: its version and its bytes; the checkout that this script lies in may be another's."""
    try:
        path = shutil.which(args.aula)
        told = subprocess.run([args.aula, "--version"], capture_output=True, text=True, timeout=60).stdout.strip()
        digest = hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest() if path else "unknown"
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"--version: {error}; name the program with --aula", file=sys.stderr)
        sys.exit(2)
    return f"`{told or 'unknown'}`, SHA-256 of the program {digest[:16]}"


def year_gb(measured, students):
    """A node's chain in a year: a block and its certificate every interval, and every student's state every day, in the block and as a row."""
    blocks = 86_400 * DAYS * 1_000 / measured["interval_ms"]
    empty = blocks * (measured["block_bytes"] + measured["certificate_bytes"]["mean"])
    return empty / 1e9, students * DAYS * COSTS["state_bytes"] / 1e9


idle = {size: consortium(size) for size in SIZES}
loaded = {size: {load: consortium(size, load) for load in LOADS.get(size, ())} for size in SIZES}
first, largest = SIZES[0], SIZES[-1]
if any(not told["complete"] for told in idle.values()):
    print("an idle consortium stood still: that is a defect of the program or of the simulation", file=sys.stderr)
    sys.exit(2)
district = run("doctor", "capacity", STUDENTS, "--anchors", 1, "--cores", 4, "--memory-gib", 8)
whole = run("doctor", "capacity", IN_ALL, "--anchors", 1, "--cores", 4, "--memory-gib", 8)
other = consortium(first, seed=args.seed + 1)
if not other["complete"]:
    print(f"an idle consortium stood still with seed {args.seed + 1}: that is a defect of the program or of the simulation", file=sys.stderr)
    sys.exit(2)
other = other["measured"]
COSTS, CHARGES = district["costs"], idle[first]["charges"]
need = lambda told, what: next(row["value"] for row in told["needs"] if row["what"].startswith(what))
base = idle[first]["measured"]


def best(size):
    """The most records a second that were final without a round beyond the first, to the last height asked for; the load that gave them, and the first that did not."""
    good, bad = (0.0, 0), None
    for load, told in loaded[size].items():
        measured = told["measured"]
        if told["complete"] and measured["further_rounds"] == 0:
            good = max(good, (measured["records_s"], load))
        elif bad is None:
            bad = load
    return good, bad


page = [f"""# A million students
Written by `scripts/million.py` with {program()}; do not edit. Times of consensus are simulated (`aula bench consortium`, seed {args.seed}: the same line on
every machine); costs were measured on a machine of two cores ([capacity.md](capacity.md)). Nothing here was run on {number(CONSORTIA * DISTRICTS)} machines.

**The plan.** {CONSORTIA} consortia of {DISTRICTS} districts of {STUDENTS} students: {number(IN_ALL)} students, each anchored every day of the year. Each district has one validator, in
one of seven regions in turn. A parent ledger holds the consortia's certified heads ([decision 0060](decisions/0060-a-parent-ledger.md)).

## What is charged
{table(("what", "value", "source"), [
    ("a signature verified", f"{CHARGES['verify_us']} µs of a core", "`ledger/src/params/work.rs`, measured there and rounded up"),
    ("a synced write", f"{CHARGES['sync_us']} µs", "300 bytes and fdatasync on the disk of the machine of two cores beside other work: 3.2 ms the median of 500, 13 ms 99 of 100"),
    ("a record, on each node", f"{CHARGES['record_ns']} ns of a core", "`records_s` of capacity.md: two cores ÷ (four validators × 50,898 records a second), all else included; charged to whoever builds, and again to whoever executes"),
    ("a record's bytes", f"{CHARGES['record_bytes']}", "the format: a state with three inputs"),
    ("a line upward", f"{number(CHARGES['line_mbit'])} Mbit/s", "assumed; `--mbit`"),
    ("a member's cores", CHARGES["cores"], "assumed; `--cores`"),
    ("neighbours in the mesh", CHARGES["mesh"], "the engine's configuration: a member sends its own to everybody, and passes on what is new to so many and a few more"),
    ("ways between regions", "half of the mean round trips of seven regions of one public cloud, 0.5 to 326 ms", "measured in 2016 and 2017 and tabled at <https://acomputerscientistlearnsaws.blogspot.com/2017/04/aws-regions.html>"),
])}

The envelope of every copy is verified (libp2p does so before it knows whether it has the message), and each vote once more by the engine. Not in it: the lines
downward, encryption, lost packets, timers that wait behind votes; envelopes and the engine do not take each other's core, and a slow disk holds up what a member says, not what it hears. Error: with seed {args.seed + 1} (other neighbours, other starts) {first} validators
are final within {number(other['finality_ms']['p50'])} ms half of the time, {number(other['finality_ms']['p99'])} ms 99 of 100, and send {number(other['sent_bytes_day']['mean'] / 1e9, 1)} GB a day; what is assumed moves them as far as it is wrong.

## Consortia without load
{table(("validators", "final, half of the time", "99 of 100", "a block every", "rounds beyond the first", "certificate, bytes", "sent by a node a day, GB", "the most", "copies a height (known)", "verifying, cores"), [
    (size, f"{number(m['finality_ms']['p50'])} ms", f"{number(m['finality_ms']['p99'])} ms", f"{number(m['interval_ms'])} ms", m["further_rounds"], number(m["certificate_bytes"]["mean"]),
     number(m["sent_bytes_day"]["mean"] / 1e9, 1), number(m["sent_bytes_day"]["most"] / 1e9, 1), f"{number(m['copies'])} ({number(m['known_copies'])})", number(m["verifying_cores"], 3))
    for size, m in ((size, told["measured"]) for size, told in idle.items())])}

From the moment at which a proposer begins to build to a member's decision; each member and height is a sample."""]

rows = []
for size, loads in loaded.items():
    for load, told in loads.items():
        m = told["measured"]
        rows.append((size, number(load), number(m["records_s"]), f"{number(m['finality_ms']['p50'])} ms", f"{number(m['finality_ms']['p99'])} ms", f"{number(m['interval_ms'])} ms", m["further_rounds"] if told["complete"] else f"{m['further_rounds']}; stands still after {m['heights']} heights")
                    if m else (size, number(load), "stands still", "", "", "", ""))
if rows:
    page.append("## Consortia with full blocks\n" + table(("validators", "records a block", "records a second", "final, half of the time", "99 of 100", "a block every", "rounds beyond the first"), rows)
                + "\n\nA proposer sends a block to everybody over its one line, one copy after another, while those who have it pass it on; that, not the work, is what grows with the validators.")

a_day = DISTRICTS * STUDENTS
(rate, load), too_much = best(first) if loaded[first] else ((0.0, 0), None)
empty_gb, states_gb = year_gb(base, a_day)
quorum = first * 2 // 3 + 1
# An anchored head beside its certificate: a header in a transaction of its own. A block without records is a header and what frames it, and
# is the nearest that the simulation measures.
head = base["block_bytes"] + base["certificate_bytes"]["mean"]
heads_a_block = BLOCK_SIGNATURES // (quorum + 1)
page.append(f"""## The plan in numbers
{table(("what", "one consortium", "all"), [
    ("students anchored a day", number(a_day), number(IN_ALL)),
    ("records a second, if spread over the day", number(a_day / 86_400, 2), number(IN_ALL / 86_400, 1)),
    ("records a second, if within one hour", number(a_day / 3_600, 1), number(IN_ALL / 3_600, 0)),
    (f"records a second that {first} validators do (blocks of {number(load)})", number(rate), number(rate * CONSORTIA)),
    ("all anchored once, in so many seconds" if rate else "", number(a_day / rate, 1) if rate else "not measured", "the same: consortia do not wait for each other" if rate else ""),
    ("sent by a node, GB a day and a year", f"{number(base['sent_bytes_day']['mean'] / 1e9, 1)}, {number(base['sent_bytes_day']['mean'] * DAYS / 1e9)}", ""),
    ("a node's chain, GB a year: blocks and certificates + states", f"{number(empty_gb, 1)} + {number(states_gb, 1)}", ""),
    ("a district's service: memory while it requests, MiB", number(need(district, "memory"), 0), ""),
    ("a district's machine: cores, GiB", f"{district['machine']['cores']}, {district['machine']['memory_gib']}", f"{number(district['machine']['cores'] * DISTRICTS * CONSORTIA)}, {number(district['machine']['memory_gib'] * DISTRICTS * CONSORTIA)}"),
    ("machines: a validator each", DISTRICTS, f"{number(CONSORTIA * DISTRICTS)}, and 4 or more for the parent"),
])}

**Beside the published design's 10 to 20 servers.** All the work of a million students is little: {number(need(whole, 'cores for them as xAPI'), 2)} cores for their events as xAPI,
{number(IN_ALL * COSTS['first_anchor_student_ms'] / 3.6e6, 1)} core hours a day at most to fold and anchor everybody, {number(IN_ALL / COSTS['records_s'], 0)} s to make them final on one consortium of four. One
service for many districts ([service.md](service.md)) needs {whole['machine']['cores']} cores and {whole['machine']['memory_gib']} GiB by the same rule, which 10 to 20 servers have. {number(CONSORTIA * DISTRICTS)} machines are no need of the load: they
are the price of a validator for each district that trusts no other. Whoever lets four operators vote in each consortium, with districts as their tenants, has {CONSORTIA * 4} validators.

**The parent ledger.** {CONSORTIA} heads an interval. A head is {number(head)} bytes and {quorum + 1} signatures, and a block has at most {number(BLOCK_SIGNATURES)} signatures: {heads_a_block} heads a block. Every hour: {number(CONSORTIA * 24)} heads
and {number(CONSORTIA * 24 * head / 1e6, 1)} MB a day; every minute: {number(CONSORTIA * 1_440 * head / 1e6, 0)} MB a day. A block a second holds a head of each of {number(heads_a_block * 60)} consortia every minute.""")

per_validator = idle[largest]["measured"]
verify_at = largest / max(per_validator["verifying_cores"], 1e-9)
line_at = largest * CHARGES["line_mbit"] * 1e6 / 8 * 86_400 / max(per_validator["sent_bytes_day"]["mean"], 1)
cert_a_validator = per_validator["certificate_bytes"]["mean"] / largest
blocks_a_year = 86_400 * DAYS
disk_at = (DISK_GB * 1e9 / blocks_a_year - base["block_bytes"]) / cert_a_validator
anchor_at = ANCHOR_HOURS * 3.6e6 / COSTS["first_anchor_student_ms"]
limits = [
    ("validators of a consortium", first, VALIDATORS, "the ledger's set has 1 to 200; a district beyond it has no vote"),
    ("validators of a consortium", first, verify_at, f"envelopes and votes take one core at a block a second, by the copies of {largest}"),
    ("validators of a consortium", first, line_at, f"votes alone fill a line of {number(CHARGES['line_mbit'])} Mbit/s on the mean of a day"),
    ("validators of a consortium", first, disk_at, f"certificates of idle blocks fill {number(DISK_GB)} GB in a year, unless `aula prune` drops old blocks"),
    ("students of a district", STUDENTS, DISTRICT_STUDENTS, "`max_district_students`, by vote"),
    ("students of a district", STUDENTS, anchor_at, f"folding and anchoring everybody takes {ANCHOR_HOURS} hours at {COSTS['first_anchor_student_ms']} ms"),
    ("consortia under a parent", CONSORTIA, heads_a_block * 60, "signatures of a block, a head of each every minute"),
]
if rate:
    limits.append(("students of a consortium", a_day, rate * 3_600, f"all anchored within an hour at {number(rate)} records a second"))
    limits.append(("records a block, all anchored within an hour", a_day / 3_600 * base["interval_ms"] / 1_000, too_much or BLOCK_BYTES // CHARGES["record_bytes"],
                   "simulated: a round beyond the first" if too_much else "bytes of a block; simulated up to 20,000 without a round beyond the first"))
if largest != first and loaded.get(largest):
    _, bad = best(largest)
    if bad:
        limits.append((f"the same, {largest} validators", largest * STUDENTS / 3_600 * per_validator["interval_ms"] / 1_000, bad, "simulated: a round beyond the first, or a chain that stands still"))
page.append("## Where it breaks\nEach limit alone, what else stays as planned; those that are nearest stand first.\n\n"
            + table(("what grows", "here", "breaks at", "times", "because"), [
                (what, number(here), number(at), number(at / here, 1) if here else "", why)
                for what, here, at, why in sorted(limits, key=lambda row: row[2] / row[1] if row[1] else 0)]))
text = "\n\n".join(page) + "\n"
if args.out == "-":
    sys.stdout.write(text)
else:
    pathlib.Path(args.out).write_text(text)
    print(args.out, file=sys.stderr)
