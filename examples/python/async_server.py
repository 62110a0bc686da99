#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""An asyncio server with interpreters behind it that compute.

The event loop talks to all clients; each request goes through a channel to one
of the workers, which use the other cores. While they compute, the event loop
serves the others. Clients and server are in this program, on the loopback.
"""

import asyncio

import intercsp as csp


def worker(requests: csp.RecvChannel) -> None:
    """Computes; in an interpreter of its own. A request: (n, reply)."""
    for n, reply in requests:
        with reply:
            reply.send(sum(1 for k in range(1, n + 1) if n % k == 0))


async def serve(
    requests: csp.SendChannel,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    """Talk to one client: a number a line, how many divisors it has back."""
    async for line in reader:
        reply, answer = csp.channel(1)
        await requests.asend((int(line), reply))
        writer.write(b"%d\n" % await answer.arecv())
        await writer.drain()
    writer.close()


async def ask(port: int, numbers: list[int]) -> list[int]:
    """A client."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers = []
    for n in numbers:
        writer.write(b"%d\n" % n)
        answers.append(int(await reader.readline()))
    writer.close()
    await writer.wait_closed()
    return answers


async def main() -> None:
    requests, rx = csp.channel(16)
    async with csp.group("workers") as g:
        g.spawn_many(worker, rx, count=2)
        async with requests:  # closed in the end: then the workers end
            server = await asyncio.start_server(
                lambda r, w: serve(requests, r, w), "127.0.0.1", 0
            )
            async with server:
                port = server.sockets[0].getsockname()[1]
                clients = [ask(port, [n, 5040, 9973]) for n in range(10, 20)]
                answers = await asyncio.gather(*clients)
    assert [a[0] for a in answers] == [4, 2, 6, 2, 4, 4, 5, 2, 6, 2]
    assert all(a[1:] == [60, 2] for a in answers)
    print(f"{len(answers)} clients got {sum(map(len, answers))} answers")


if __name__ == "__main__":
    asyncio.run(main())
