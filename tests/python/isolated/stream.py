# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Streams bytes objects of 10 kB from one interpreter to another and back;
prints by how many KiB resident memory grew at most.

usage: stream.py MIB_EACH_WAY
"""

import sys

import intercsp as csp

SIZE = 10_000
CAPACITY = 1000


def stream(tx, count):
    for i in range(count):
        tx.send(bytes([i % 256]) * SIZE)


def count_all(rx):
    return sum(len(data) for data in rx)


def peak_kib():
    with open("/proc/self/status") as f:
        (line,) = [line for line in f if line.startswith("VmHWM:")]
    return int(line.split()[1])


def to_and_fro(count):
    """One way with the sender there, then with the receiver there."""
    tx, rx = csp.channel(CAPACITY)
    process = csp.spawn(stream, tx, count)
    assert count_all(rx) == count * SIZE
    process.join()
    tx, rx = csp.channel(CAPACITY)
    process = csp.spawn(count_all, rx)
    stream(tx, count)
    tx.close()
    assert process.result() == count * SIZE


def main():
    count = int(sys.argv[1]) * 1024 * 1024 // SIZE
    to_and_fro(1)  # interpreters take memory
    before = peak_kib()
    to_and_fro(count)
    print(peak_kib() - before)


if __name__ == "__main__":
    main()
