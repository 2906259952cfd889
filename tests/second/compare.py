#!/usr/bin/env python3
"""Asks this verifier and `aula-audit` the same: over the pinned vectors, and over thousands of changed ones.

    compare.py --aula-audit PROGRAM [--each N] [--forged N] [--rounds N] [--seed N] [--minutes N]

Exit code 0 if they agree on exit code, `valid` and `standing` everywhere, else 1. The seed is printed; with it the same
questions are asked again. With --minutes it goes on with the next seed until the time is over or they disagree.
"""

import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time
import traceback

import forged
import mutations
import random_rounds
import via
from audit import audit, open_bundle, seal
from forge import Forge
from schema import Bundle
from via import audit_via

ROOT = pathlib.Path(__file__).resolve().parents[2]
VECTORS = ROOT / "ledger" / "vectors" / "evidence"


def theirs(program, folder, bundle, genesis, flags, via):
    paths = [pathlib.Path(folder) / f"{os.getpid()}.{kind}" for kind in ("bundle", "genesis.json", "via.json")]
    for path, data in zip(paths, (bundle, genesis, via or b"")):
        path.write_bytes(data)
    flags = [*flags, *(["--via-genesis", paths[2]] if via else [])]
    run = subprocess.run(
        [program, "--output", "json", "verify", paths[0], "--genesis", paths[1], *flags], capture_output=True)
    said = json.loads(run.stdout) if run.stdout else {}
    why = said.get("sentence") or run.stderr.decode()
    return (run.returncode, said.get("valid", False), said.get("standing")), why


def ours(bundle, genesis, options, via):
    try:
        found = audit_via(bundle, genesis, via, **options) if via else audit(bundle, genesis, **options)
    except Exception:
        return ("failed", False, None), traceback.format_exc()
    return (found.code, found.valid, found.standing), found.why


def both(program, folder, bundle, genesis, flags, options, via):
    return ours(bundle, genesis, options, via), theirs(program, folder, bundle, genesis, flags, via)


class Comparison:
    """Asks on all processors; answers are counted in the order of the questions."""

    def __init__(self, program, folder, pool):
        self.program, self.folder, self.pool, self.waiting = program, folder, pool, collections.deque()
        self.counts, self.answers, self.differing = collections.Counter(), collections.Counter(), []

    def ask(self, kind, name, bundle, genesis, flags=(), options=None, via=None):
        asked = self.pool.submit(both, self.program, self.folder, bundle, genesis, list(flags), options or {}, via)
        self.waiting.append((kind, name, asked))
        if len(self.waiting) > 64:
            self.take()

    def take(self):
        kind, name, asked = self.waiting.popleft()
        (mine, why), (other, their_why) = asked.result()
        self.counts[kind] += 1
        self.answers[kind, mine[0], mine[2]] += 1
        if mine != other:
            self.differing.append((kind, name, mine, why, other, their_why))

    def finish(self):
        while self.waiting:
            self.take()


def vectors():
    for path in sorted(VECTORS.rglob("*.bundle")):
        genesis = next(p for p in (path.parent / "genesis.json", VECTORS / "genesis.json") if p.exists())
        yield path.relative_to(VECTORS), path.read_bytes(), genesis.read_bytes()


def compare_vectors(comparison):
    for name, bundle, genesis in vectors():
        comparison.ask("vector", name, bundle, genesis)


