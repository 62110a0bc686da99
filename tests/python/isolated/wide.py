# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Prints how many page faults a thousand choices of many cases take.

In a program of its own: it depends on what else is in the heap, whether memory
for the cases lies where the C library gives it back to the system each time."""

import resource

import intercsp as csp


def faults(width: int) -> int:
    channels = [csp.channel(1) for _ in range(width)]
    ends = [rx for _tx, rx in channels]
    channels[width // 2][0].send(None)
    before = 0
    for i in range(250):
        if i == 50:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        got = csp.select(*ends)
        channels[(got.index + 7) % width][0].send(None)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


print(sum(faults(width) for width in (850, 900, 950, 1000, 1024)))
