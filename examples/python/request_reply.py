#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Requests that bring along the channel for their answer.

A server in an interpreter of its own takes requests from many clients. Each
request holds a send end: the answer goes to who has asked, and to nobody else.
If the server fails, that end goes with it: the client sees Closed, and does not
wait for ever.
"""

import intercsp as csp


def server(requests: csp.RecvChannel) -> None:
    """Looks words up; a request is (word, reply)."""
    capitals = {"France": "Paris", "Italy": "Rome", "Spain": "Madrid"}
    for country, reply in requests:
        with reply:
            if country in capitals:
                reply.send(capitals[country])


def ask(requests: csp.SendChannel, country: str) -> str | None:
    """The server's answer; None: it has none."""
    reply, answer = csp.channel(1)
    requests.send((country, reply))  # reply is given away
    try:
        capital: str = answer.recv(timeout=30.0)
        return capital
    except csp.Closed:
        return None


def client(requests: csp.SendChannel, country: str) -> str | None:
    return ask(requests, country)


def main() -> None:
    requests, rx = csp.channel(8)
    csp.spawn(server, rx)  # ends when its clients have gone
    countries = ["France", "Italy", "Spain", "Atlantis"]
    calls = [(client, requests.clone(), country) for country in countries]
    requests.close()
    capitals = csp.par(*calls)
    assert capitals == ["Paris", "Rome", "Madrid", None]
    print(dict(zip(countries, capitals, strict=True)))


if __name__ == "__main__":
    main()
