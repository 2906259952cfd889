#!/usr/bin/env python3
"""The optimizer on public instances with a published optimum, each certificate checked by aula-audit.

    scripts/public-instances.py DIR [--aula target/release/aula] [--audit target/release/aula-audit]

DIR holds orlib_assign/assign{500,600,700}.txt (OR-Library, Beasley 1990) and transport_small/*.min with *.sol
(DIMACS minimum-cost flow). A source of supply u becomes u rows; an instance whose arc bounds could bind, or that is no
transportation problem, is named and skipped. Standard library only. Exit 0: all equal, 1: one differs, 2: could not.
"""
import argparse, json, pathlib, struct, subprocess, sys, tempfile

ORLIB = {"assign500": 991, "assign600": 1176, "assign700": 1362}


def srap(path, capacities, floors, rows):
    n, k = len(rows), len(capacities)
    with open(path, "wb") as out:
        out.write(b"SRAP0001" + struct.pack("<II", n, k))
        for line in (capacities, floors, *rows):
            out.write(struct.pack(f"<{k}i", *line))


def orlib(source, target):
    numbers = list(map(int, source.read_text().split()))
    n, costs = numbers[0], numbers[1:]
    srap(target, [1] * n, [0] * n, [costs[i * n:(i + 1) * n] for i in range(n)])


def dimacs(source, target):
    """A transportation problem, or the reason why it is none."""
    supply, demand, arcs = {}, {}, {}
    for line in source.read_text().splitlines():
        kind, *fields = line.split() or ["c"]
        if kind == "n":
            node, units = map(int, fields)
            (supply if units > 0 else demand)[node] = abs(units)
        elif kind == "a":
            tail, head, low, bound, cost = map(int, fields)
            if low:
                return "an arc has a lower bound"
            arcs[tail, head] = (bound, cost)
    if any(t not in supply or h not in demand for t, h in arcs):
        return "it has nodes between sources and sinks"
    if any(bound < min(supply[t], demand[h]) for (t, h), (bound, _) in arcs.items()):
        return "an arc's bound could bind"
    if sum(supply.values()) > 1 << 20:
        return "it has more units than rows are allowed"
    sinks = sorted(demand)
    rows = [[arcs.get((s, d), (0, -1))[1] for d in sinks] for s in sorted(supply) for _ in range(supply[s])]
    srap(target, [demand[d] for d in sinks], [0] * len(sinks), rows)


def optimum(solution):
    return next(int(line.split()[1]) for line in solution.read_text().splitlines() if line.startswith("s "))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--aula", default="target/release/aula")
    parser.add_argument("--audit", default="target/release/aula-audit")
    args = parser.parse_args()
    cases = [(args.directory / "orlib_assign" / f"{name}.txt", orlib, best) for name, best in ORLIB.items()]
    for source in sorted(args.directory.glob("*/*.min")):
        cases.append((source, dimacs, optimum(source.with_suffix(".sol"))))
    wrong = 0
    with tempfile.TemporaryDirectory() as work:
        file, certificate = f"{work}/instance.srap", f"{work}/certificate"
        for source, convert, best in cases:
            if reason := convert(source, file):
                print(f"{source.stem:<20} skipped: {reason}")
                continue
            solve = [args.aula, "optimize", file, "--max-work", "100000000000", "--save-certificate", certificate, "--output", "json"]
            answer = json.loads(subprocess.run(solve, check=True, capture_output=True, text=True).stdout)
            audit = subprocess.run([args.audit, "certificate", file, certificate], capture_output=True).returncode
            same = answer["objective"] == best and answer["optimal"] and audit == 0
            wrong += not same
            print(f"{source.stem:<20} {answer['objective']:>10} published {best:>10} audit {audit} {'equal' if same else 'DIFFERS'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, ValueError, StopIteration, subprocess.CalledProcessError) as error:
        sys.exit(print(f"could not: {error}", file=sys.stderr) or 2)
