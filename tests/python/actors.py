# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Actors that tests start: of a module, as their interpreters import it."""

import os
import sys

import intercsp as csp


class Counter(csp.Actor):
    def __init__(self, start=0):
        if start is None:
            raise ValueError("no start")
        self.n = start

    def add(self, k):
        self.n += k
        return self.n

    def fail(self, text="as asked"):
        raise LookupError(text)

    def fail_oddly(self):
        raise LookupError(i for i in ())  # which cannot be sent

    def exit(self, status):
        sys.exit(status)

    def refuse(self):
        return (i for i in ())  # cannot be sent

    def wait(self, rx):
        rx.recv()

    def thread(self):
        return csp._core.current_thread(), os.getpid()


class Fragile:
    """Can be pickled, and not be made again."""

    def __reduce__(self):
        return int, ("not a number",)


class Keeper(Counter):
    """Hands its count on."""

    def hand_over(self):
        return self.n

    def take_over(self, n):
        self.n = n


class Clinger(Counter):
    """Would hand on what cannot be sent."""

    def hand_over(self):
        return (i for i in ())

    def take_over(self, nothing):
        raise AssertionError("there is nothing to take")


class Log(csp.Actor):
    """Keeps what it is told, and tells an end how it ended."""

    mailbox = 4

    def __init__(self, tx=None):
        self.lines = []
        self._tx = tx

    def write(self, line):
        self.lines.append(line)

    def read(self):
        return self.lines

    def ended(self):
        if self._tx is not None:
            self._tx.send(self.lines)


class Front(csp.Actor):
    """Has a reference to another one."""

    def __init__(self, counter):
        self.counter = counter

    def twice(self, k):
        self.counter.add(k)
        return self.counter.add(k)

    def give(self):
        return self.counter

    def fail(self):
        raise LookupError


class Witness(csp.Actor):
    """Says when it is made and when it ends, and what it was told by whom."""

    def __init__(self, lives, log):
        self._lives = lives
        self._log = log
        lives.send("made")

    def note(self, who, n):
        self._log.send((who, n))
        return who, n

    def fail(self):
        raise LookupError

    def exit(self, status):
        sys.exit(status)

    def thread(self):
        return csp._core.current_thread()
