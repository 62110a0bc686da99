# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Timeouts: never early, and not late where the machine is not."""

import threading
import time

import pytest

import intercsp as csp
import jobs
from support import DEADLINE, count

LATE = 0.005  # seconds, while nobody else wants the processor
TRIES = count(10, 5)
ROUNDS = 4  # others may want it in one, and in the next


def there(seconds):
    return csp.spawn(jobs.lateness, seconds).result(DEADLINE)


def lateness_of_the_machine(seconds):
    """How late the lock of threading is, which is none of ours."""
    lock = threading.Lock()
    lock.acquire()
    end = time.monotonic() + seconds
    lock.acquire(timeout=seconds)
    return time.monotonic() - end


def too_late(measure, seconds):
    """Waits of which more than a fifth were later than the machine ever was,
    by LATE; as {name: [lateness of each]}."""
    all_late = {}
    machine = []
    for _ in range(TRIES):
        machine.append(lateness_of_the_machine(seconds))
        for name, late in measure(seconds):
            assert late >= 0, f"{name} of {seconds} s: {late} s"
            all_late.setdefault(name, []).append(late)
    allowed = max(machine) + LATE
    return {
        name: late
        for name, late in all_late.items()
        if sum(one > allowed for one in late) > TRIES // 5
    }


@pytest.mark.parametrize("measure", [jobs.lateness, there])
@pytest.mark.parametrize("seconds", [0.001, 0.0073, 0.02])
def test_timeouts_are_never_early_and_not_late(measure, seconds):
    for _ in range(ROUNDS):
        late = too_late(measure, seconds)
        if not late:
            break
    assert not late


def test_long_timeouts_are_never_early():
    waits = [
        csp.spawn(jobs.lateness, n * 0.1, thread=True, name=str(n))
        for n in (1, 2, 5)
    ]
    for late in (dict(wait.result(DEADLINE)) for wait in waits):
        assert min(late.values()) >= 0, late
