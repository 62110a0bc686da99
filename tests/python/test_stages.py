# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Pipelines of stages: order, errors, room between them, how they end."""

import threading

import pytest

import intercsp as csp
import jobs
from intercsp import _core
from support import DEADLINE, count


def square(x):
    return x * x


def test_results_come_in_order():
    n = count(60)
    for stages in (
        [csp.stage(square)],
        [csp.stage(square, workers=3)],
        [csp.stage(square, workers=2), csp.stage(lambda x: x + 1, workers=2)],
        [csp.stage(square, workers=3, thread=True), csp.stage(str)],
    ):
        expected = [square(x) for x in range(n)]
        if len(stages) == 2:
            last = stages[1].function
            expected = [last(x) for x in expected]
        assert csp.pipeline(range(n), *stages) == expected


def test_order_is_kept_whoever_is_slow():
    gate = threading.Semaphore(0)
    seen = []

    def slow_first(x):
        if x == 0:
            gate.acquire(timeout=DEADLINE)
        seen.append(x)
        if x == 2:
            gate.release()
        return x

    stage = csp.stage(slow_first, workers=3, thread=True)
    assert csp.pipeline(range(20), stage) == list(range(20))
    assert seen.index(0) > seen.index(1)


def test_unordered_results_come_when_they_are_there():
    gate = threading.Semaphore(0)

    def slow_first(x):
        if x == 0:
            gate.acquire(timeout=DEADLINE)
        if x == 9:
            gate.release()
        return x

    stage = csp.stage(slow_first, workers=2, ordered=False, thread=True)
    results = csp.pipeline(range(10), stage)
    assert sorted(results) == list(range(10))
    assert results[0] == 1


def test_results_are_had_while_it_runs_and_room_is_bounded():
    taken = []

    def endless():
        n = 0
        while True:
            taken.append(n)
            yield n
            n += 1

    with pytest.raises(ExceptionGroup) as caught, csp.group() as g:
        rx = g.pipeline(endless(), csp.stage(square, workers=2))
        assert [rx.recv(DEADLINE) for _ in range(5)] == [0, 1, 4, 9, 16]
        assert len(taken) < 30
        rx.close()
    assert all(isinstance(e, csp.Closed) for e in caught.value.exceptions)


def test_source_may_be_a_channel():
    tx, rx = csp.channel(8)
    tx.send_many([1, 2, 3])
    tx.close()
    assert csp.pipeline(rx, csp.stage(square)) == [1, 4, 9]
    assert rx.closed
    assert csp.pipeline([1, 2]) == [1, 2]


@pytest.mark.parametrize("ordered", [True, False])
def test_first_error_ends_all(ordered):
    def numbers():
        yield from range(10**9)

    with pytest.raises(ExceptionGroup) as caught:
        csp.pipeline(
            numbers(),
            csp.stage(jobs.fail_at_9, workers=3, ordered=ordered),
            csp.stage(square, workers=2),
        )
    assert [repr(e) for e in caught.value.exceptions] == ["LookupError('nine')"]
    assert "in fail_at_9" in str(caught.value.exceptions[0].__cause__)
    assert not _core.threads()


def test_error_of_the_source_ends_all():
    def numbers():
        yield 1
        raise ZeroDivisionError

    with pytest.raises(ExceptionGroup) as caught:
        csp.pipeline(numbers(), csp.stage(square, workers=2))
    assert [type(e) for e in caught.value.exceptions] == [ZeroDivisionError]


def test_wrong_calls_start_nothing():
    for wrong in (lambda: csp.stage(3), lambda: csp.pipeline([1], square)):
        with pytest.raises(TypeError, match="is needed, not"):
            wrong()
    with pytest.raises(ValueError, match="workers"):
        csp.stage(square, workers=0)
    with pytest.raises(TypeError, match="iterable"):
        csp.pipeline(7, csp.stage(square))
    assert "'square', workers=2, ordered=False" in repr(
        csp.stage(square, workers=2, ordered=False)
    )
