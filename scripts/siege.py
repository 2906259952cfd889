#!/usr/bin/env python3
"""Readers of a node that mean no good, for scripts/bench-explorer.sh. Standard library only.
   siege.py --rpc URL --pid PID wait|blocks|siege|hostile
wait     until the node has its index and the chain moves
blocks   prints the heights of an idle block and of a full one
siege    1,000 streams (a fifth of them ask for the whole chain and read nothing) and 200 HTTP clients that send a byte a
         second, for 30 s; prints block intervals and resident memory before, during and after
hostile  absurd requests; fails unless each is answered with an error in the node's form, or with nothing found"""
import argparse
import asyncio
import json
import statistics
import sys
import time
import urllib.parse
import urllib.request

STREAMS, SLOW_SHARE, SLOW_CLIENTS, SECONDS = 1_000, 5, 200, 30


def body_of(path):
    with urllib.request.urlopen(args.rpc + path, timeout=60) as answer:
        return answer.read()


def get(path):
    return json.loads(body_of(path))


def resident_mib():
    with open(f"/proc/{args.pid}/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS"))


def wait():
    start = get("/v1/status")["height"]
    while (now := get("/v1/status"))["transactions"] is None or now["height"] < start + 2:
        time.sleep(0.1)


def blocks():
    newest = get("/v1/transactions?limit=1&kind=AnchorStates")["transactions"][0]["height"]
    heights = range(max(1, newest - 20), newest + 1)
    print(get("/v1/status")["height"] - 1)
    print(max(heights, key=lambda h: len(body_of(f"/v1/blocks/{h}"))))


def address():
    url = urllib.parse.urlparse(args.rpc)
    return url.hostname, url.port


async def stream(path, reads, tally):
    """One WebSocket; counts its bytes, or never reads."""
    try:
        # A small buffer, so that a client that does not read is felt by the node soon.
        reader, writer = await asyncio.open_connection(*address(), limit=2**14)
        writer.write((f"GET {path} HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n"
                      "sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n").encode())
        head = await reader.readuntil(b"\r\n\r\n")
        status = head.split(b" ")[1].decode()
        tally["open"][status] = tally["open"].get(status, 0) + 1
        while reads:
            piece = await reader.read(2**14)
            if not piece:
                tally["closed"] += 1
                return
            tally["bytes"] += len(piece)
        await asyncio.sleep(3600)
    except (ConnectionError, asyncio.IncompleteReadError) as error:
        tally["failed"][type(error).__name__] = tally["failed"].get(type(error).__name__, 0) + 1


async def slow_client(tally):
    """Sends a request's head a byte a second, again whenever it is let go."""
    while True:
        try:
            reader, writer = await asyncio.open_connection(*address())
            for byte in b"GET /v1/blocks HTTP/1.1\r\nhost: x\r\n" + b"x: y\r\n" * 100:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(1)
        except ConnectionError:
            tally["let_go"] += 1


def answered_ms(path):
    start = time.monotonic()
    body_of(path)
    return (time.monotonic() - start) * 1000


async def watch(seconds):
    """Block intervals by the blocks' own times, and how long a page takes meanwhile."""
    first = (await asyncio.to_thread(get, "/v1/status"))["height"]
    end, pages = time.monotonic() + seconds, []
    while time.monotonic() < end:
        pages.append(await asyncio.to_thread(answered_ms, "/"))
        await asyncio.sleep(0.25)
    times = []
    for height in range(first, (await asyncio.to_thread(get, "/v1/status"))["height"] + 1):
        times.append((await asyncio.to_thread(get, f"/v1/blocks/{height}"))["time_ms"])
    gaps = [b - a for a, b in zip(times, times[1:])]
    return {"blocks": len(gaps), "interval_ms_median": statistics.median(gaps), "interval_ms_max": max(gaps),
            "overview_ms_median": round(statistics.median(pages), 1), "overview_ms_max": round(max(pages), 1),
            "resident_mib": round(resident_mib())}


async def siege():
    print("before", json.dumps(await watch(15)), flush=True)
    tally = {"open": {}, "failed": {}, "closed": 0, "bytes": 0, "let_go": 0}
    slow = STREAMS // SLOW_SHARE
    tasks = [asyncio.create_task(stream("/v1/stream?from=1" if n < slow else "/v1/stream", n >= slow, tally))
             for n in range(STREAMS)]
    tasks += [asyncio.create_task(slow_client(tally)) for _ in range(SLOW_CLIENTS)]
    print("during", json.dumps(await watch(SECONDS)), json.dumps(tally), flush=True)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(5)
    print("after ", json.dumps(await watch(10)), flush=True)


async def raw(target):
    reader, writer = await asyncio.open_connection(*address())
    writer.write(b"GET " + target + b" HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    answer = await asyncio.wait_for(reader.read(-1), 60)
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    status = int(head.split(b" ")[1]) if head.startswith(b"HTTP/") else 0
    try:
        body = json.loads(body)
    except ValueError:
        body = {}
    return status, body


async def hostile():
    before = await asyncio.to_thread(get, "/v1/status")
    bad = 0
    targets = [b"/v1/blocks?limit=1000000000", b"/v1/transactions?limit=1000000000", b"/v1/trail?limit=-1",
               b"/v1/transactions?before=18446744073709551616", b"/v1/transactions?before=%00", b"/v1/blocks?from=x",
               b"/v1/blocks/0", b"/v1/blocks/99999999999", b"/v1/rounds/4294967295/figures", b"/v1/export/..%2f..%2fx.csv",
               b"/v1/transactions/" + b"f" * 10_000, b"/v1/search?q=" + b"x" * 60_000, b"/v1/search?q=" + b"x" * 2**20,
               b"/v1/search?q=%FF%FE%00%1b", b"/v1/search?q='%20OR%201=1;--", b"/v1/search?q=%3Cscript%3E",
               b"/v1/search?q=\xff\xfe", b"/v1/search?" + b"q=x&" * 5_000, b"/v1/stream?from=x"]
    for target in targets:
        try:
            status, body = await raw(target)
        except (ConnectionError, asyncio.TimeoutError) as error:
            status, body = type(error).__name__, {}
        code = body.get("error", {}).get("code", "found %s" % body.get("count") if "count" in body else "no body")
        good = status in (400, 404) and "error" in body or status == 200 and body.get("count") == 0
        # What is not HTTP is refused before there is a route: a status alone.
        good = good or (len(target) > 65_534 or max(target) > 127) and status in (400, 414, 431, "ConnectionResetError")
        bad += not good
        print("ok  " if good else "BAD ", status, code, target[:60])
    after = await asyncio.to_thread(get, "/v1/status")
    print(f"height {before['height']} -> {after['height']}, {round(resident_mib())} MiB")
    return bad


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--rpc", required=True)
parser.add_argument("--pid", type=int, required=True)
parser.add_argument("what", choices=["wait", "blocks", "siege", "hostile"])
args = parser.parse_args()
if args.what in ("wait", "blocks"):
    {"wait": wait, "blocks": blocks}[args.what]()
elif args.what == "siege":
    asyncio.run(siege())
else:
    sys.exit(1 if asyncio.run(hostile()) else 0)
