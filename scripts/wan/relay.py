#!/usr/bin/env python3
"""A wide area network for processes in network namespaces, where the kernel has no netem: each namespace has a TUN device,
and every IP packet passes through here, later than it was sent, or not at all.

  relay.py PREFIX COUNT CONTROL [--seed N] [--loss PERCENT]

Namespaces PREFIX1 to PREFIXn must exist; their device is `wan` with 10.77.0.N. One way between two takes half of a round trip of 20 to
150 ms, which depends on the two alone, and up to a tenth of that more; packets stay in their order. The file CONTROL, read ten times a
second, holds ways such as `1>2 2>1`: what is sent on them is lost. It may be empty or absent. Says at its end how many packets it passed
on, lost and kept apart.
"""
import argparse
import ctypes
import fcntl
import heapq
import os
import random
import select
import signal
import struct
import subprocess
import sys
import time

TUNSETIFF, IFF_TUN, IFF_NO_PI, CLONE_NEWNET = 0x400454CA, 0x0001, 0x1000, 0x40000000


def round_trip_ms(one, other, count):
    """From 20 for neighbours to 150 for those furthest apart on a ring."""
    apart = abs(one - other)
    apart, most = min(apart, count - apart), max(count // 2, 1)
    return 20 + 130 * (apart - 1) / max(most - 1, 1)


def device(namespace):
    """A TUN device that lives in a namespace and is held here."""
    libc = ctypes.CDLL(None, use_errno=True)
    home, there = os.open("/proc/self/ns/net", os.O_RDONLY), os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    try:
        if libc.setns(there, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"cannot enter {namespace}")
        tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH14x", b"wan", IFF_TUN | IFF_NO_PI))
        return tun
    finally:
        libc.setns(home, CLONE_NEWNET)
        os.close(home)
        os.close(there)


def ways(path):
    """The ways that are cut: (from, to)."""
    try:
        with open(path, encoding="ascii") as file:
            return {tuple(map(int, way.split(">"))) for way in file.read().split()}
    except OSError:
        return set()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("prefix")
    parser.add_argument("count", type=int)
    parser.add_argument("control")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--loss", type=float, default=1.0)
    args = parser.parse_args()
    chance, loss = random.Random(args.seed), args.loss / 100
    tuns = {}
    for number in range(1, args.count + 1):
        name = f"{args.prefix}{number}"
        tuns[number] = device(name)
        for words in (["addr", "add", f"10.77.0.{number}/24", "dev", "wan"], ["link", "set", "wan", "mtu", "1500", "up"]):
            subprocess.run(["ip", "-n", name, *words], check=True)
    print("ready", flush=True)
    going = [True]
    for what in (signal.SIGTERM, signal.SIGINT):
        signal.signal(what, lambda *_: going.clear())
    poll = select.epoll()
    whose = {}
    for number, tun in tuns.items():
        poll.register(tun, select.EPOLLIN)
        whose[tun] = number
    waiting, made, cut, looked, latest = [], 0, set(), 0.0, {}
    passed = lost = kept = 0
    while going:
        now = time.monotonic()
        if now - looked > 0.1:
            cut, looked = ways(args.control), now
        while waiting and waiting[0][0] <= now:
            _, _, to, packet = heapq.heappop(waiting)
            try:
                os.write(tuns[to], packet)
                passed += 1
            except OSError:
                lost += 1
        left = min(waiting[0][0] - now, 0.1) if waiting else 0.1
        for tun, _ in poll.poll(max(left, 0)):
            for _ in range(64):
                try:
                    packet = os.read(tun, 65_535)
                except BlockingIOError:
                    break
                if len(packet) < 20 or packet[0] >> 4 != 4:
                    continue
                one, other = whose[tun], packet[19]
                if other not in tuns or other == one:
                    continue
                if (one, other) in cut:
                    kept += 1
                elif chance.random() < loss:
                    lost += 1
                else:
                    way = round_trip_ms(one, other, args.count) / 2_000
                    due = time.monotonic() + way * (1 + 0.1 * chance.random())
                    due = latest[one, other] = max(due, latest.get((one, other), 0.0))
                    made += 1
                    heapq.heappush(waiting, (due, made, other, packet))
    print(f'{{"passed":{passed},"lost":{lost},"kept_apart":{kept}}}', flush=True)


if __name__ == "__main__":
    sys.exit(main())
