# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""What the Python tests share: scale and seed, waiting for a state, calls in
another thread, and ends that are used here or in another interpreter."""

import builtins
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import intercsp as csp
import peers
from intercsp import _core

SCALE = float(os.environ.get("INTERCSP_SCALE") or 1)
SEED = int(os.environ.get("INTERCSP_SEED") or time.time_ns() % 1000000007)
DEADLINE = 30.0  # seconds in which what must happen has happened
ISOLATED = Path(__file__).parent / "isolated"
SANITIZED = "INTERCSP_PRELOAD" in os.environ  # all is slow, memory is kept


def count(n: int, least: int = 1) -> int:
    """A count scaled for this run."""
    return max(least, round(n * SCALE))


def until(
    condition: Callable[[], object], what: str = "", deadline: float = DEADLINE
) -> None:
    """Wait for a state that others bring about."""
    end = time.monotonic() + deadline
    while not condition():
        assert time.monotonic() < end, f"in vain: {what or condition}"
        time.sleep(0.0005)  # sleeps: between two looks


def until_waiting(end: Any, n: int = 1) -> None:
    """Wait until n operations are parked on the side of end."""
    until(lambda: _core.waiting(end) == n, f"{n} that wait on {end}")


class Aside:
    """A call in a thread of its own."""

    def __init__(self, function: Callable[..., Any], *args: Any) -> None:
        self._value: Any = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(function, args))
        self._thread.start()

    def _run(self, function: Callable[..., Any], args: Any) -> None:
        try:
            self._value = function(*args)
        except BaseException as error:
            self._error = error

    @property
    def done(self) -> bool:
        return not self._thread.is_alive()

    @property
    def ident(self) -> int:
        assert self._thread.ident is not None
        return self._thread.ident

    def result(self, timeout: float = DEADLINE) -> Any:
        """What the call returned; raises what it raised."""
        self._thread.join(timeout)
        assert self.done, "the call has not returned"
        if self._error is not None:
            raise self._error
        return self._value


class Here:
    """An end that is used by this interpreter."""

    def __init__(self, end: Any) -> None:
        self.end = end

    def do(self, what: str, *args: Any) -> Any:
        """Call a method, or read an attribute; "list" iterates to the end."""
        return peers.act(self.end, what, args)

    def start(self, what: str, *args: Any) -> Any:
        """The same without waiting: result() of the answer does."""
        return Aside(peers.act, self.end, what, args)

    def drop(self) -> None:
        """Let go of the end without closing it."""
        del self.end


class There:
    """An end that was given to a process, which does what is asked."""

    def __init__(self, end: Any) -> None:
        self._ask, asked = csp.channel(1)
        answers, self._answers = csp.channel(1)
        self._process = csp.spawn(peers.serve, end, asked, answers)

    def do(self, what: str, *args: Any) -> Any:
        return self.start(what, *args).result()

    def start(self, what: str, *args: Any) -> Any:
        self._ask.send((what, args))
        return self

    def result(self, timeout: float = DEADLINE) -> Any:
        kind, *rest = self._answers.recv(timeout)
        if kind == "error":
            name, args = rest
            raise (getattr(csp, name, None) or getattr(builtins, name))(*args)
        return rest[0]

    def drop(self) -> None:
        self._ask.close()
        self._process.join(DEADLINE)


def resident() -> int:
    """The memory of this program, in bytes."""
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def run_isolated(
    name: str,
    *args: str,
    deadline: float = 60.0,
    options: Sequence[str] = (),
    **others: Any,
) -> subprocess.CompletedProcess[str]:
    """Run isolated/name as a program of its own, with options of Python."""
    return subprocess.run(
        [sys.executable, "-W", "error", *options, ISOLATED / name, *args],
        capture_output=True,
        text=True,
        timeout=deadline * max(1.0, SCALE) * (4 if SANITIZED else 1),
        **others,
    )
