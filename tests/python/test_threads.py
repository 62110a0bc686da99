# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Processes that are threads of this interpreter: thread=True, and feeds."""

import functools
import threading
import time
import traceback

import pytest

import intercsp as csp
import jobs
from intercsp import _compat, _core
from support import DEADLINE, Aside, until, until_waiting


def spawn(function, *args, **options):
    return csp.spawn(function, *args, thread=True, **options)


def until_waits(process):
    until(lambda: process._thread.waiting, f"{process} waits")


# ---- what it is -------------------------------------------------------------


def test_it_runs_here_with_what_it_is_passed():
    lock = threading.Lock()

    def where(x, *, y=None):
        return x, y, threading.current_thread().name, _core.current_thread()

    process = spawn(functools.partial(where, lock, y=[lock]), name="here")
    x, y, name, number = process.result(DEADLINE)
    assert x is lock
    assert y == [lock]
    assert name == process.name == "here"
    assert number == process.id
    assert not process.alive
    assert repr(process) == "<intercsp.Process 'here' ended>"


def test_ends_are_given_to_it():
    tx, rx = csp.channel(1)
    back, answers = csp.channel(1)
    process = spawn(
        lambda a: jobs.double(a["rx"], a["tx"][0]), {"rx": rx, "tx": [back]}
    )
    for end in (rx, back):
        with pytest.raises(csp.Moved, match=r"clone\(\)"):
            end.clone()
    tx.send(4)
    assert answers.recv(DEADLINE) == 8
    tx.close()
    process.join(DEADLINE)
    with pytest.raises(csp.Closed):
        answers.recv(DEADLINE)


def test_same_end_twice_is_refused_and_kept():
    tx, rx = csp.channel(1)
    with pytest.raises(csp.Moved, match=r"clone\(\)"):
        spawn(jobs.give_back, tx, rx, tx)
    tx.send(1)
    assert rx.recv() == 1


def test_ends_can_be_its_result():
    tx, rx = csp.channel(1)
    (other,) = spawn(jobs.give_back, tx).result(DEADLINE)
    other.send("through")
    assert rx.recv() == "through"


def test_its_end_is_a_case_of_a_select():
    tx, rx = csp.channel(1)
    process = spawn(jobs.collect, rx)
    assert csp.select(process, default="not yet") == "not yet"
    tx.close()
    assert csp.select(process, timeout=DEADLINE).index == 0


def test_it_is_seen_among_those_who_wait():
    _tx, rx = csp.channel(1, name="watched")
    process = spawn(jobs.wait_on, rx, name="watcher")

    def names():
        (info,) = [c for c in csp.channels() if c.name == "watched"]
        return [w.process for w in info.waits]

    until(lambda: names() == ["watcher"])
    process.stop()


# ---- errors -----------------------------------------------------------------


def test_result_raises_the_very_error_with_its_traceback():
    error = LookupError("mine")

    def fail():
        raise error

    process = spawn(fail)
    depths = set()
    for _ in range(2):
        with pytest.raises(LookupError) as caught:
            process.result(DEADLINE)
        assert caught.value is error
        text = "".join(traceback.format_exception(caught.value))
        assert "raise error" in text
        assert "_guest" not in text
        depths.add(text)
    assert len(depths) == 1


@pytest.mark.parametrize(("code", "fails"), [(0, False), (3, True)])
def test_exit_ends_it_alone(code, fails):
    process = spawn(jobs.exit_with, code)
    if fails:
        with pytest.raises(csp.RemoteError, match="SystemExit: 3"):
            process.result(DEADLINE)
    else:
        assert process.result(DEADLINE) is None


def test_ends_of_one_that_failed_are_closed_whoever_holds_the_error():
    tx, rx = csp.channel(1)

    def serve(tx):
        _mine, kept = csp.channel(1)
        tx.send(kept)
        local, other = csp.channel(1)
        tx.send(other)
        raise LookupError(local.name)

    process = spawn(serve, tx)
    first, second = rx.recv(DEADLINE), rx.recv(DEADLINE)
    process.join(DEADLINE)
    with pytest.raises(LookupError) as caught:
        process.result()
    for end in rx, first, second:
        with pytest.raises(csp.Closed):
            end.recv(DEADLINE)
    del caught


# ---- what cannot be started -------------------------------------------------


@pytest.fixture
def no_threads(monkeypatch):
    def refuse(_function):
        def start():
            raise RuntimeError("can't start new thread")

        return start

    monkeypatch.setattr("intercsp._guest.thread_starter", refuse)
    return monkeypatch


