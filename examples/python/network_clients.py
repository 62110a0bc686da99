#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Network clients, each in an interpreter of its own.

They fetch pages side by side and work on them with the cores of this machine,
in plain blocking code. The server is in this program, on the loopback.
"""

import hashlib
import http.client
import http.server
import threading

import intercsp as csp

PAGES, CLIENTS = 40, 4


class Page(http.server.BaseHTTPRequestHandler):
    """The page /7 says "page 7" many times; there are not all pages."""

    def do_GET(self) -> None:
        number = int(self.path.strip("/"))
        self.send_response(404 if number % 10 == 9 else 200)
        self.end_headers()
        self.wfile.write(text_of(number))

    def log_message(self, *_: object) -> None:
        pass


def text_of(number: int) -> bytes:
    return b"page %d\n" % number * 1000


def client(port: int, pages: csp.RecvChannel, found: csp.SendChannel) -> None:
    """Fetch pages until there are no more, and send what is in them."""
    for number in pages:
        server = http.client.HTTPConnection("127.0.0.1", port, timeout=30.0)
        server.request("GET", f"/{number}")
        answer = server.getresponse()
        text = answer.read()
        server.close()
        if answer.status == 200:
            found.send((number, hashlib.sha256(text).hexdigest()))


def fetch_all(port: int) -> dict[int, str]:
    pages_tx, pages = csp.channel(CLIENTS)
    found_tx, found = csp.channel(PAGES)
    with csp.group("clients") as g:
        g.spawn_many(client, port, pages, found_tx, count=CLIENTS)
        g.feed(range(PAGES), pages_tx)
        return dict(found)  # until the last client has ended


def main() -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    with server:
        threading.Thread(target=server.serve_forever).start()
        found = fetch_all(server.server_port)
        server.shutdown()
    expected = [number for number in range(PAGES) if number % 10 != 9]
    assert sorted(found) == expected
    for number, digest in found.items():
        assert digest == hashlib.sha256(text_of(number)).hexdigest()
    print(f"{CLIENTS} clients fetched {len(found)} pages of {PAGES}")


if __name__ == "__main__":
    main()
