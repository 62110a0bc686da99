# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Ctrl-C again and again, at random moments of waits and of Python code.

A child sends SIGINT a random moment after it was told that the last
KeyboardInterrupt was seen. A process streams numbers meanwhile, in bursts, so
that the main thread waits, receives and computes in turn. Each signal must be
seen within a second, and no number may be missing.

usage: sigints.py COUNT SEED
"""

import os
import random
import subprocess
import sys
import time

import intercsp as csp

KILLER = """
import os, random, sys, time
chance = random.Random(int(sys.argv[1]))
while os.read(0, 1):
    time.sleep(chance.random() * 0.002)  # sleeps: the random moment
    os.kill(os.getppid(), 2)
"""


def stream(tx, never, seed):
    """Numbers from 0 up, in bursts, until nobody takes them."""
    chance = random.Random(seed)
    number = 0
    try:
        while True:
            for _ in range(chance.randrange(200)):
                tx.send(number)
                number += 1
            try:
                never.recv(chance.random() * 0.001)
            except TimeoutError:
                pass
    except csp.Closed:
        return number


class Receiver:
    def __init__(self, rx, chance):
        self.rx = rx
        self.chance = chance
        self.next = 0  # the number that must come
        self.number = -1  # the last that was taken

    def note(self):
        assert self.number == self.next, f"{self.number}, not {self.next}"
        self.next += 1

    def run(self):
        """Receive, and compute, until interrupted."""
        while True:
            for self.number in self.rx:
                self.note()
                if self.chance.random() < 0.01:
                    break
            sum(range(self.chance.randrange(2000)))

    def settle(self):
        """After an interrupt: note what was taken, but not noted."""
        if self.number == self.next:
            self.note()


def main():
    count, seed = int(sys.argv[1]), int(sys.argv[2])
    tx, rx = csp.channel(16)
    keep, never = csp.channel(1)
    process = csp.spawn(stream, tx, never, seed)
    killer = subprocess.Popen(
        [sys.executable, "-c", KILLER, str(seed)], stdin=subprocess.PIPE
    )
    receiver = Receiver(rx, random.Random(seed))
    slowest = 0.0
    for _ in range(count):
        asked = time.monotonic()
        try:
            os.write(killer.stdin.fileno(), b".")
            receiver.run()
        except KeyboardInterrupt:
            receiver.settle()
        slowest = max(slowest, time.monotonic() - asked)
    killer.stdin.close()
    killer.wait()
    rx.close()
    process.join()
    keep.close()
    assert slowest < 1.0, f"a signal was seen after {slowest:.3f} s"
    assert receiver.next > 0
    print(f"{count} signals, {receiver.next} numbers, {slowest * 1e3:.0f} ms")


if __name__ == "__main__":
    main()
