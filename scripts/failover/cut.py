#!/usr/bin/env python3
"""The line between two of a pair: carries bytes from one port to another, and nothing while a file is there. What came meanwhile stays on its way,
as on a network that drops packets; the connections live on, and what is begun meanwhile is accepted and never answered.

Usage: cut.py FILE FROM TO [FROM TO]…     (ports of 127.0.0.1; it is cut while FILE exists)
"""
import os, select, socket, sys, threading, time

cut, ports = sys.argv[1], [int(port) for port in sys.argv[2:]]


def carry(source, sink):
    try:
        while True:
            if os.path.exists(cut):
                time.sleep(0.01)
                continue
            if not select.select([source], [], [], 0.01)[0] or os.path.exists(cut):
                continue
            part = source.recv(1 << 16)
            if not part:
                break
            sink.sendall(part)
    except OSError:
        pass
    # An end is not told over a cut line either.
    while os.path.exists(cut):
        time.sleep(0.01)
    for one in (source, sink):
        try:
            one.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        one.close()


def begin(source, to):
    while os.path.exists(cut):
        time.sleep(0.01)
    try:
        sink = socket.create_connection(("127.0.0.1", to), timeout=5)
        sink.settimeout(None)
    except OSError:
        source.close()
        return
    for one in (source, sink):
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    threading.Thread(target=carry, args=(source, sink), daemon=True).start()
    threading.Thread(target=carry, args=(sink, source), daemon=True).start()


def listen(at, to):
    for_ever = socket.create_server(("127.0.0.1", at), backlog=64)
    while True:
        source, _ = for_ever.accept()
        threading.Thread(target=begin, args=(source, to), daemon=True).start()


for at, to in zip(ports[::2], ports[1::2]):
    threading.Thread(target=listen, args=(at, to), daemon=True).start()
threading.Event().wait()
