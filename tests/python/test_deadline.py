# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""deadline(): one bound for all waits of a block."""

import contextvars
import time

import pytest

import intercsp as csp
import jobs
from support import DEADLINE, Aside


def test_deadline_bounds_every_wait_inside(far):
    tx, rx = csp.channel(1)
    receiver = far(rx)
    before = time.monotonic_ns()
    with csp.deadline(0.02):
        tx.send("goes at once")
        with pytest.raises(TimeoutError):
            tx.send("waits")
        assert time.monotonic_ns() - before >= 0.02 * 1e9
        for call in (
            lambda: tx.send_many([1]),
            lambda: csp.select((tx, 1)),
            lambda: tx.send(1, timeout=60),
        ):
            with pytest.raises(TimeoutError):
                call()
    assert receiver.do("recv") == "goes at once"


def test_what_is_possible_at_once_goes_on_after_the_deadline():
    tx, rx = csp.channel(2)
    with csp.deadline(0):
        tx.send(1)
        assert rx.recv() == 1
        tx.send_many([2, 3])
        assert csp.select(rx).value == 2
        assert rx.recv_many(5) == [3]
        with pytest.raises(TimeoutError):
            rx.recv()
        with pytest.raises(TimeoutError):
            next(rx)


@pytest.mark.parametrize(
    ("outer", "inner", "timeout"),
    [
        (0.005, 60, 60),
        (60, 0.005, 60),
        (60, 60, 0.005),
        (0.005, None, None),
        (None, 0.005, None),
        (0.005, float("inf"), 60),
    ],
)
def test_earliest_wins(outer, inner, timeout):
    _tx, rx = csp.channel(1)
    before = time.monotonic()
    with csp.deadline(outer), csp.deadline(inner), pytest.raises(TimeoutError):
        rx.recv(timeout)
    assert 0.005 <= time.monotonic() - before < 50


def test_deadline_ends_with_its_block():
    tx, rx = csp.channel(1)
    with pytest.raises(LookupError), csp.deadline(0):
        raise LookupError
    receiving = contextvars.copy_context().run(Aside, rx.recv)
    tx.send(1)
    assert receiving.result() == 1
    with csp.deadline(60):
        with csp.deadline(0), pytest.raises(TimeoutError):
            rx.recv()
        receiving = Aside(tx.send, 2)
        assert rx.recv() == 2
        receiving.result()


def test_deadline_counts_from_its_beginning():
    _tx, rx = csp.channel(1)
    bound = csp.deadline(0.01)
    for _ in range(2):
        before = time.monotonic_ns()
        with bound, pytest.raises(TimeoutError):
            rx.recv()
        assert time.monotonic_ns() - before >= 0.01 * 1e9


def test_deadline_is_not_for_other_threads_and_processes():
    tx, rx = csp.channel(1)
    answers, found = csp.channel(1)
    with csp.deadline(0):
        receiving = Aside(rx.recv)
        process = csp.spawn(jobs.double, rx.clone(), answers)
    for i in (1, 2):
        tx.send(i)
    tx.close()
    taken = receiving.result()
    process.join(DEADLINE)
    assert list(found) == [2 * (3 - taken)]


def test_deadline_bounds_join_and_stops_a_group():
    tx, rx = csp.channel(1)
    process = csp.spawn(jobs.take_first, rx)
    with csp.deadline(0.005):
        with pytest.raises(TimeoutError):
            process.join()
        with pytest.raises(TimeoutError):
            process.result()
    tx.send(1)
    assert process.result() == 1
    never_tx, never_rx = csp.channel(1)
    with (
        pytest.raises(TimeoutError),
        csp.deadline(0.005),
        csp.group() as group,
    ):
        member = group.spawn(jobs.wait_on, never_rx)
    assert not member.alive
    del never_tx


def test_stop_has_a_timeout_of_its_own():
    _tx, rx = csp.channel(1)
    with csp.deadline(0):
        process = csp.spawn(jobs.wait_on, rx)
        process.stop()
    assert not process.alive


def test_deadline_checks_its_seconds_and_how_it_is_used():
    for seconds in (-1, float("nan")):
        with pytest.raises(ValueError, match="deadline"):
            csp.deadline(seconds)
    for seconds in ("1", [1]):
        with pytest.raises(TypeError, match="deadline"):
            csp.deadline(seconds)
    bound = csp.deadline(1)
    with bound, pytest.raises(RuntimeError, match="entered already"), bound:
        pass
    with bound:
        pass