def compare_bundles(comparison, each, rng):
    for name, data, genesis in vectors():
        bundle = open_bundle(data)
        every = list(mutations.all_changes(Bundle, bundle, rng))
        # What is asked and shown, one by one; the insides of proofs and headers by sample.
        outer = [c for c in every if len(mutations.STEP.findall(c[0])) <= 4 and not mutations.INNER.search(c[0])]
        inner = [c for c in every if c not in outer]
        for chosen in (outer, inner):
            for path, build in rng.sample(chosen, min(each, len(chosen))):
                comparison.ask("changed, checksum redone", f"{name}{path}", seal(build()), genesis)
        for what, changed in mutations.file_changes(data, rng, each // 20):
            comparison.ask("changed file", f"{name} {what}", changed, genesis)


def compare_via(comparison, each, rng):
    """Evidence over two ledgers, with one thing changed in either bundle or in the file."""
    data, parent, child = (
        (VECTORS / name).read_bytes() for name in ("via/allocation.via", "via/parent.json", "genesis.json"))
    comparison.ask("two ledgers", "as pinned", data, parent, via=child)
    comparison.ask("two ledgers", "one genesis file", data, parent)
    for what, pair in (("swapped", (child, parent)), ("twice the parent's", (parent, parent))):
        comparison.ask("two ledgers", f"genesis files {what}", data, pair[0], via=pair[1])
    body = via.open_file(data)
    for what, half in (("parent alone", body["parent"]), ("child alone", body["child"])):
        comparison.ask("two ledgers", what, half, parent, via=child)
    comparison.ask("two ledgers", "halves swapped", via.seal_file(
        {"parent": body["child"], "child": body["parent"]}), parent, via=child)
    for half in ("parent", "child"):
        bundle = open_bundle(body[half])
        changes = list(mutations.all_changes(Bundle, bundle, rng))
        for path, build in rng.sample(changes, min(each, len(changes))):
            changed = via.seal_file({**body, half: seal(build())})
            comparison.ask("two ledgers", f"{half}{path}", changed, parent, via=child)
    for what, changed in mutations.file_changes(data, rng, each // 2):
        comparison.ask("two ledgers", f"file {what}", changed, parent, via=child)


def compare_genesis(comparison, rng):
    bundle = (VECTORS / "absent.bundle").read_bytes()
    for what, changed in mutations.genesis_changes((VECTORS / "genesis.json").read_bytes(), rng):
        comparison.ask("changed genesis", what, bundle, changed)


def compare_forged(comparison, count, rng):
    for name, data, genesis in vectors():
        bundle = open_bundle(data)
        if name.parts[0] == "refused":
            continue
        forge = Forge(bundle, genesis)
        comparison.ask("forged, unchanged", name, seal(forge.base), forge.genesis_data)
        for what, changed in forged.all_forged(bundle["subject"][0], forge, rng, count):
            comparison.ask("forged", f"{name} {what}", seal(changed), forge.genesis_data)


def compare_random_rounds(comparison, count, rng):
    data, genesis = ((VECTORS / name).read_bytes() for name in ("round.bundle", "genesis.json"))
    forge = Forge(open_bundle(data), genesis)
    for number in range(count):
        bundle = random_rounds.round_by_chance(forge, rng)
        if bundle:
            comparison.ask("rounds by chance", f"round {number}", seal(bundle), forge.genesis_data)


def compare_options(comparison):
    """`--genesis-sha256` and `--trusted`, right and wrong."""
    import chain
    from keys import sha256
    for name, data, genesis in vectors():
        bundle = open_bundle(data)
        blocks = [(b["header"]["height"], chain.block_hash(b["header"]))
                  for b in [*(link["block"] for link in bundle["links"]), bundle["head"]]]
        for given in (sha256(genesis), bytes(32)):
            comparison.ask("options", f"{name} sha256", data, genesis,
                           ["--genesis-sha256", given.hex()], {"genesis_sha256": given})
        wrong = [(blocks[0][0], bytes(32)), (blocks[-1][0] + 1, blocks[-1][1]), (1, blocks[0][1])]
        for height, digest in blocks + wrong:
            comparison.ask("options", f"{name} trusted {height}", data, genesis,
                           ["--trusted", f"{height}:{digest.hex()}"], {"trusted": (height, digest)})


def compare_all(options, seed, folder, pool):
    """Asks everything of one seed, prints the counts and gives the disagreements."""
    print(f"seed {seed}: --each {options.each} --forged {options.forged} --rounds {options.rounds}", flush=True)
    rng, comparison = random.Random(seed), Comparison(options.aula_audit, folder, pool)
    compare_vectors(comparison)
    compare_options(comparison)
    compare_bundles(comparison, options.each, rng)
    compare_genesis(comparison, rng)
    compare_via(comparison, options.each, rng)
    compare_forged(comparison, options.forged, rng)
    compare_random_rounds(comparison, options.rounds, rng)
    comparison.finish()
    for kind, count in comparison.counts.items():
        answers = {f"exit {code} {standing or ''}".strip(): n
                   for (k, code, standing), n in comparison.answers.items() if k == kind}
        print(f"{kind}: {count}", answers)
    print(f"disagreements: {len(comparison.differing)} of {comparison.counts.total()}", flush=True)
    for kind, name, mine, why, other, their_why in comparison.differing:
        print(f"- {kind}: {name}\n    second verifier {mine}: {why}\n    aula-audit {other}: {their_why}")
    return comparison.differing


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--aula-audit", default=ROOT / "target" / "release" / "aula-audit")
    parser.add_argument("--each", type=int, default=150, help="changes of each bundle")
    parser.add_argument("--forged", type=int, default=30, help="signed lies of each kind and bundle")
    parser.add_argument("--rounds", type=int, default=30, help="rounds by chance")
    parser.add_argument("--seed", type=int, help="by chance if not given")
    parser.add_argument("--minutes", type=float, default=0, help="go on with further seeds for so long")
    options = parser.parse_args()
    seed = random.SystemRandom().randrange(1 << 32) if options.seed is None else options.seed
    until, agree = time.monotonic() + 60 * options.minutes, True
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ProcessPoolExecutor() as pool:
        while agree:
            agree = not compare_all(options, seed, folder, pool)
            if time.monotonic() >= until:
                break
            seed += 1
    sys.exit(not agree)


if __name__ == "__main__":
    main()
