# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Nothing is left of processes, and of interpreters that others have made."""

import json
import sys

import pytest

import intercsp as csp
from intercsp import _core
from support import (
    DEADLINE,
    SANITIZED,
    Aside,
    count,
    run_isolated,
    until,
)

_interpreters = pytest.importorskip("_interpreters")


@pytest.fixture(scope="module")
def cycles():
    done = run_isolated("cycles.py", str(count(200, 20)), deadline=120.0)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_cycles_of_processes_leave_no_channel_thread_or_descriptor(cycles):
    assert cycles["after"] == cycles["before"]


@pytest.mark.skipif(
    sys.version_info < (3, 14),
    reason="CPython 3.13 keeps the memory of every interpreter by itself",
)
@pytest.mark.skipif(SANITIZED, reason="the sanitizer keeps freed memory")
def test_cycles_of_processes_leave_no_memory(cycles):
    assert cycles["ours"] <= max(0, cycles["bare"]) + 256


@pytest.fixture
def interpreter():
    """An interpreter with a GIL of its own that is not ours."""
    made = _interpreters.create()
    yield made
    if made in [i[0] for i in _interpreters.list_all()]:
        _interpreters.destroy(made)


def run(interpreter, code):
    error = _interpreters.exec(interpreter, code)
    assert error is None, error


def test_package_works_in_an_interpreter_of_the_standard_library(interpreter):
    run(
        interpreter,
        "import intercsp as csp\n"
        "tx, rx = csp.channel(2)\n"
        "tx.send([1, 'two'])\n"
        "assert rx.recv() == [1, 'two']\n",
    )


def test_ends_of_an_interpreter_that_is_destroyed_are_closed(interpreter):
    before = _core.live()["channels"]
    run(interpreter, "import intercsp as csp\nends = csp.channel(2)\n")
    assert _core.live()["channels"] == before + 1
    _interpreters.destroy(interpreter)
    assert _core.live()["channels"] == before


def test_waiter_is_woken_when_the_other_interpreter_is_gone():
    tx, rx = csp.channel(1)
    go_tx, go_rx = csp.channel(1)
    process = csp.spawn(hold, tx, go_rx)
    waiter = Aside(rx.recv, DEADLINE)
    until(lambda: _core.waiting(rx) == 1)
    go_tx.send("end")
    with pytest.raises(csp.Closed):
        waiter.result()
    process.join(DEADLINE)


def hold(tx, go_rx):
    go_rx.recv()
    globals()["kept"] = tx  # nobody closes it but the end of the interpreter


def test_values_outlive_the_interpreter_of_their_sender():
    tx, rx = csp.channel(3)
    csp.spawn(send_three, tx).join(DEADLINE)
    assert list(rx) == [1, "text" * 100, [b"bytes" * 100]]


def send_three(tx):
    for value in (1, "text" * 100, [b"bytes" * 100]):
        tx.send(value)
