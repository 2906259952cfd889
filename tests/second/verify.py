#!/usr/bin/env python3
"""Checks an evidence bundle from EVIDENCE.md alone.

    verify.py BUNDLE --genesis FILE [--via-genesis FILE] [--genesis-sha256 HEX] [--trusted HEIGHT:HASH] [--output text|json]

Exit code: 0 valid and stands, 1 checked and no, 2 cannot tell.
"""

import argparse
import json
import sys
import traceback

from audit import Answer, audit
from via import audit_via


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle")
    parser.add_argument("--genesis", required=True)
    parser.add_argument("--via-genesis")
    parser.add_argument("--genesis-sha256", type=bytes.fromhex)
    parser.add_argument("--trusted", type=block, metavar="HEIGHT:HASH")
    parser.add_argument("--output", choices=("text", "json"), default="text")
    return parser.parse_args()


def block(text):
    height, digest = text.split(":")
    return int(height), bytes.fromhex(digest)


def answer(options):
    try:
        with open(options.bundle, "rb") as bundle, open(options.genesis, "rb") as genesis:
            given = bundle.read(), genesis.read()
        if options.via_genesis is None:
            return audit(*given, options.genesis_sha256, options.trusted)
        with open(options.via_genesis, "rb") as child:
            return audit_via(*given, child.read(), options.genesis_sha256, options.trusted)
    except OSError as error:
        return Answer(False, None, 2, str(error))
    except Exception:
        # A fault of this program says nothing of the bundle.
        traceback.print_exc()
        return Answer(False, None, 2, "this program failed")


def main():
    options = arguments()
    found = answer(options)
    if options.output == "json":
        print(json.dumps({"valid": found.valid, "standing": found.standing, "why": found.why}))
    else:
        word = {0: "VALID", 2: "CANNOT TELL"}.get(
            found.code, "VALID, BUT IT DOES NOT STAND" if found.valid else "INVALID")
        print(f"{word}: {found.why}")
    sys.exit(found.code)


if __name__ == "__main__":
    main()
