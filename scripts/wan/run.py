"""The phases of scripts/wan.sh, one line of JSON each. What they show and what may be set stands there."""
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from comer import Comer
from load import District, Load
from nodes import Watch, found
from space import Api, Space

COUNT = 7
EVERYBODY = range(1, COUNT + 1)
# Bars, in seconds.
LEVEL, BACK = 60, 10


def number(name, default):
    return type(default)(os.environ.get(name, default))


EACH, CUT, KILLS, QUIET = number("SECONDS_EACH", 30), number("CUT", 15), number("KILLS", 20), number("QUIET", 60)
LOSS, RATE, BATCH, WINDOW, SEED = number("LOSS", 1.0), number("RATE", 20.0), number("BATCH", 500), number("WINDOW", 4), number("SEED", 1)
ONLY = os.environ.get("PHASES", "finality records partitions kills quiet").split()


def between(*groups):
    """Every way between two groups."""
    return {(one, other) for group in groups for rest in groups if group is not rest for one in group for other in rest}


def shapes():
    """(name, ways that are cut, whether the chain goes on: None where that is not promised)"""
    one, rest, left, right = [1], [2, 3, 4, 5, 6, 7], [1, 2, 3], [4, 5, 6, 7]
    ring = {(a, b) for a in EVERYBODY for b in EVERYBODY if a != b and min(abs(a - b), COUNT - abs(a - b)) > 1}
    return [
        ("1,2,3,4,5 | 6,7", between([1, 2, 3, 4, 5], [6, 7]), True),
        ("1,2,3 | 4,5,6,7", between(left, right), False),
        ("1,3,5 | 2,4 | 6,7", between([1, 3, 5], [2, 4], [6, 7]), False),
        ("1 | 2,3,4,5,6,7", between(one, rest), True),
        ("each alone", between(*[[n] for n in EVERYBODY]), False),
        ("nobody hears 1", {(1, n) for n in rest}, True),
        ("1 hears nobody", {(n, 1) for n in rest}, True),
        ("4,5,6,7 do not hear 1,2,3", {(a, b) for a in left for b in right}, None),
        ("1,2,3 and 5,6,7 meet at 4 alone", between([1, 2, 3], [5, 6, 7]), None),
        ("each hears its neighbours alone", ring, None),
    ]


