# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Ctrl-C again and again, at random moments of waits and of Python code.

The main thread receives numbers from one process and sends numbers to another,
in turn and in every way. A child process sends it SIGINT a random moment after
it was told that the last KeyboardInterrupt was seen. Each must be seen within
a second, and no number may be lost or come twice.

What is received is noted, and what was sent is counted, without an instruction
in between at which CPython runs signal handlers: such are the ends of calls
and of rounds of loops. So the calls are made by map() and iter().

usage: sigint_storm.py COUNT SEED
"""

import os
import random
import signal
import subprocess
import sys
import time
from functools import partial

import intercsp as csp

KILLER = """
import os, random, sys, time
chance = random.Random(int(sys.argv[1]))
while os.read(0, 1):
    end = time.monotonic() + chance.random() ** 2 * 0.004
    while time.monotonic() < end:
        time.sleep(0)  # sleeps: lets others run
    os.write(1, time.monotonic().hex().encode().ljust(32))
    os.kill(os.getppid(), 2)
"""


def stream(tx, end, seed):
    """Numbers from 0 up, in bursts, until end closes: how many."""
    chance = random.Random(seed)
    number = 0
    while True:
        for _ in range(chance.randrange(200)):
            tx.send(number)
            number += 1
        try:
            end.recv(chance.random() * 0.001)
        except TimeoutError:
            pass
        except csp.Closed:
            return number


def check(rx, end, seed):
    """Take numbers, which must go up from 0, slowly at times: how many."""
    chance = random.Random(seed)
    number = -1
    for number, got in enumerate(rx):
        assert got == number, f"{got} was sent, not {number}"
        if chance.random() < 0.01:
            try:
                end.recv(chance.random() * 0.001)
            except TimeoutError:
                pass
            except csp.Closed:
                end = csp.channel(1)[1]  # closed as well
    return number + 1


class Storm:
    def __init__(self, seed):
        self.chance = random.Random(seed)
        tx, self.rx = csp.channel(16)
        self.tx, rx = csp.channel(3)
        self.ends, end = csp.channel(1)
        self.streamer = csp.spawn(stream, tx, end.clone(), seed)
        self.checker = csp.spawn(check, rx, end, seed)
        self.received = [0]  # the number that must come next
        self.sent = [0]  # the number to send next

    def receive(self):
        received, chance = self.received, self.chance
        way = chance.randrange(4)
        if way == 0:
            source = self.rx
        elif way == 1:
            source = iter(self.rx.recv, None)
        elif way == 2:
            source = iter(partial(self.rx.recv, chance.random() * 0.001), None)
        else:
            source = iter(partial(self.rx.recv_nowait, None), None)
        for number in source:
            if number != received[0]:
                raise AssertionError(f"{number} came, not {received[0]}")
            received[0] += 1
            if chance.random() < 0.02:
                break

    def send(self):
        sent, chance = self.sent, self.chance
        way = chance.randrange(3)
        if way == 0:
            send = self.tx.send
        elif way == 1:
            send = partial(self.tx.send, timeout=chance.random() * 0.001)
        else:
            send = self.tx.send_nowait
        numbers = range(sent[0], sent[0] + chance.randrange(60))
        for _none in map(send, numbers):
            sent[0] += 1

    def join(self):
        self.streamer.join(self.chance.random() * 0.001)

    def compute(self):
        sum(map(len, [str(i) for i in range(self.chance.randrange(3000))]))

    def step(self):
        way = self.chance.choice(
            (self.receive, self.receive, self.send, self.join, self.compute)
        )
        try:
            way()
        except (TimeoutError, csp.Full):
            pass

    def finish(self):
        """What went through the channels is what was seen here."""
        self.ends.close()
        for number in self.rx:
            assert number == self.received[0]
            self.received[0] += 1
        self.tx.close()
        assert self.streamer.result() == self.received[0]
        assert self.checker.result() == self.sent[0]


def main():
    count, seed = int(sys.argv[1]), int(sys.argv[2])
    storm = Storm(seed)
    killer = subprocess.Popen(
        [sys.executable, "-c", KILLER, str(seed)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    ask, told = killer.stdin.fileno(), killer.stdout.fileno()
    seen, asked, late = 0, 0, []
    while seen < count:  # none is on its way here
        try:
            while True:
                if asked == seen:
                    asked += 1
                    os.write(ask, b".")
                storm.step()
        except KeyboardInterrupt:
            now = time.monotonic()
            seen += 1
            late.append(now - float.fromhex(os.read(told, 32).decode()))
    killer.stdin.close()
    killer.wait()
    killer.stdout.close()
    storm.finish()
    assert max(late) < 1.0, f"a signal was seen after {max(late):.3f} s"
    late.sort()
    median, last = late[count // 2] * 1e6, late[-1] * 1e6
    print(f"{count} signals, seen after {median:.0f} us (last {last:.0f} us);")
    print(f"{storm.received[0]} numbers received, {storm.sent[0]} sent")


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    main()