def test_what_cannot_be_started_is_given_nothing(no_threads):
    tx, rx = csp.channel(1)
    with pytest.raises(RuntimeError, match="can't start"):
        spawn(jobs.collect, [rx])
    with csp.group() as g:
        with pytest.raises(RuntimeError, match="can't start"):
            g.feed([1], tx)
        no_threads.undo()
        g.feed([1, 2], tx)
        assert list(rx) == [1, 2]
    assert not _core.threads()


# ---- stop -------------------------------------------------------------------


def test_stop_ends_its_waits_and_no_others():
    tx, rx = csp.channel(1)
    other = spawn(jobs.wait_on, rx.clone())
    mine = Aside(rx.recv)
    _tx, never = csp.channel(1)
    process = spawn(jobs.cancelled_twice, never)
    until_waits(process)
    until_waiting(rx, 2)
    process.stop(DEADLINE)
    assert process.result() == "twice"
    assert other.alive
    tx.send(1)
    tx.send(2)
    mine.result()
    other.join(DEADLINE)


@pytest.mark.parametrize(
    "f", [jobs.compute, jobs.compute_stubbornly, jobs.loop_whatever_happens]
)
def test_stop_ends_computing(f):
    tx, rx = csp.channel(1)
    process = spawn(f, tx)
    assert rx.recv(DEADLINE) == "computing"
    process.stop(DEADLINE)
    assert not process.alive


def test_stop_of_one_that_just_starts():
    for _ in range(20):
        _tx, rx = csp.channel(1)
        process = spawn(jobs.wait_on, rx)
        process.stop(DEADLINE)
        with pytest.raises(csp.Stopped):
            process.result()


def test_cancelled_comes_into_no_other_thread():
    running = True

    def count():
        n = 0
        while running:
            n += 1
        return n

    other = Aside(count)
    tx, rx = csp.channel(1)
    process = spawn(jobs.compute, tx)
    assert rx.recv(DEADLINE) == "computing"
    process.stop(DEADLINE)
    running = False
    assert other.result() > 0


def test_threads_of_threads_and_of_processes():
    tx, rx = csp.channel(1)
    process = csp.spawn(jobs.run_guests, rx, name="outer")
    tx.send(5)
    assert process.result(DEADLINE) == (5, "inner")
    process = csp.spawn(jobs.leave_guest, "left")
    until(lambda: any(t.name == "left" and t.waiting for t in _core.threads()))
    process.stop(DEADLINE)
    assert not _core.threads()


# ---- in groups --------------------------------------------------------------


def test_group_joins_and_stops_threads_as_processes():
    _tx, rx = csp.channel(1)
    with pytest.raises(ExceptionGroup) as caught, csp.group() as g:
        g.spawn(jobs.wait_on, rx.clone())
        waiters = g.spawn_many(jobs.wait_on, rx, count=2, thread=True)
        g.spawn(jobs.fail, "from a thread", thread=True)
    (error,) = caught.value.exceptions
    assert error.args == ("from a thread",)
    assert not any(w.alive for w in waiters)


def test_feed_that_computes_is_stopped_with_the_group():
    def numbers():
        while True:
            time.sleep(0)
        yield

    tx, _rx = csp.channel(1)
    with pytest.raises(ExceptionGroup), csp.group() as g:
        g.feed(numbers(), tx)
        raise KeyError


def test_many_are_started_with_clones():
    tx, rx = csp.channel(8)
    for options in ({}, {"thread": True}):
        partial = functools.partial(jobs.send_one, tx.clone())
        for p in csp.spawn_many(partial, 1, count=3, name="n", **options):
            p.join(DEADLINE)
            assert p.name.startswith("n-")
    tx.close()
    assert list(rx) == [1] * 6


def test_many_that_cannot_all_be_started_are_stopped(monkeypatch):
    _tx, rx = csp.channel(1)
    others = {thread.id for thread in _core.threads()}
    left = [2]

    def once(function):
        left[0] -= 1
        return _compat.thread_starter(function) if left[0] else 1 / left[0]

    monkeypatch.setattr("intercsp._guest.thread_starter", once)
    with pytest.raises(ZeroDivisionError):
        csp.spawn_many(jobs.wait_on, rx, count=2, thread=True)
    assert {thread.id for thread in _core.threads()} == others
    assert not rx.closed
