#!/usr/bin/env python3
"""What a district's year takes, and how much memory its service needs. Standard library only; one line of JSON.
   ./scripts/bench-district.py                       11,600 students: zip to anchored, round opened to requests final
   ./scripts/bench-district.py --students 50000 --anchor-only    for the memory of `aula district run`
   ./scripts/bench-district.py --founders 1 --aula target/release/aula
Four founders' nodes run on this machine beside the district's service, so the times hold the work of four; memory is of the one
process that is named. Students, their names and results are invented by number."""
import argparse, json, os, signal, socket, subprocess, sys, tempfile, time, zipfile

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--aula", default="target/release/aula", help="the program")
parser.add_argument("--students", type=int, default=11_600)
parser.add_argument("--founders", type=int, default=4, help="nodes of the consortium")
parser.add_argument("--schools", type=int, default=20)
parser.add_argument("--anchor-only", action="store_true", help="end when all are anchored")
args = parser.parse_args()
YEAR = time.gmtime().tm_year - (time.gmtime().tm_mon < 7)
nodes = []


def aula(home, *words):
    """Runs a command; gives its one line, its seconds and the most memory that it had."""
    began = time.monotonic()
    command = [args.aula, *map(str, words), "--home", home, "--output", "json"]
    env = {name: value for name, value in os.environ.items() if not name.startswith("AULA_")}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as told:
        child = subprocess.Popen(command, stdout=out, stderr=told, env=env)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0), told.seek(0)
        text, why = out.read().decode(), told.read().decode()
    if child.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {child.returncode}:\n{text}{why}")
    return json.loads(text), time.monotonic() - began, used.ru_maxrss // 1024


def duty(told, name):
    return next(one for one in told["homes"][0]["duties"] if one["duty"] == name)


def port():
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            try:
                second.bind(("127.0.0.1", first.getsockname()[1] + 1))
                return first.getsockname()[1]
            except (OSError, OverflowError):
                continue


def oneroster(path):
    """A bulk set of OneRoster 1.1 with two results a student."""
    head = "sourcedId,status,dateLastModified,"
    kinds = ["orgs", "users", "enrollments", "lineItems", "results"]
    files = {
        "manifest": ["propertyName,value", "manifest.version,1.0", "oneroster.version,1.1"] + [f"file.{kind},bulk" for kind in kinds],
        "orgs": [head + "name,type,identifier"], "users": [head + "enabledUser,orgSourcedIds,role,username,givenName,familyName,identifier,grades"],
        "enrollments": [head + "classSourcedId,schoolSourcedId,userSourcedId,role"],
        "lineItems": [head + "title,resultValueMin,resultValueMax", "read,,,Reading,0,999", "math,,,Mathematics,0,999"],
        "results": [head + "lineItemSourcedId,studentSourcedId,scoreStatus,score,scoreDate"],
    }
    for school in range(args.schools):
        files["orgs"].append(f"o{school},,,School {school},school,{school + 1}")
        files["users"].append(f"T-{school},,,true,o{school},teacher,t{school},,,,")
        files["enrollments"].append(f"et{school},,,C-{school},o{school},T-{school},teacher")
    for n in range(args.students):
        school = n % args.schools
        files["users"].append(f"S-{n},,,true,o{school},student,u{n},Given,Family,{n},02")
        files["enrollments"].append(f"e{n},,,C-{school},o{school},S-{n},student")
        for item in ("read", "math"):
            score = 480 + (n * 7919 + len(item)) % 200
            files["results"].append(f"r-{item}-{n},,,{item},S-{n},fully graded,{score},{YEAR}-07-02")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, rows in files.items():
            packed.writestr(f"{name}.csv", "\n".join(rows) + "\n")


def base(account):
    position = lambda name, skill: {"name": name, "kind": "position", "source": f"skill/{skill:05}", "weight": -4, "unrecorded": 127}
    scales = [{"skill": skill, "grade": 2, "mean_e1": 5800, "deviation_e1": 450} for skill in (0, 1)]
    return {
        "params": {"request_window_ms": 10_000, "reveal_window_ms": 2_000},
        "twin": {"scales": scales, "need": {"constant": 2_040, "inputs": [position("reading", 0), position("mathematics", 1)]}},
        "members": [{"name": "founder-1", "roles": ["consortium", "district", "funder"], "public_key": account, "district": 1}],
        "districts": [{"id": 1, "name": "Bench County"}],
        "schools": [{"id": n + 1, "district": 1, "school_type": "rural"} for n in range(args.schools)],
    }


