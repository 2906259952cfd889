#!/usr/bin/env python3
"""Writes merkle_rfc9162.json: RFC 9162 roots and inclusion paths as PyPI pymerkle 7.0.0 computes them.

Run once (pip install pymerkle==7.0.0), commit the output. Leaf i of a tree holds the bytes "leaf-i".
For every size 1 to 70: the root, and SHA-256 over all inclusion paths (index 0 first, lowest sibling first,
raw 32-byte hashes joined). For sizes up to 13 the paths themselves as well.
"""
import hashlib
import json
import pathlib

from pymerkle import InmemoryTree

trees = []
for size in range(1, 71):
    tree = InmemoryTree(algorithm="sha256")
    for index in range(size):
        tree.append_entry(f"leaf-{index}".encode())
    # pymerkle counts leaves from 1, and its path starts with the leaf's own hash.
    paths = [tree.prove_inclusion(index + 1, size).path[1:] for index in range(size)]
    entry = {
        "leaves": size,
        "root": tree.get_root().hex(),
        "paths_sha256": hashlib.sha256(b"".join(h for path in paths for h in path)).hexdigest(),
    }
    if size <= 13:
        entry["paths"] = [[h.hex() for h in path] for path in paths]
    trees.append(entry)

out = pathlib.Path(__file__).with_suffix(".json")
out.write_text(json.dumps({"source": "PyPI pymerkle 7.0.0, sha256", "trees": trees}, indent=1) + "\n")
