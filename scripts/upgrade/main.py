"""What scripts/upgrade.sh runs: see there."""
import argparse, json, pathlib, shutil, signal, sys, tempfile

import crossing, homes, records
from nodes import CannotRun, Checks, Program, end_all, tell

PARTS = ("left-behind", "rolled", "homes", "records")
parser = argparse.ArgumentParser(prog="upgrade.sh", description=__doc__)
parser.add_argument("old", help="the program of an earlier build")
parser.add_argument("new", help="the present one")
parser.add_argument("--only", default=",".join(PARTS), help="parts, with commas: " + ", ".join(PARTS))
parser.add_argument("--allow-same", action="store_true", help="OLD may know the newest protocol too: tries the script")
parser.add_argument("--seed", type=int, default=1, help="of which node each client asks")
parser.add_argument("--phase-s", type=float, default=8.0, help="how long each mixture of programs runs")
parser.add_argument("--ahead-s", type=float, default=30.0, help="from the vote to the switch, about")
parser.add_argument("--validators", type=int, default=4, help="of the demo")
parser.add_argument("--data", help="the folder with the demo's data [default: genesis/ of this repository]")
parser.add_argument("--keep", action="store_true", help="the folder of homes and logs stays")


def main():
    args = parser.parse_args()
    parts = args.only.split(",")
    if unknown := [part for part in parts if part not in PARTS]:
        raise CannotRun(f"{unknown[0]!r} is not a part; there are {', '.join(PARTS)}")
    old, new = Program(args.old), Program(args.new)
    work = pathlib.Path(tempfile.mkdtemp(prefix="aula-upgrade."))
    checks, told = Checks(), {}
    try:
        for program in (old, new):
            program.protocol = crossing.newest_of(program, work)
        told = {"old": old.told(), "new": new.told(), "seed": args.seed}
        same = old.protocol >= new.protocol
        if same and not args.allow_same:
            raise CannotRun(
                f"{old.path} knows protocol {old.protocol} and {new.path} protocol {new.protocol}: there is nothing to upgrade to; name a program "
                "of before the last protocol (./scripts/upgrade.sh --build-old COMMIT), or give --allow-same to try the script alone"
            )
        data = args.data or pathlib.Path(__file__).resolve().parents[2] / "genesis"
        for part in parts:
            folder = work / part
            folder.mkdir()
            tell(f"part {part}")
            if part == "homes":
                told[part] = homes.run(old, new, folder, checks, data, args.validators)
            elif part == "records":
                told[part] = records.run(old, new, folder, checks)
            else:
                told[part] = crossing.run(old, new, folder, checks, args, is_left=part == "left-behind" and not same)
    finally:
        end_all()
        if args.keep:
            tell(f"kept: {work}")
        else:
            shutil.rmtree(work, ignore_errors=True)
    told["failed"] = [check for check in checks.all if not check["ok"]]
    told["checks"] = len(checks.all)
    told["holds"] = not told["failed"]
    print(json.dumps(told), flush=True)
    return 0 if told["holds"] else 1


# An end that is asked for ends the nodes too.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
try:
    sys.exit(main())
except CannotRun as why:
    print(f"stopped: {why}", file=sys.stderr)
    sys.exit(2)
