#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""A worker in C in a network of Python processes.

    feed --(texts)--> checksums() in C --(sums)--> here

Channels are the same in C. The worker has a thread of this interpreter, which
gives up the GIL for as long as it is in C: ctypes does that. Its one argument
is the library that is made of examples/c/checksums.c.
"""

import ctypes
import sys

import intercsp as csp


def work(path: str, texts: csp.RecvChannel, sums: csp.SendChannel) -> None:
    """Let C find the ends by the numbers of their channels."""
    library = ctypes.CDLL(path)
    library.checksums.argtypes = [ctypes.c_uint64, ctypes.c_uint64]
    status = library.checksums(texts.id, sums.id)
    if status < 0:
        raise OSError(f"checksums() returned {status}")


def checksum(text: str) -> int:
    """The same in Python."""
    total = 2166136261
    for byte in text.encode():
        total = (total ^ byte) * 16777619 % 2**32
    return total


def main(path: str) -> None:
    texts = [f"line {n} of a text" for n in range(1000)]
    texts_tx, texts_rx = csp.channel(16)
    sums_tx, sums_rx = csp.channel(16)
    with csp.group() as g:
        g.spawn(work, path, texts_rx, sums_tx, thread=True)
        g.feed(texts, texts_tx)
        sums = list(sums_rx)
    assert sums == [checksum(text) for text in texts]
    print(f"{len(sums)} checksums, the first {sums[0]:08x}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: c_worker.py LIBRARY")
    main(sys.argv[1])
