#!/usr/bin/env python3
"""What a district of 50,000 students' reports and exports take: seconds, bytes, the most memory of each process. Standard library only.
   ./scripts/bench-reports.py [--aula target/release/aula] [--dir DIR] [--students 50000] [--blocks 20000] [--rounds 10]
Writes the chain first (`aula bench reads --only-write`; kept in --dir for the next run): as many requests of students, decided in as many
rounds, and so many blocks without transactions. Then the district's report, the state's export (and its judgement) and the transparency report of the newest
block, the first two of an older block (executed again from the genesis), and a scheduled report of a running node (from what it holds). One line of JSON."""
import argparse, datetime, json, os, pathlib, shutil, signal, subprocess, sys, tempfile, time

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--aula", default="target/release/aula", help="the program")
parser.add_argument("--dir", help="keeps the chain")
parser.add_argument("--students", type=int, default=50_000)
parser.add_argument("--blocks", type=int, default=20_000)
parser.add_argument("--rounds", type=int, default=10)
args = parser.parse_args()
AULA = os.path.abspath(args.aula)
work = pathlib.Path(tempfile.mkdtemp(prefix="aula-reports-"))
folder = pathlib.Path(args.dir).absolute() if args.dir else work / "chain"


def run(*words, good=(0,)):
    """Its one line, its seconds and the most memory that it had, MiB."""
    began = time.monotonic()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as told:
        child = subprocess.Popen([AULA, *map(str, words), "--output", "json"], stdout=out, stderr=told)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0), told.seek(0)
        text, why = out.read().decode(), told.read().decode()
    if child.returncode not in good:
        sys.exit(f"{' '.join(map(str, words))} ended with {child.returncode}:\n{text}{why}")
    return json.loads(text.strip().splitlines()[-1]), round(time.monotonic() - began, 2), used.ru_maxrss // 1024


def size(path):
    return sum(one.stat().st_size for one in pathlib.Path(path).rglob("*") if one.is_file())


found = {}


def measure(name, *words):
    out = work / name
    told, seconds, peak = run("report", *words, "-o", out, "--home", home)
    found[name] = {"seconds": seconds, "mb": round(size(out) / 1e6, 2), "peak_mib": peak}
    print(name, found[name], file=sys.stderr)
    return out, told


size_of_chain = ["--transactions", args.students * 12 // 10, "--rounds", args.rounds, "--decisions", args.students, "--empty-blocks", args.blocks]
told, seconds, _ = run("bench", "reads", "--dir", folder, "--only-write", *size_of_chain)
print(f"the chain: {told['transactions']} transactions, {seconds} s", file=sys.stderr)
home = next(path.parent for path in sorted(folder.rglob("config.toml")) if (path.parent / "data").exists())
# A height far above says which is the newest.
told, _, _ = run("report", "state", "--as-of", 10**12, "-o", work / "none", "--home", home, good=(2,))
tip = int(told["error"]["message"].split()[-1])
found["height"], found["chain_mb"] = tip, round(size(home / "data") / 1e6)
measure("district", "district", "--district", 1, "--as-of", tip)
export, _ = measure("state", "state", "--as-of", tip)
told, seconds, peak = run("report", "state", "--verify", export, "--home", home)
found["verify"] = {"verified": told["verified"], "files": told["files"], "seconds": seconds, "peak_mib": peak}
measure("transparency", "transparency", "--as-of", tip)
measure("district_past", "district", "--district", 1, "--as-of", tip - 100)
measure("state_past", "state", "--as-of", tip - 100)

# A running node. Its chain's time is of the day on which it was written, and comes up with the clock by a day a block: first that.
config = home / "config.toml"
before = config.read_text()


def start():
    return subprocess.Popen([AULA, "start", "--home", home], stdout=subprocess.DEVNULL, stderr=open(work / "node.log", "a"))


def stop(node):
    node.send_signal(signal.SIGTERM)
    node.wait(120)


def wait(what, done, limit):
    until = time.monotonic() + limit
    while not done():
        if time.monotonic() > until or node.poll() is not None:
            sys.exit(f"{what}:\n" + (work / "node.log").read_text()[-2000:])
        time.sleep(0.2)


def is_at_the_clock():
    told = subprocess.run([AULA, "status", "--home", home, "--output", "json"], capture_output=True, text=True)
    return told.returncode == 0 and time.time() * 1000 - json.loads(told.stdout).get("time_ms", 0) < 10_000


node = start()
try:
    wait("the chain did not come up with the clock", is_at_the_clock, 1800)
    stop(node)
    # Due in two to three minutes, so that the node looks before.
    due = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=180)
    moment = due.replace(second=0, microsecond=0)
    nightly = f'\n[[report]]\nname = "nightly"\nkind = "district"\ndistrict = 1\nat = "{due:%H:%M}"\n'
    text = before.replace("[reports]\n", '[reports]\ntime_zone = "UTC"\n')
    config.write_text((text if text != before else before + '\n[reports]\ntime_zone = "UTC"\n') + nightly)
    node = start()
    wait("no report was delivered", (home / "delivered/nightly" / f"{due:%Y-%m-%d}").exists, 420)
    late = (datetime.datetime.now(datetime.timezone.utc) - moment).total_seconds()
    peak = next(line.split()[1] for line in open(f"/proc/{node.pid}/status") if line.startswith("VmHWM"))
    figures = len(list((home / "figures").glob("*.json")))
    found["scheduled"] = {"seconds_after_the_moment": round(late, 1), "peak_mib_of_the_node": int(peak) // 1024, "moments_kept": figures}
finally:
    stop(node)
    config.write_text(before)
    for folder_made in ("delivered", "figures"):
        shutil.rmtree(home / folder_made, ignore_errors=True)
    shutil.rmtree(work, ignore_errors=True)
print(json.dumps(found))
