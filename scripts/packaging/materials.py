#!/usr/bin/env python3
"""Whether a bill of materials and a program's own list name every package that is compiled into the program.

    materials.py TARGET PACKAGE:PROGRAM:BILL...     for example x86_64-unknown-linux-gnu aula-node:…/aula:…/aula.cdx.json

Three lists: what `cargo tree` resolves for that package and target (normal and build dependencies), the CycloneDX file, and the
program's section .dep-v0 (cargo-auditable: zlib, JSON), which stripping leaves there. The last two come from Cargo's metadata, which
joins the features of the workspace, so they may name more; what either of them lacks is a fault.
"""
import json
import struct
import subprocess
import sys
import zlib

SECTION = b".dep-v0"


def carried(path):
    """The packages that a program carries, as (name, version)."""
    with open(path, "rb") as file:
        head = file.read(64)
        if head[:6] != b"\x7fELF\x02\x01":
            sys.exit(f"{path} is no 64-bit little-endian ELF")
        at, = struct.unpack_from("<Q", head, 40)
        size, count, names = struct.unpack_from("<HHH", head, 58)
        file.seek(at)
        table = [struct.unpack("<IIQQQQIIQQ", file.read(size)[:64]) for _ in range(count)]
        file.seek(table[names][4])
        text = file.read(table[names][5])
        for name, _, _, _, begin, length, *_ in table:
            if text[name:text.index(b"\0", name)] == SECTION:
                file.seek(begin)
                told = json.loads(zlib.decompress(file.read(length)))
                return {(one["name"], one["version"]) for one in told["packages"]}
    sys.exit(f"{path} carries no list: it was not built by cargo auditable, or the section was stripped")


def billed(path):
    with open(path) as file:
        bill = json.load(file)
    found, ahead = set(), [bill["metadata"]["component"], *bill["components"]]
    while ahead:
        one = ahead.pop()
        if one.get("type") == "library" or one is bill["metadata"]["component"]:
            found.add((one["name"], one["version"]))
        ahead += one.get("components", []) if one is not bill["metadata"]["component"] else []
    return found


def resolved(package, target):
    told = subprocess.run(["cargo", "tree", "--locked", "-p", package, "-e", "normal,build", "--target", target,
                           "--prefix", "none", "--format", "{p}"], check=True, capture_output=True, text=True).stdout
    return named(told)


def named(tree):
    words = [line.split() for line in tree.splitlines() if line.strip()]
    return {(name, version.removeprefix("v")) for name, version, *_ in words}


def shown(packages):
    return ", ".join(f"{name} {version}" for name, version in sorted(packages))


def main():
    target, *triples = sys.argv[1:]
    faults = 0
    for triple in triples:
        package, program, bill = triple.split(":")
        tree, own, told = resolved(package, target), carried(program), billed(bill)
        for what, found in (("the bill of materials", told), (f"the program {program}", own)):
            if missing := tree - found:
                print(f"{package}: {what} lacks {shown(missing)}", file=sys.stderr)
                faults += 1
        if missing := own - told:
            print(f"{package}: the bill of materials lacks, and the program carries, {shown(missing)}", file=sys.stderr)
            faults += 1
        more = (told | own) - tree
        print(f"{package} for {target}: {len(tree)} packages, {len(told)} in the bill, {len(own)} in the program"
              + (f"; there by other members' features: {shown(more)}" if more else ""))
    sys.exit(1 if faults or not triples else 0)


if __name__ == "__main__":
    main()
