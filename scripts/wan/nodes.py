"""Nodes as processes in namespaces, and what is seen of them the whole time.

Invariants that the watch holds: no height has two blocks, and a node that was seen to have a block has it after every restart. What breaks one is a
line in `broken`.
"""
import collections
import json
import os
import signal
import subprocess
import threading
import time

from space import Api


class Node:
    """A home in a namespace, with a process while it is up."""

    def __init__(self, aula, space, number, home, name):
        self.aula, self.space, self.number, self.home, self.name = aula, space, number, home, name
        self.process, self.lock, self.admitted, self.leaving = None, threading.RLock(), True, False
        # Whether an end of the process is somebody's doing.
        self.ended = True

    def where(self):
        return self.space.name(self.number)

    def run(self, *words, home=None, limit=90):
        """A command in this node's namespace, on its home or another: (exit code, JSON or None)."""
        line = ["ip", "netns", "exec", self.where(), self.aula, *words, "--home", home or self.home, "--output", "json"]
        try:
            done = subprocess.run(line, capture_output=True, text=True, timeout=limit, check=False)
        except subprocess.TimeoutExpired:
            return 2, None
        try:
            return done.returncode, json.loads(done.stdout)
        except ValueError:
            return done.returncode, None

    def start(self):
        with open(os.path.join(self.home, "node.log"), "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                ["ip", "netns", "exec", self.where(), self.aula, "start", "--home", self.home, "--output", "json"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.ended = False

    def is_up(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        """As a crash of the process ends it."""
        self.ended = True
        self.process.kill()
        self.process.wait()
        self.process = None

    def stop(self):
        """As its operator ends it; the exit code."""
        self.ended = True
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.kill()
            return None
        finally:
            self.process = None


def found(aula, space, count, work, districts):
    """The founders' nodes, with a genesis that knows these districts: (number, public key)."""
    nodes = [Node(aula, space, number, os.path.join(work, str(number)), f"node-{number}") for number in range(1, count + 1)]
    for node in nodes:
        told(node.run("init", "--name", node.name, "--p2p", f"/ip4/10.77.0.{node.number}/tcp/8481"), "init")
    base = {
        "params": {"first_school_year": 2026, "last_school_year": 2026},
        "members": [{"name": f"district-{number}", "roles": ["district"], "public_key": key, "district": number} for number, key in districts],
        "districts": [{"id": number, "name": f"District {number}"} for number, _ in districts],
        "schools": [{"id": number, "district": number, "school_type": "rural"} for number, _ in districts],
    }
    path, genesis = os.path.join(work, "base.json"), os.path.join(work, "genesis.json")
    with open(path, "w", encoding="ascii") as file:
        json.dump(base, file)
    operators = [os.path.join(node.home, "operator.json") for node in nodes]
    told(nodes[0].run("genesis", "--name", "wan", "--base", path, "-o", genesis, "--operator", *operators), "genesis")
    for node in nodes:
        told(node.run("join", "--genesis", genesis, "--listen", "127.0.0.1:8480"), "join")
    return nodes, genesis


def told(answer, what):
    code, fields = answer
    if code != 0:
        raise OSError(f"`aula {what}` ended with {code}: {fields}")
    return fields


class Watch:
    """Asks every node for its status ten times a second, each from a thread of its own."""

    def __init__(self, space):
        self.space, self.lock, self.going = space, threading.Lock(), True
        self.hashes, self.broken = {}, []
        # By node: the highest block that it was seen to have, and when it was seen to have which.
        self.most, self.marks, self.last = collections.Counter(), collections.defaultdict(list), {}
        self.watched = {}

    def follow(self, node):
        """Watches a node from now on; one that has the number of an earlier one begins anew."""
        with self.lock:
            self.watched[node.number] = node
            self.most[node.number], self.marks[node.number] = 0, []
        threading.Thread(target=self.look, args=(node,), daemon=True).start()

    def forget(self, node):
        with self.lock:
            if self.watched.get(node.number) is node:
                del self.watched[node.number]

    def look(self, node):
        api = Api(node.where(), 2.0)
        while self.going and self.watched.get(node.number) is node:
            status = api.get("/v1/status") if node.is_up() else None
            with self.lock:
                if self.watched.get(node.number) is not node:
                    return
                self.last[node.number] = status
                process = node.process
                if not node.ended and process and process.poll() is not None:
                    node.ended = True
                    self.broken.append(f"{node.name} ended by itself with {process.poll()}; see its node.log")
                if status:
                    self.note(node, status["height"], status["block_hash"])
            time.sleep(0.1)

    def note(self, node, height, block):
        number = node.number
        if height < self.most[number]:
            self.broken.append(f"{node.name} had block {self.most[number]} and has {height} now")
        if height > self.most[number] or not self.marks[number]:
            self.marks[number].append((time.monotonic(), height))
        self.most[number] = height
        known = self.hashes.setdefault(height, (block, node.name))
        if known[0] != block:
            self.broken.append(f"block {height} is {known[0]} at {known[1]} and {block} at {node.name}")

    def height(self, node):
        """What a node answers now; None when it does not."""
        with self.lock:
            status = self.last.get(node.number)
            return status["height"] if status else None

    def top(self):
        with self.lock:
            return max(self.most.values(), default=0)

    def first(self, height, numbers, since):
        """When the first of these nodes was seen to have this height after a moment, in seconds from it; None when none was."""
        with self.lock:
            seen = [at - since for number in numbers for at, had in self.marks[number] if had >= height and at >= since]
        return min(seen, default=None)
