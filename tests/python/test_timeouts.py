# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Timeouts: never early, and not late where the machine is not."""

import pytest

import intercsp as csp
import jobs
from support import DEADLINE, count

LATE = 0.005  # seconds, while nobody else wants the processor
TRIES = count(40)


def there(seconds):
    return csp.spawn(jobs.lateness, seconds).result(DEADLINE)


@pytest.mark.parametrize("measure", [jobs.lateness, there])
@pytest.mark.parametrize("seconds", [0.001, 0.0073, 0.04])
def test_timeouts_are_never_early_and_not_late(measure, seconds):
    least = {"all": 1.0}
    tries = 0
    while max(least.values()) > LATE and tries < TRIES:
        least.pop("all", None)
        for name, late in measure(seconds):
            assert late >= 0, f"{name} of {seconds} s: {late} s"
            least[name] = min(late, least.get(name, 1.0))
        tries += 1
    assert max(least.values()) <= LATE, least


def test_long_timeouts_are_never_early():
    waits = [
        csp.spawn(jobs.lateness, n * 0.1, thread=True, name=str(n))
        for n in (1, 2, 5)
    ]
    for late in (dict(wait.result(DEADLINE)) for wait in waits):
        assert min(late.values()) >= 0, late
