#!/usr/bin/env python3
"""A mail server with STARTTLS that notes each mail's Message-ID, for scripts/failover.sh.

Usage: mail.py PORT CERTIFICATE KEY FILE     (Debian: python3, nothing else)
"""
import socketserver, ssl, sys

context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(sys.argv[2], sys.argv[3])


class Session(socketserver.BaseRequestHandler):
    def handle(self):
        secure = False
        line = self.request.makefile("rb")
        say = lambda text: self.request.sendall(text.encode() + b"\r\n")
        say("220 here")
        while word := line.readline():
            verb = word.split()[0].upper() if word.split() else b""
            if verb == b"EHLO":
                say("250 here" if secure else "250-here\r\n250 STARTTLS")
            elif verb == b"STARTTLS":
                say("220 begin")
                self.request = context.wrap_socket(self.request, server_side=True)
                line, secure = self.request.makefile("rb"), True
            elif verb == b"DATA" and secure:
                say("354 go on")
                kept = []
                while (row := line.readline()) not in (b".\r\n", b""):
                    kept.append(row.decode(errors="replace"))
                ids = [row.split(":", 1)[1].strip() for row in kept if row.lower().startswith("message-id:")]
                with open(sys.argv[4], "a") as file:
                    file.write(f"{ids[0] if ids else 'none'}\n")
                say("250 kept")
            elif verb == b"QUIT":
                say("221 bye")
                return
            else:
                say("250 ok" if secure else "530 STARTTLS first")


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True

    def handle_error(self, request, client_address):
        """Who goes away in the middle is no news."""


Server(("127.0.0.1", int(sys.argv[1])), Session).serve_forever()
