#!/usr/bin/env python3
"""What came of a run of scripts/failover.sh: what was acknowledged and is missing, how long nobody took anything, and where that time went.

Usage: judge.py FOLDER EVENTS_IN_THE_VAULT NEW KNOWN [CHAIN_PORT]    exit 1 when something was lost, or a transaction was executed twice
"""
import datetime, json, sys, urllib.request

folder, had, new, known = sys.argv[1], *(int(number) for number in sys.argv[2:5])


def rows(name):
    try:
        return [row.split() for row in open(f"{folder}/{name}")]
    except FileNotFoundError:
        return []


def logged(name):
    """Lines of a node's log, with the moment in seconds since 1970."""
    found = []
    for row in open(f"{folder}/{name}.log", errors="replace"):
        try:
            line = json.loads(row)
        except ValueError:
            continue
        at = datetime.datetime.fromisoformat(line["timestamp"].replace("Z", "+00:00")).timestamp()
        found.append((at, line.get("fields", {})))
    return found


def told(name, numbers):
    numbers = sorted(number for number in numbers if number is not None)
    if numbers:
        print(f"  {name:<42} p50 {numbers[len(numbers) // 2]:6.0f} ms, largest {numbers[-1]:6.0f} ms  ({len(numbers)})")


acknowledged = sum(int(last) - int(first) for first, last in rows("acknowledged"))
times = [(float(at), ("east", "west")[int(which)]) for at, which in rows("times")]
logs = {name: logged(name) for name in ("east", "west")}
gaps, parts, never = [], [], 0
for at, boot, victim in rows("kills"):
    at, boot, other = float(at), int(boot), "west" if victim == "east" else "east"
    # The first that the other one took.
    after = [one for one, who in times if one > at and who == other]
    if not after:
        never += 1
        continue
    gaps.append(after[0] - at)
    acts = next(((when, f) for when, f in logs[other] if f.get("message") == "this one acts" and f.get("fenced_at", 0) > boot), None)
    if acts is None:
        continue
    when, fields = acts
    opened = next((later for later, f in logs[other] if later >= when and f.get("message") == "the vault is open"), None)
    since = lambda name: fields[name] - boot if fields[name] > boot else None
    waited = max(fields["gone_at"], fields["free_at"])
    parts.append({
        "the first check missed, from its death": since("missed_at"),
        "the third check missed, from its death": since("gone_at"),
        "its lease over, from its death": since("free_at"),
        "both, until the record is put": fields["had_at"] - waited if waited > boot else None,
        "the fence": fields["fenced_at"] - fields["had_at"],
        "the vault opened": 1000 * (opened - when) if opened and opened < after[0] + 5 else None,
        "from acting to the first taken": 1000 * (after[0] - when),
    })
gaps.sort()
middle = gaps[len(gaps) // 2] if gaps else 0
print(f"acknowledged {acknowledged}, lost {new}, known when sent again {known}, in the vault {had}")
print(f"switches of a level pair {len(gaps)}: p50 {middle:.2f} s, largest {max(gaps, default=0):.2f} s, never taken over {never}")
for name in parts[0] if parts else ():
    told(name, [part[name] for part in parts])
good = acknowledged == known == had and new == 0 and acknowledged > 0


def chain(port):
    """All transactions of the chain by account and sequence, and those that did what an earlier one had done already."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    get = lambda path: json.load(direct.open(f"http://127.0.0.1:{port}{path}", timeout=10))
    newest = get("/v1/blocks")["blocks"][0]["height"]
    places, did, twice, again, refused, kinds = set(), set(), 0, 0, 0, {}
    for height in range(1, newest + 1):
        for one in get(f"/v1/blocks/{height}")["outlines"]:
            place, deed = (one["account"], one["sequence"]), (one["kind"], json.dumps(one["events"], sort_keys=True))
            twice += place in places
            places.add(place)
            kinds[one["kind"]] = kinds.get(one["kind"], 0) + 1
            refused += one["code"] != 0
            if one["code"] == 0 and one["kind"] == "RecordAccess":
                again += deed in did
                did.add(deed)
    print(f"transactions {len(places)} in {newest} blocks, two of one sequence number {twice}, one log's head twice {again}, refused {refused}: {kinds}")
    return twice == 0 and again == 0


if len(sys.argv) > 5:
    good &= chain(int(sys.argv[5]))
    mails = [row[0] for row in rows("mails")]
    print(f"mails {len(mails)}, of one Message-ID more than once {len(mails) - len(set(mails))}")
sys.exit(0 if good else 1)
