"""Network namespaces with a wide area network between them: the kernel's netem where it has it, else relay.py.

Namespaces PREFIX1 to PREFIXn have 10.77.0.N each. Both networks delay one way between two by half of a round trip of 20 to 150 ms (relay.py says
which two how long), lose a share of all packets, and cut any way, also in one direction alone.
"""
import ctypes
import http.client
import json
import os
import subprocess
import sys
import time

from relay import round_trip_ms

CLONE_NEWNET = 0x40000000
HERE = os.path.dirname(os.path.abspath(__file__))
LIBC = ctypes.CDLL(None, use_errno=True)
OUTSIDE = os.open("/proc/self/ns/net", os.O_RDONLY)


def ip(*words):
    subprocess.run(["ip", *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def tc(space, *words, check=True):
    done = subprocess.run(["tc", "-n", space, *words], check=False, capture_output=True, text=True)
    if check and done.returncode:
        raise OSError(f"tc {' '.join(words)}: {done.stderr.strip()}")
    return done.returncode == 0


class Space:
    """The namespaces and what connects them. `kind` is netem or relay."""

    def __init__(self, prefix, count, loss, seed, work):
        self.prefix, self.count, self.loss, self.seed = prefix, count, loss, seed
        self.control, self.relay, self.made, self.cuts = os.path.join(work, "ways"), None, [], set()
        self.kind, self.work = None, work

    def name(self, number):
        return f"{self.prefix}{number}"

    def begin(self):
        for number in range(1, self.count + 1):
            ip("netns", "add", self.name(number))
            self.made.append(number)
            ip("-n", self.name(number), "link", "set", "lo", "up")
        self.kind = "netem" if self.has_netem() else "relay"
        self.begin_netem() if self.kind == "netem" else self.begin_relay()

    def has_netem(self):
        """Whether the kernel can delay, and tell packets by where they go. WAN=relay asks for the relay all the same."""
        first, probe = self.name(1), ["dev", "lo"]
        if os.environ.get("WAN") == "relay":
            return False
        able = tc(first, "qdisc", "add", *probe, "root", "handle", "1:", "htb", check=False)
        able = able and tc(first, "class", "add", *probe, "parent", "1:", "classid", "1:1", "htb", "rate", "1gbit", check=False)
        able = able and tc(first, "qdisc", "add", *probe, "parent", "1:1", "netem", "delay", "1ms", check=False)
        able = able and tc(first, "filter", "add", *probe, "parent", "1:", "protocol", "ip", "u32", "match", "ip", "dst",
                           "10.77.0.1/32", "flowid", "1:1", check=False)
        tc(first, "qdisc", "del", *probe, "root", check=False)
        return able

    def begin_netem(self):
        bridge = f"{self.prefix}b"
        ip("link", "add", bridge, "type", "bridge")
        ip("link", "set", bridge, "up")
        for one in range(1, self.count + 1):
            space, out = self.name(one), f"{self.prefix}v{one}"
            ip("link", "add", out, "type", "veth", "peer", "name", "wan", "netns", space)
            ip("link", "set", out, "master", bridge, "up")
            ip("-n", space, "addr", "add", f"10.77.0.{one}/24", "dev", "wan")
            ip("-n", space, "link", "set", "wan", "up")
            tc(space, "qdisc", "add", "dev", "wan", "root", "handle", "1:", "htb")
            for other in range(1, self.count + 1):
                if other == one:
                    continue
                tc(space, "class", "add", "dev", "wan", "parent", "1:", "classid", f"1:{other:x}", "htb", "rate", "10gbit")
                tc(space, "qdisc", "add", "dev", "wan", "parent", f"1:{other:x}", "handle", f"{other + 16:x}:", "netem", *self.way(one, other))
                tc(space, "filter", "add", "dev", "wan", "parent", "1:", "protocol", "ip", "u32", "match", "ip", "dst",
                   f"10.77.0.{other}/32", "flowid", f"1:{other:x}")

    def way(self, one, other):
        """What netem does with packets from one to another."""
        if (one, other) in self.cuts:
            return ["loss", "100%"]
        half = round_trip_ms(one, other, self.count) / 2
        return ["delay", f"{half * 1.05:.2f}ms", f"{half * 0.05:.2f}ms", "loss", f"{self.loss}%", "limit", "100000"]

    def begin_relay(self):
        if not os.path.exists("/dev/net/tun"):
            raise OSError("this kernel has neither netem nor /dev/net/tun")
        self.cut(set())
        words = [os.path.join(HERE, "relay.py"), self.prefix, str(self.count), self.control, "--seed", str(self.seed), "--loss", str(self.loss)]
        with open(os.path.join(self.work, "relay"), "w", encoding="ascii") as told:
            self.relay = subprocess.Popen([sys.executable, *words], stdout=told)
        until = time.monotonic() + 20
        while "ready" not in self.told():
            if time.monotonic() > until or self.relay.poll() is not None:
                raise OSError("the relay does not come up")
            time.sleep(0.05)

    def told(self):
        with open(os.path.join(self.work, "relay"), encoding="ascii") as told:
            return told.read()

    def cut(self, ways):
        """Cuts these ways, (from, to), and heals all others."""
        changed, self.cuts = self.cuts ^ set(ways), set(ways)
        if self.kind == "netem":
            for one, other in changed:
                tc(self.name(one), "qdisc", "change", "dev", "wan", "parent", f"1:{other:x}", "handle", f"{other + 16:x}:", "netem", *self.way(one, other))
            return
        with open(self.control + ".new", "w", encoding="ascii") as file:
            file.write(" ".join(f"{one}>{other}" for one, other in sorted(ways)))
        os.replace(self.control + ".new", self.control)
        # The relay looks ten times a second.
        time.sleep(0.15)

    def end(self):
        """Takes everything away; what the relay says it did, if it was one."""
        packets = None
        if self.relay:
            self.relay.terminate()
            self.relay.wait()
            packets = json.loads(self.told().strip().splitlines()[-1])
        if self.kind == "netem":
            subprocess.run(["ip", "link", "del", f"{self.prefix}b"], check=False)
        for number in self.made:
            subprocess.run(["ip", "netns", "del", self.name(number)], check=False)
        self.made, self.relay = [], None
        return packets


class Api:
    """A node's API over one connection, which stays in the namespace in which it was made. For one thread alone."""

    def __init__(self, space, timeout=3.0):
        self.path, self.timeout, self.connection = f"/run/netns/{space}", timeout, None

    def connect(self):
        there = os.open(self.path, os.O_RDONLY)
        try:
            if LIBC.setns(there, CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), f"cannot enter {self.path}")
            connection = http.client.HTTPConnection("127.0.0.1", 8480, timeout=self.timeout)
            connection.connect()
            return connection
        finally:
            LIBC.setns(OUTSIDE, CLONE_NEWNET)
            os.close(there)

    def ask(self, method, path, body=None):
        """(status, JSON); (None, None) when the node does not answer."""
        try:
            self.connection = self.connection or self.connect()
            head = {"content-type": "application/octet-stream"} if body is not None else {}
            self.connection.request(method, path, body, head)
            answer = self.connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text else None
        except (OSError, ValueError, http.client.HTTPException):
            if self.connection:
                self.connection.close()
            self.connection = None
            return None, None

    def get(self, path):
        """The answer; None when there is none, or another one than 200."""
        status, told = self.ask("GET", path)
        return told if status == 200 else None
