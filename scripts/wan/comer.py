"""A member that comes and goes, again and again: request file, vote, its node's own word that it is ready; and out by a vote."""
import json
import os
import random
import re
import threading
import time

from nodes import Node
from space import Api

# No step may take longer, in seconds.
LIMIT = 180


class Comer(threading.Thread):
    """Cycles until it is told to end; the last one is finished. Its node, while it has one, may be killed by others too, under its lock."""

    def __init__(self, founders, genesis, watch, seed):
        super().__init__(daemon=True)
        self.founders, self.genesis, self.watch, self.chance = founders, genesis, watch, random.Random(seed)
        self.node, self.ending, self.cycles, self.broken, self.homes = None, False, [], [], []

    def run(self):
        while not self.ending:
            try:
                self.cycles.append(self.cycle(len(self.cycles)))
            except (OSError, ValueError, KeyError, TypeError) as error:
                self.broken.append(f"member {len(self.cycles)}: {error}")
                return

    def cycle(self, number):
        """How long it took from the first command to its first vote, and out again, in seconds."""
        space, work = self.founders[0].space, os.path.dirname(self.founders[0].home)
        at = len(self.founders) + 1
        node = Node(self.founders[0].aula, space, at, os.path.join(work, f"new-{number}"), f"new-{number}")
        peers = ",".join(map(address, self.founders))
        begun = time.monotonic()
        code, told = node.run("join", "--genesis", self.genesis, "--peer", peers, "--name", node.name, "--all-blocks",
                              "--p2p", f"/ip4/10.77.0.{at}/tcp/8481", "--listen", "127.0.0.1:8480")
        if code:
            raise OSError(f"`aula join` ended with {code}")
        node.admitted = False
        node.start()
        self.node = node
        self.homes.append(node)
        self.watch.follow(node)
        self.agree(node.name, [told["request"]])
        node.admitted = True
        self.until(lambda: self.signs(node.name), f"{node.name} signs nothing")
        entered = time.monotonic() - begun
        time.sleep(self.chance.uniform(1, 5))
        with node.lock:
            node.leaving = True
        begun = time.monotonic()
        self.agree(node.name, ["--remove-member", node.name])
        self.watch.forget(node)
        with node.lock:
            self.node = None
            if node.is_up():
                node.kill()
        return entered, time.monotonic() - begun

    def ask(self, path):
        """What a living node answers; another one is asked while none does."""
        until = time.monotonic() + LIMIT
        while time.monotonic() < until:
            node = self.chance.choice(self.founders)
            told = Api(node.where()).get(path) if node.is_up() else None
            if told is not None:
                return told
            time.sleep(0.3)
        raise OSError(f"nobody answers {path}")

    def proposals(self, name):
        """The proposals in whose words the newcomer is, by number: where each stands."""
        words, until = re.compile(rf"\b{re.escape(name)}\b"), time.monotonic() + LIMIT
        while time.monotonic() < until:
            code, told = self.say(self.founders[0], "consortium", "list")
            if code == 0:
                return {one["number"]: one["standing"] for one in told["proposals"] if words.search(one["what"])}
        raise OSError("nobody lists the proposals")

    def agree(self, name, words):
        """Proposes and has the founders vote, one after another, through whichever node lives, until it is applied."""
        least, number, voted, until = max(self.proposals(name), default=-1) + 1, None, set(), time.monotonic() + LIMIT
        while time.monotonic() < until:
            if number is None:
                code, told = self.say(self.founders[0], "consortium", "propose", *words)
                if code != 0:
                    # It may have become final after all.
                    time.sleep(2)
                number = told["proposal"] if code == 0 else min((n for n in self.proposals(name) if n >= least), default=None)
                continue
            for voter in self.founders:
                if voter.number not in voted:
                    code, told = self.say(voter, "consortium", "vote", str(number), "yes")
                    if code == 0 and told["standing"] == "applied":
                        return
                    # 1: it has voted, and the answer was lost; or others have applied it.
                    voted |= {voter.number} if code in (0, 1) else set()
            if self.proposals(name).get(number) == "applied":
                return
            time.sleep(0.5)
        raise OSError(f"no vote on {' '.join(words)} within {LIMIT} s: {self.proposals(name)}")

    def say(self, who, *words):
        """A founder's command, through any node that lives: (exit code, JSON or None)."""
        alive = [node for node in self.founders if node.is_up()]
        if not alive:
            time.sleep(0.3)
            return 2, None
        through = self.chance.choice(alive)
        return through.run(*words, "--rpc", "http://127.0.0.1:8480", "--wait-s", "20", home=who.home, limit=40)

    def signs(self, name):
        """Whether the newest block has a signature of the validator of this name."""
        known = self.ask("/v1/validators")["known"]
        validator = next((one["address"] for one in known if one["name"] == name), None)
        height = self.ask("/v1/status")["height"]
        return validator in self.ask(f"/v1/blocks/{height}")["signers"]

    def until(self, holds, what):
        until = time.monotonic() + LIMIT
        while not holds():
            if time.monotonic() > until:
                raise OSError(f"{what} within {LIMIT} s")
            time.sleep(0.3)


def address(node):
    """Where a founder is reached, with its peer id."""
    with open(os.path.join(node.home, "operator.json"), encoding="utf-8") as file:
        told = json.load(file)
    return f"{told['p2p']}/p2p/{told['peer_id']}"
