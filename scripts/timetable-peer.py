#!/usr/bin/env python3
"""Curriculum-based timetables by OR-Tools CP-SAT with one worker, beside `aula estate timetable` with the same processor time.

    timetable-peer.py --aula target/release/aula [--seconds 60] [--seed 1] INSTANCE.ctt...

Needs the package ortools. The model is the plain one: a course at a period, in a room; the competition's four costs (formulation UD2).
"""
import argparse
import json
import pathlib
import subprocess
import tempfile
import threading
import time

from ortools.sat.python import cp_model


def read(path):
    lines = [line.split() for line in path.read_text(encoding="latin-1").splitlines() if line.strip()]
    head, sections, section = {}, {}, None
    for fields in lines:
        if len(fields) == 1 and fields[0].endswith(":"):
            section = sections.setdefault(fields[0][:-1], [])
        elif section is None:
            head[fields[0].rstrip(":")] = fields[1]
        elif fields[0] != "END.":
            section.append(fields)
    return head, sections


def solve(path, seconds, seed):
    head, sections = read(path)
    days, each = int(head["Days"]), int(head["Periods_per_day"])
    periods, courses, rooms = days * each, sections["COURSES"], sections["ROOMS"]
    index = {fields[0]: at for at, fields in enumerate(courses)}
    model = cp_model.CpModel()
    at = {(c, p): model.new_bool_var("") for c in range(len(courses)) for p in range(periods)}
    room = {(c, p, r): model.new_bool_var("") for c, p in at for r in range(len(rooms))}
    cost = []
    for c, (_, _, lectures, least, students, *_) in enumerate(courses):
        model.add(sum(at[c, p] for p in range(periods)) == int(lectures))
        held = []
        for d in range(days):
            one = model.new_bool_var("")
            model.add(one <= sum(at[c, d * each + p] for p in range(each)))
            held.append(one)
        missing = model.new_int_var(0, days, "")
        model.add(missing >= int(least) - sum(held))
        cost.append(5 * missing)
        for r, fields in enumerate(rooms):
            used = model.new_bool_var("")
            for p in range(periods):
                model.add_implication(room[c, p, r], used)
            cost.append(used)
            short = max(int(students) - int(fields[1]), 0)
            if short:
                cost.append(short * sum(room[c, p, r] for p in range(periods)))
        cost.append(-1)
        for p in range(periods):
            model.add(sum(room[c, p, r] for r in range(len(rooms))) == at[c, p])
    for p in range(periods):
        for r in range(len(rooms)):
            model.add_at_most_one(room[c, p, r] for c in range(len(courses)))
    groups = [[index[name] for name in fields[2:]] for fields in sections["CURRICULA"]]
    teachers = {}
    for c, fields in enumerate(courses):
        teachers.setdefault(fields[1], []).append(c)
    for group in groups + list(teachers.values()):
        for p in range(periods):
            model.add_at_most_one(at[c, p] for c in group)
    for name, day, period in sections.get("UNAVAILABILITY_CONSTRAINTS", []):
        model.add(at[index[name], int(day) * each + int(period)] == 0)
    for group in groups:
        busy = [sum(at[c, p] for c in group) for p in range(periods)]
        for p in range(periods):
            near = [busy[q] for q in (p - 1, p + 1) if 0 <= q < periods and q // each == p // each]
            alone = model.new_bool_var("")
            model.add(alone >= busy[p] - sum(near))
            cost.append(2 * alone)
    model.minimize(sum(cost))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = seed
    # It takes wall time alone: a thread beside it looks at the process's own and stops it.
    began, done = time.process_time(), threading.Event()

    def watch():
        while not done.wait(0.2):
            if time.process_time() - began >= seconds:
                solver.stop_search()
                return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    status = solver.solve(model)
    done.set()
    watcher.join()
    found = status in (cp_model.OPTIMAL, cp_model.FEASIBLE)
    return (round(solver.objective_value) if found else None), time.process_time() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--aula", default="target/release/aula")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("instances", nargs="+", type=pathlib.Path)
    args = parser.parse_args()
    print("| instance | hard | ours | cpu s | CP-SAT, one worker | cpu s |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for path in args.instances:
            run = subprocess.run(
                [args.aula, "estate", "timetable", path, "--seconds", str(args.seconds), "--seed", str(args.seed), "-o",
                 pathlib.Path(folder) / "out", "--output", "json"], capture_output=True, text=True)
            ours = json.loads(run.stdout)
            peer, cpu = solve(path, args.seconds, args.seed)
            print(f"| {path.stem} | {ours['hard']} | {ours['cost']} | {ours['cpu_s']:.0f} | {'none found' if peer is None else peer} | "
                  f"{cpu:.0f} |", flush=True)


if __name__ == "__main__":
    main()
