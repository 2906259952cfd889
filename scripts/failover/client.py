#!/usr/bin/env python3
"""Numbered events to a pair of nodes, for scripts/failover.sh.

Usage: client.py send FOLDER MANY PORT PORT    one request after another to whichever takes them, until FOLDER/stop is there; notes in
                                               FOLDER what was acknowledged and when; prints how many
       client.py again FOLDER PORT             sends all that was acknowledged once more: prints how many were new, which were lost, and known
"""
import base64, http.client, json, os, sys, time, urllib.error, urllib.request

AUTH = {"Authorization": "Basic " + base64.b64encode(b"registers:t").decode(), "Content-Type": "application/x-ndjson"}
folder = sys.argv[2]


def began():
    """The same in both runs: an event sent again is the same event."""
    path = f"{folder}/began"
    if not os.path.exists(path):
        open(path, "w").write(str(int(time.time() * 1000)))
    return int(open(path).read())


now = began()


def lines(first, last):
    def line(n):
        event = {"kind": "response", "item": n % 500, "skills": [1 + n % 20], "correct": n % 3 > 0, "duration_ms": 900}
        return json.dumps({"id": f"e-{n}", "at": now - 3_600_000 + n % 3_000_000, "student": f"S-{1 + n % 120:04}", "event": event})
    return "\n".join(line(n) for n in range(first, last)).encode()


def send(many, ports):
    acknowledged, times = open(f"{folder}/acknowledged", "w"), open(f"{folder}/times", "w")
    open_lines, n, which = [None, None], 0, 0
    while True:
        taken = False
        try:
            if open_lines[which] is None:
                open_lines[which] = http.client.HTTPConnection("127.0.0.1", ports[which], timeout=1)
            open_lines[which].request("POST", "/events", lines(n, n + many), AUTH)
            answer = open_lines[which].getresponse()
            said = answer.read()
            taken = answer.status == 200
            if taken and json.loads(said)["dead_letters"]:
                sys.exit(f"letters: {said}")
        except (OSError, http.client.HTTPException):
            open_lines[which] = None
        if taken:
            acknowledged.write(f"{n} {n + many}\n"); acknowledged.flush()
            times.write(f"{time.time():.3f} {which}\n"); times.flush()
            n += many
            # What was sent last is acknowledged, so that nothing else is in the vault.
            if os.path.exists(f"{folder}/stop"):
                return n
        else:
            which = 1 - which
            if os.path.exists(f"{folder}/stop") and time.time() - os.path.getmtime(f"{folder}/stop") > 60:
                sys.exit("nobody takes events for a minute")
            time.sleep(0.02)


def again(port):
    last = max(int(row.split()[1]) for row in open(f"{folder}/acknowledged"))
    new, known = 0, 0
    for first in range(0, last, 1000):
        asked = urllib.request.Request(f"http://127.0.0.1:{port}/events", lines(first, min(first + 1000, last)), AUTH)
        for _ in range(300):
            try:
                with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(asked, timeout=60) as answer:
                    said = json.load(answer)
                break
            except urllib.error.HTTPError as error:
                # A duty of the district has the vault for a moment.
                if error.code != 503:
                    raise
                time.sleep(0.2)
        new, known = new + said["new"], known + said["known"]
    return f"{new} {known}"


if sys.argv[1] == "send":
    print(send(int(sys.argv[3]), [int(port) for port in sys.argv[4:6]]))
else:
    print(again(int(sys.argv[3])))
