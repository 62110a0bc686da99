# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""How the Python tests are run.

A test that takes the fixture far runs three times: with both sides of its
channels in the main interpreter, with both in one interpreter with a GIL of
its own, and between these two. After each test all that intercsp holds,
threads and descriptors must be what they were; a test that hangs shows the
stacks and ends the run.
"""

import faulthandler
import gc
import os
import random
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import intercsp as csp
import peers
import support
from intercsp import _core

WATCHDOG_SECONDS = 100.0

# Nothing of a run is left in the source tree.
sys.dont_write_bytecode = True


def pytest_configure(config: pytest.Config) -> None:
    config.stash[stderr_key] = os.dup(2)  # pytest replaces it later


def pytest_unconfigure(config: pytest.Config) -> None:
    os.close(config.stash[stderr_key])


def pytest_report_header() -> str:
    return (
        f"INTERCSP_SEED={support.SEED} INTERCSP_SCALE={support.SCALE:g} "
        f"intercsp: {os.path.dirname(_core.__file__)}"
    )


def pytest_collection_finish() -> None:
    # what a thread needs for waiting, it has from its first wait on
    _tx, rx = csp.channel(1)
    with pytest.raises(TimeoutError):
        rx.recv(0.001)
    # pytest's own objects need not be looked through after each test
    gc.collect()
    gc.freeze()


stderr_key = pytest.StashKey[int]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    seconds = WATCHDOG_SECONDS * max(1.0, support.SCALE)
    if support.SANITIZED:
        seconds *= 4
    faulthandler.dump_traceback_later(
        seconds, exit=True, file=item.config.stash[stderr_key]
    )
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()


# ---- in which interpreter --------------------------------------------------


class Runner:
    """The process that runs tests in an interpreter with its own GIL."""

    def __init__(self) -> None:
        self.ask, asked = csp.channel(1)
        answers, self.answers = csp.channel(1)
        self.process = csp.spawn(peers.run_tests, asked, answers, name="runner")
        assert self.answers.recv(support.DEADLINE) == "ready"

    def run(self, item: pytest.Function) -> None:
        args = {
            name: item.funcargs[name]
            for name in item._fixtureinfo.argnames
            if name != "far"
        }
        name = getattr(item, "originalname", item.name)
        self.ask.send((item.module.__name__, name, args, "far"))
        outcome, text = self.answers.recv()
        if outcome == "skipped":
            pytest.skip(text)
        if outcome == "failed":
            pytest.fail(f"in an interpreter of its own:\n{text}", False)

    def is_at_rest(self) -> bool:
        return any(t.name == "runner" and t.waiting for t in _core.threads())

    def end(self) -> None:
        self.ask.close()
        self.process.join(support.DEADLINE)


runner: Runner | None = None


@pytest.fixture(params=["main", "own", "between"])
def far(request: pytest.FixtureRequest) -> Iterator[Callable[[Any], Any]]:
    """Takes an end to where the test wants its other side."""
    peers_made = []

    def there(end: Any) -> support.There:
        peers_made.append(support.There(end))
        return peers_made[-1]

    yield there if request.param == "between" else support.Here
    while peers_made:
        peers_made.pop().drop()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    if not runs_in_own(pyfuncitem):
        return None
    assert runner is not None
    runner.run(pyfuncitem)
    return True


def runs_in_own(item: Any) -> bool:
    spec = getattr(item, "callspec", None)
    return spec is not None and spec.params.get("far") == "own"


def pytest_sessionfinish() -> None:
    if runner is not None:
        runner.end()


# ---- nothing is left -------------------------------------------------------


def holdings() -> dict[str, Any]:
    """What a test must leave as it found it."""
    return {
        **_core.live(),
        "processes": len(_core.threads()),
        "threads": len(os.listdir("/proc/self/task")),
        "descriptors": len(os.listdir("/proc/self/fd")),
    }


@pytest.fixture(autouse=True)
def leaves_nothing(request: pytest.FixtureRequest) -> Iterator[None]:
    global runner
    if runner is None and runs_in_own(request.node):
        runner = Runner()
    if runner is not None:
        support.until(runner.is_at_rest)
    gc.collect()
    before = holdings()
    failed_before = request.session.testsfailed
    yield
    gc.collect()
    if request.session.testsfailed == failed_before:
        left: dict[str, Any] = {}

        def is_as_before() -> bool:
            left.update(holdings())
            return all(left[what] <= before[what] for what in before)

        try:
            support.until(is_as_before, deadline=5.0)
        except AssertionError:
            pytest.fail(f"the test left {left}, found {before}", False)


# ---- for the tests ---------------------------------------------------------


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> random.Random:
    """Random choices that INTERCSP_SEED repeats."""
    return random.Random(f"{support.SEED} {request.node.nodeid}")