def start(home):
    command = [args.aula, "start", "--output", "json", "--home", home]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    nodes.append(child)
    if not child.stdout.readline().startswith("{"):
        sys.exit(f"the node of {home} did not come up")


def measure(folder):
    homes = [os.path.join(folder, f"founder-{n}") for n in range(1, args.founders + 1)]
    for n, home in enumerate(homes, 1):
        aula(home, "init", "--name", f"founder-{n}", "--p2p", f"/ip4/127.0.0.1/tcp/{port()}")
    operators = [os.path.join(home, "operator.json") for home in homes]
    with open(operators[0]) as file:
        account = json.load(file)["account"]
    base_file, genesis = os.path.join(folder, "base.json"), os.path.join(folder, "genesis.json")
    with open(base_file, "w") as file:
        json.dump(base(account), file)
    flags = [flag for operator in operators for flag in ("--operator", operator)]
    aula(homes[0], "genesis", "--name", "bench", *flags, "--base", base_file, "-o", genesis)
    for home in homes:
        aula(home, "join", "--genesis", genesis, "--listen", f"127.0.0.1:{port()}")
    own = homes[0]
    with open(os.path.join(own, "config.toml"), "a") as file:
        for word, skill in (("reading", 0), ("math", 1)):
            file.write(f'\n[[district.subject]]\nword = "{word}"\nskill = {skill}\n')
    for home in homes:
        start(home)
    packed = os.path.join(folder, "roster.zip")
    oneroster(packed)
    aula(own, "vault", "init")
    told, imported_s, import_mib = aula(own, "district", "import", packed)
    assert told["students"] == args.students and told["rejected"] == 0 and told["events"] == 2 * args.students, told
    began_ms = time.time() * 1000
    told, _, run_mib = aula(own, "district", "run", "--once", "--wait-s", 600)
    anchored_s = (duty(told, "anchor")["last"] - began_ms) / 1000
    assert duty(told, "anchor")["did"] == f"{args.students} states anchored", told
    anchored = {
        "students": args.students, "founders": args.founders, "import_s": round(imported_s, 1), "anchor_s": round(anchored_s, 1),
        "zip_to_anchored_s": round(imported_s + anchored_s, 1), "import_mib": import_mib, "run_mib": run_mib,
    }
    if args.anchor_only:
        return anchored
    aula(own, "funder", "fund", "--year", YEAR, "--cents", 100_000_000)
    aula(own, "steward", "class", "--class", 1, "--title", "Devices", "--year", YEAR, "--kinds", "laptop", "--waitlist", 60)
    for school in range(args.schools):
        aula(own, "steward", "pool", "--class", 1, "--kind", "laptop", "--places", 20, "--pool", school + 1, "--school", school + 1)
    os.makedirs(os.path.join(own, "wishes"), exist_ok=True)
    wishes = os.path.join(own, "wishes", "class-1.csv")
    with open(wishes, "w") as file:
        file.write("local_id,mandate,kinds\n" + "".join(f"S-{n},no,laptop\n" for n in range(args.students)))
    aula(own, "steward", "open", "--class", 1, "--extra-requests", 3_600)
    before, requested_s, _ = aula(own, "district", "request", "--round", 0, "--wishes", wishes, "--wait-s", 600)
    assert before["accepted"] == args.students, before
    told, _, request_mib = aula(own, "district", "run", "--once", "--wait-s", 600)
    return anchored | {
        "opened_to_final_s": round(requested_s, 1), "batches": before["batches"], "run_mib": max(run_mib, request_mib),
    }


with tempfile.TemporaryDirectory(prefix="bench-district-") as folder:
    try:
        print(json.dumps(measure(folder)))
    finally:
        for child in nodes:
            child.send_signal(signal.SIGTERM)
        for child in nodes:
            child.wait()
