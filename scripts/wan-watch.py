#!/usr/bin/env python3
"""Asks nodes in network namespaces for their heights ten times a second, all from one process, and prints when which had which.

  wan-watch.py PREFIX COUNT

Namespaces PREFIX1 to PREFIXn; each node's API is at 127.0.0.1:8480 there. A line `milliseconds node height` for each height that a node was
seen to have, in milliseconds since 1970.
"""
import ctypes
import http.client
import json
import os
import sys
import time

CLONE_NEWNET = 0x40000000


class Node:
    """A node's API over one connection, which stays in the namespace in which it was made."""

    def __init__(self, namespace):
        self.namespace, self.connection, self.height = namespace, None, None

    def connect(self):
        libc = ctypes.CDLL(None, use_errno=True)
        home, there = os.open("/proc/self/ns/net", os.O_RDONLY), os.open(f"/run/netns/{self.namespace}", os.O_RDONLY)
        try:
            if libc.setns(there, CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), f"cannot enter {self.namespace}")
            connection = http.client.HTTPConnection("127.0.0.1", 8480, timeout=2)
            connection.connect()
            return connection
        finally:
            libc.setns(home, CLONE_NEWNET)
            os.close(home)
            os.close(there)

    def look(self):
        """The node's height if it is another than before."""
        try:
            self.connection = self.connection or self.connect()
            self.connection.request("GET", "/v1/status")
            height = json.load(self.connection.getresponse())["height"]
        except (OSError, ValueError, KeyError, http.client.HTTPException):
            if self.connection:
                self.connection.close()
            self.connection = None
            return None
        before, self.height = self.height, height
        return height if height != before else None


def main():
    nodes = [Node(f"{sys.argv[1]}{number}") for number in range(1, int(sys.argv[2]) + 1)]
    while True:
        begun = time.time()
        for number, node in enumerate(nodes, 1):
            height = node.look()
            if height is not None:
                print(int(time.time() * 1000), number, height, flush=True)
        time.sleep(max(0.0, begun + 0.1 - time.time()))


if __name__ == "__main__":
    main()
