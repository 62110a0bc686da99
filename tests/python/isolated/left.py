# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Processes end before what they have lent is read, which needs nothing of
them; prints by how many KiB memory grew with the later ones.

usage: left.py COUNT
"""

import ctypes
import os
import sys

import intercsp as csp

SIZE = 70_000


def lend_and_end(tx):
    tx.send(b"".join([b"x"] * SIZE))


def kib():
    ctypes.CDLL(None).malloc_trim(0)
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE") // 1024


def leave(count):
    for _ in range(count):
        tx, rx = csp.channel(1)
        csp.spawn(lend_and_end, tx).join()
        assert len(rx.recv()) == SIZE


def main():
    leave(5)
    before = kib()
    leave(int(sys.argv[1]))
    print(kib() - before)


if __name__ == "__main__":
    main()
