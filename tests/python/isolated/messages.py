# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Many messages of every kind, in four quarters; what is held after each.

They go from a sender to a relay, which sends them on, to a third interpreter,
which drops them. The sender lives on, or there is one after another: it ends
before its messages are read, while they are, or after that, when the third
still has the last one.

usage: messages.py HOW COUNT BATCH [KIND...]

HOW is "lives" or "ends"; COUNT messages of each kind; at most BATCH of a sender
that ends. Prints as JSON, for each kind and quarter: resident memory (KiB)
after malloc_trim, blocks of Python, and what intercsp holds and has lent.
"""

import dataclasses
import datetime
import decimal
import enum
import gc
import json
import os
import pickle
import sys
import time

import intercsp as csp
from intercsp import _core


class Colour(enum.Enum):
    RED = 1


@dataclasses.dataclass
class Record:
    name: str
    items: list
    colour: Colour


class Apart:
    """Its pickle has a buffer beside it."""

    def __init__(self, data):
        self.data = data

    def __reduce_ex__(self, protocol):
        return Apart, (pickle.PickleBuffer(self.data),)


def in_the_slot(i):
    return (None, i % 2 == 0, i, i / 2, "some str"[: i % 9], b"x" * (i % 9))[
        i % 6
    ]


def flat(i):
    return (2**100 + i, "é" * (20 + i % 99), b"b" * (9 + i % 999), 1j * i)[
        i % 4
    ]


class Kept:
    """What others refer to."""

    data = bytes(70_000)


def large(i):
    return (
        "s" * 70_000,
        b"b" * 70_000,
        Kept.data,
        "é" * 40_000,
        [Kept.data] * 2,
    )[i % 5]


def moved(i):
    if i % 2:
        return csp.move(bytes(bytearray(1500 + i % 9000)))
    return [csp.move(bytes(bytearray(1500 + i % 9000)).hex())]


def containers(i):
    part = [i, "text", 2.5]
    return {
        "again": [part, part, (part,)],
        i: {(1, "k"): {frozenset({i})}},
        "rest": (bytearray(b"x"), range(i), slice(i), None, 2**99, "long" * 99),
    }


def shared(i):
    memory = bytearray(100 + i % 9000)
    return (csp.share(memory, writable=i % 4 == 0), memoryview(memory))[i % 2]


def buffers(i):
    return csp.move(csp.Buffer(3 << 20 if i % 500 == 0 else i % 9000))


def ends(i):
    tx, rx = csp.channel(2)
    tx.send([i, "in the buffer"])
    return {"k": [tx, rx]} if i % 2 else (rx, tx)


def errors(i):
    try:
        raise ValueError("a message", i) from KeyError("its cause")
    except ValueError as error:
        error.add_note("a note")
        return error if i % 10 == 0 else error.with_traceback(None)


def pickled(i):
    return (
        Record("name", [i, {Colour.RED}], Colour.RED),
        [decimal.Decimal(i), datetime.date(2026, 1, 1)],
        {"type": Record},
        Apart(bytes(70_000) if i % 3 else bytearray(100_000)),
    )[i % 4]


def kinds():
    found = (in_the_slot, flat, large, moved, containers, shared, buffers)
    return {f.__name__: f for f in (*found, ends, errors, pickled)}


def send(tx, kind, count):
    """Send, and close."""
    make = kinds()[kind]
    with tx:
        for i in range(count):
            tx.send(make(i))


def wait_for_releases():
    gc.collect()
    end = time.monotonic() + 30
    while _core.lent()["lent"]:
        assert time.monotonic() < end, _core.lent()
        time.sleep(0.001)  # sleeps: between two looks


# ---- in interpreters of their own ----


def live_on(asked, done):
    """Send what is asked for; before that, see to what was."""
    for job in asked:
        wait_for_releases()
        if job is not None:
            send(*job)
        del job
        done.send(None)


def send_and_end(tx, kind, count, go):
    send(tx, kind, count)
    if go is not None:
        list(go)  # until it is closed


def relay(sources, tx, done):
    """Send on what comes from each source."""
    for source in sources:
        for value in source or ():
            tx.send(csp.move(value) if type(value) is csp.Buffer else value)
            del value
        if source is None:
            wait_for_releases()
        del source
        done.send(None)


def drop(rx, done):
    """Keep the last one, until it is quiet; say how many came."""
    last, n = None, 0
    for value in rx:
        if type(value) is str and value == "quiet":
            del value, last
            wait_for_releases()
            done.send(n)
            n = 0
        else:
            last = value
            n += 1


# ---- in this one ----


class Run:
    def __init__(self, batch):
        self.batch = batch
        self.sources, sources = csp.channel(1)
        self.last, rx = csp.channel(100)
        self.jobs, jobs = csp.channel(1)
        sent, self.sent = csp.channel(1)
        passed, self.passed = csp.channel(1)
        dropped, self.dropped = csp.channel(1)
        self.processes = [
            csp.spawn(live_on, jobs, sent),
            csp.spawn(relay, sources, self.last.clone(), passed),
            csp.spawn(drop, rx, dropped),
        ]

    def lives(self, kind, count):
        tx, rx = csp.channel(self.batch)
        self.sources.send(rx)
        self.jobs.send((tx, kind, count))
        self.sent.recv()
        self.passed.recv()

    def ends(self, kind, count):
        while count > 0:
            n = min(count, self.batch)
            for i, when in enumerate(("before", "while", "after")):
                self.one_ends(when, kind, (n + i) // 3)
            count -= n

    def one_ends(self, when, kind, count):
        tx, rx = csp.channel(self.batch)
        go, gone = csp.channel(1)
        process = csp.spawn(
            send_and_end, tx, kind, count, gone if when == "after" else None
        )
        if when == "before":
            process.join()
        self.sources.send(rx)
        self.passed.recv()
        go.close()
        process.result()

    def quiet(self):
        """Nothing is under way; what is held then."""
        self.last.send("quiet")
        arrived = self.dropped.recv()
        for tx, rx in ((self.sources, self.passed), (self.jobs, self.sent)):
            tx.send(None)
            rx.recv()
        gc.collect()
        before = time.monotonic()
        while len(os.listdir("/proc/self/task")) > 4:  # some linger
            assert time.monotonic() < before + 30
            time.sleep(0.001)  # sleeps: between two looks
        trim()
        with open("/proc/self/statm") as f:
            pages = int(f.read().split()[1])
        return {
            "arrived": arrived,
            "kib": pages * os.sysconf("SC_PAGESIZE") // 1024,
            "python": sys.getallocatedblocks(),
            **_core.live(),
        }


def trim():
    """Give free memory back, as far as the C library can."""
    try:
        from ctypes import CDLL

        CDLL(None).malloc_trim(0)
    except (ImportError, AttributeError):
        pass


def main():
    how, count, batch, *only = sys.argv[1:]
    run = Run(int(batch))
    found = {}
    for kind in only or kinds():
        found[kind] = []
        for n in (int(batch), *4 * [int(count) // 4]):
            try:
                getattr(run, how)(kind, n)
                found[kind].append(run.quiet())
            except csp.Closed:  # why, they say
                for process in run.processes:
                    process.result(5.0)
        del found[kind][0]  # what is made once was made then
    print(json.dumps(found))


if __name__ == "__main__":
    main()