class Run:
    def __init__(self, aula, work):
        self.work, self.failed, self.chance = work, 0, random.Random(SEED)
        self.districts = [District(n, SEED) for n in EVERYBODY]
        # Names of devices have at most 15 characters.
        self.space = Space(f"aw{os.getpid()}-", COUNT + 1, LOSS, SEED, work)
        self.nodes, self.gone, self.comer = [], [], None
        self.watch = Watch(self.space)
        self.aula, self.genesis, self.load = aula, None, None

    def tell(self, phase, holds, **fields):
        broken, self.watch.broken[:] = list(self.watch.broken), []
        line = {"phase": phase, "ok": bool(holds) and not broken, **fields}
        if broken:
            line["broken"] = broken[:20]
        self.failed += not line["ok"]
        print(json.dumps(line), flush=True)

    def heights(self, nodes=None):
        return [self.watch.height(node) or 0 for node in nodes or self.nodes]

    def reach(self, nodes, height, limit, unless=lambda: False):
        """How long until all of these have a height, in seconds; None when they have not in time."""
        begun = time.monotonic()
        while time.monotonic() - begun < limit and not unless():
            if min(self.heights(nodes)) >= height:
                return round(time.monotonic() - begun, 2)
            time.sleep(0.05)
        return None

    def begin(self):
        self.space.begin()
        keys = [(one.number, one.public.hex()) for one in self.districts]
        self.nodes, self.genesis = found(self.aula, self.space, COUNT, self.work, keys)
        self.load = Load(self.nodes, self.districts, self.watch.broken)
        for node in self.nodes:
            node.start()
            self.watch.follow(node)
        took = self.reach(self.nodes, 3, 120)
        self.tell("setup", took is not None, network=self.space.kind, nodes=COUNT, round_trips_ms="20 to 150", loss_percent=LOSS, seed=SEED,
                  three_blocks_after_s=took)
        if took is None:
            raise OSError("the nodes decide nothing")
        self.load.begin()

    def measured(self, phase, batch, rate, window):
        """Load for a while, then until nothing of it is waiting."""
        self.load.goes(batch, rate, window)
        # Not what is measured: connections that open, windows that fill.
        time.sleep(min(EACH, 5))
        before, begun = self.watch.top(), time.monotonic()
        time.sleep(EACH)
        took, blocks = time.monotonic() - begun, self.watch.top() - before
        with self.load.lock:
            seen = [(at - sent, records) for sent, at, records in self.load.final if begun <= at < begun + took]
        self.load.rests()
        until = time.monotonic() + 60
        while self.load.sent and time.monotonic() < until:
            time.sleep(0.1)
        latencies = sorted(latency for latency, _ in seen)
        at = lambda share: round(1000 * latencies[min(len(latencies) - 1, int(share * len(latencies)))]) if latencies else None
        left = len(self.load.sent)
        self.tell(phase, blocks > 0 and latencies and not left, seconds=EACH, blocks=blocks, block_ms=round(1000 * took / max(blocks, 1)),
                  records_a_transaction=batch, transactions_per_s=round(len(seen) / took, 1),
                  records_per_s=round(sum(records for _, records in seen) / took, 1),
                  submit_to_final_ms={"p50": at(0.5), "p97": at(0.97)}, transactions_never_final=left)

    def partitions(self):
        self.load.goes(1, RATE, 50)
        for name, ways, goes_on in shapes():
            self.space.cut(ways)
            # What was on its way may still decide.
            time.sleep(2)
            before = self.watch.top()
            time.sleep(CUT)
            blocks, top = self.watch.top() - before, self.watch.top()
            self.space.cut(set())
            healed = time.monotonic()
            level = self.reach(self.nodes, top + 1, LEVEL)
            next_block = self.watch.first(top + 1, EVERYBODY, healed)
            holds = level is not None and (goes_on is None or goes_on == (blocks > 0))
            self.tell(f"partition: {name}", holds, cut_s=CUT, blocks=blocks, goes_on=goes_on,
                      next_block_after_s=next_block and round(next_block, 2), all_level_after_s=level)

    def kills(self):
        """One node or two die at a random moment, the newcomer too, and come back; a member comes and goes the whole time."""
        self.load.goes(1, RATE, 50)
        comer = self.comer = Comer(self.nodes, self.genesis, self.watch, SEED)
        comer.start()
        before, begun, levels, late = self.watch.top(), time.monotonic(), [], []
        done, idle = 0, 0
        while done < KILLS:
            time.sleep(self.chance.uniform(0, 3))
            newcomer = comer.node
            victims = self.chance.sample([*self.nodes, *([newcomer] if newcomer else [])], 2 if self.chance.random() < 0.2 else 1)
            died = []
            for victim in victims:
                with victim.lock:
                    if victim.is_up() and not victim.leaving:
                        victim.kill()
                        died.append(victim)
            done += len(died)
            idle = 0 if died else idle + 1
            if idle == 50:
                raise OSError(f"nobody is left to kill after {done} of {KILLS}")
            time.sleep(self.chance.uniform(0, 3))
            for victim in died:
                with victim.lock:
                    if not victim.leaving:
                        victim.start()
            start, top = time.monotonic(), self.watch.top()
            # Who is not admitted yet, or leaves, hears nobody.
            for victim in [one for one in died if one.admitted]:
                took = self.reach([victim], top, LEVEL, lambda: victim.leaving)
                if took is not None:
                    levels.append(round(time.monotonic() - start, 2))
                elif not victim.leaving:
                    late.append(victim.name)
                    print(f"{victim.name} is at {self.heights([victim])}, not {top}, after {LEVEL} s", file=sys.stderr)
        comer.ending = True
        comer.join(400)
        levels.sort()
        self.gone += comer.homes
        enters, leaves = [one for one, _ in comer.cycles], [one for _, one in comer.cycles]
        self.tell("kills, and a member that comes and goes", not late and not comer.broken and comer.cycles and not comer.is_alive(),
                  kills=done, seconds=round(time.monotonic() - begun), blocks=self.watch.top() - before,
                  level_after_s={"p50": levels[len(levels) // 2], "most": levels[-1]} if levels else None, never_level=late,
                  members_came_and_went=len(comer.cycles),
                  first_signature_after_s={"most": round(max(enters), 1)} if enters else None,
                  left_after_s={"most": round(max(leaves), 1)} if leaves else None, members_broken=comer.broken)

    def quiet(self):
        """No quorum for long: three processes gone, then three behind a cut while all live. A block within 10 s of its return."""
        for how in ("three are down", "three are cut off"):
            self.load.goes(1, RATE, 50)
            lost = self.nodes[4:]
            if how == "three are down":
                for node in lost:
                    node.kill()
            else:
                self.space.cut(between([1, 2, 3, 4], [5, 6, 7]))
            time.sleep(3)
            top = self.watch.top()
            time.sleep(QUIET)
            stood = self.watch.top() == top
            back = time.monotonic()
            if how == "three are down":
                # One makes a quorum again; the other two come when it is there.
                lost[0].start()
            else:
                self.space.cut(set())
            answers = self.reach([lost[0]], 1, LEVEL) if how == "three are down" else None
            self.reach([self.nodes[0]], top + 1, LEVEL)
            after = self.watch.first(top + 1, EVERYBODY, back)
            for node in lost:
                if not node.is_up():
                    node.start()
            level = self.reach(self.nodes, top + 1, LEVEL)
            holds = stood and after is not None and after <= BACK and level is not None
            self.tell(f"no quorum: {how}", holds, seconds=QUIET, stood_still=stood, answers_after_s=answers,
                      next_block_after_s=after and round(after, 2), bar_s=BACK, all_level_after_s=level)

    def end(self):
        """All level, one hash, an orderly end, and every home replays."""
        self.load.rests()
        time.sleep(3)
        top = self.watch.top()
        level = self.reach(self.nodes, top, LEVEL)
        hashes = {(Api(node.where()).get(f"/v1/blocks/{top}") or {}).get("hash") for node in self.nodes}
        self.rest()
        codes = [node.stop() for node in self.nodes if node.is_up()]
        packets = self.space.end() if self.space.kind == "relay" else None
        replays = {}
        for node in [*self.nodes, *self.gone]:
            line = [node.aula, "replay", "--home", node.home, "--output", "json"]
            replays[node.name] = answer(line)
        agree = all(code == 0 and told and told["agrees"] for code, told in replays.values())
        holds = level is not None and agree and not any(codes) and len(hashes) == 1 and None not in hashes
        self.tell("end", holds, height=top, all_level_after_s=level, hashes_at_that_height=len(hashes), exit_codes=codes,
                  blocks_seen=len(self.watch.hashes), homes_replayed=len(replays), replays_agree=agree, packets=packets)

    def rest(self):
        """No thread asks or sends any more."""
        self.watch.going = False
        if self.load:
            self.load.going = False
        time.sleep(0.5)

    def close(self):
        self.rest()
        for node in [*self.nodes, *self.gone, *(self.comer.homes if self.comer else [])]:
            with node.lock:
                node.leaving = True
                if node.is_up():
                    node.kill()
        self.space.end()


def answer(line):
    """(exit code, JSON or None)"""
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    try:
        return done.returncode, json.loads(done.stdout)
    except ValueError:
        print(done.stderr[-2000:], file=sys.stderr)
        return done.returncode, None


def main():
    # An end that is asked for takes everything away too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if unknown := set(ONLY) - {"finality", "records", "partitions", "kills", "quiet"}:
        print(f"stopped: PHASES names {', '.join(sorted(unknown))}; there are finality, records, partitions, kills, quiet", file=sys.stderr)
        return 1
    work = tempfile.mkdtemp(prefix="aula-wan-")
    run = Run(sys.argv[1], work)
    phases = {
        "finality": lambda: run.measured("finality", 1, RATE, 50), "records": lambda: run.measured("records", BATCH, None, WINDOW),
        "partitions": run.partitions, "kills": run.kills, "quiet": run.quiet,
    }
    try:
        run.begin()
        for phase in ONLY:
            phases[phase]()
        run.end()
        return 1 if run.failed else 0
    except OSError as error:
        print(f"stopped: {error}", file=sys.stderr)
        return 1
    finally:
        run.close()
        if os.environ.get("KEEP"):
            print(f"the homes are in {work}", file=sys.stderr)
        else:
            shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
