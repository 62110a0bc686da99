# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Nothing is left of processes, of interpreters that others made, and of the
ends that they held. (conftest.py looks after each test of any file as well.)"""

import gc
import json
import os
import sys
from importlib.util import find_spec

import pytest

import intercsp as csp
import peers
from intercsp import _core
from support import (
    DEADLINE,
    SANITIZED,
    SCALE,
    Aside,
    count,
    run_isolated,
    until,
)

_interpreters = pytest.importorskip("_interpreters")


# ---- cycles ----------------------------------------------------------------


@pytest.fixture(scope="module")
def cycles():
    done = run_isolated(
        "cycles.py", str(count(200, 20)), str(count(10, 5)), deadline=200.0
    )
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_cycles_leave_no_channel_memory_of_the_core_thread_or_descriptor(
    cycles,
):
    assert {kind: found["after"] for kind, found in cycles.items()} == {
        kind: found["before"] for kind, found in cycles.items()
    }


KEEPS_ALL = SANITIZED or sys.version_info < (3, 14)
keeps_all = pytest.mark.skipif(
    KEEPS_ALL,
    reason="CPython 3.13 keeps the memory of every interpreter by itself; "
    "a sanitizer keeps what was freed",
)


@keeps_all
def test_cycles_leave_no_more_memory_than_bare_interpreters(cycles):
    assert cycles["plain"]["kib"] <= max(0, cycles["bare"]["kib"]) + 256


@keeps_all
def test_no_kind_of_cycle_keeps_an_interpreter(cycles):
    # one that is kept has about 2 MiB
    grown = {
        kind: found["kib"]
        for kind, found in cycles.items()
        if found["kib"] >= 1024 * count(10, 5)
    }
    assert not grown


@keeps_all
@pytest.mark.skipif(not find_spec("_ctypes"), reason="there is no ctypes")
def test_no_interpreter_is_kept_for_what_it_has_lent():
    n = count(10, 5)
    done = run_isolated("left.py", str(n))
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) < 200 * n  # one that is kept has 500 KiB


# ---- messages --------------------------------------------------------------

WHOLE = SCALE >= 20  # in make soak


# What depends on the interpreter of its sender.
OWNED = ("large", "moved", "shared", "pickled")


@pytest.mark.parametrize(
    ("how", "number", "batch", "kinds"),
    [
        ("lives", 1_000_000, 1000, ()),
        ("ends", 1_000_000, 3000, ()),
    ]
    if WHOLE
    else [
        ("lives", 4 * count(250), 50, ()),
        ("ends", 4 * count(12), 12, OWNED),
    ],
)
def test_messages_leave_nothing(how, number, batch, kinds):
    done = run_isolated("messages.py", how, str(number), str(batch), *kinds)
    assert (done.returncode, done.stderr) == (0, "")
    grown = {}
    for kind, quarters in json.loads(done.stdout).items():
        assert [q.pop("arrived") for q in quarters] == [number // 4] * 4
        kib = [q.pop("kib") for q in quarters]
        blocks = [q.pop("python") for q in quarters]
        assert quarters[1:] == quarters[:1] * 3, kind  # channels, memory
        if kib[3] - kib[1] > 1024 or blocks[3] - blocks[1] > 250:
            grown[kind] = kib, blocks
    if not KEEPS_ALL:
        assert not grown


@pytest.mark.skipif(SANITIZED, reason="a sanitizer keeps what was freed")
def test_streams_take_no_more_memory_than_what_is_under_way():
    done = run_isolated("stream.py", "2048" if WHOLE else str(count(128)))
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) <= 64 * 1024


# ---- interpreters of others ------------------------------------------------


class Interpreter:
    """One that is made by the standard library."""

    def __init__(self, config="isolated"):
        self.id = _interpreters.create(config)

    def run(self, code):
        error = _interpreters.exec(self.id, code)
        assert error is None, error.errdisplay

    def destroy(self):
        _interpreters.destroy(self.id)


@pytest.fixture
def interpreter():
    made = Interpreter()
    yield made
    if made.id in [i[0] for i in _interpreters.list_all()]:
        made.destroy()


USE = """
import intercsp as csp
tx, rx = csp.channel(2, name="there")
tx.send([1, "two", {3.0: None}])
assert rx.recv() == [1, "two", {3.0: None}]
try:
    rx.recv(0.001)
except TimeoutError as error:
    assert "'there'" in str(error)
else:
    raise AssertionError
a, b = csp.channel(1)
tx.send((a, [b]))
try:
    a.send(1)
except csp.Moved:
    pass
else:
    raise AssertionError
tx.send("stays in the buffer")
"""


def test_package_works_in_an_interpreter_of_the_standard_library(interpreter):
    interpreter.run(USE)
    interpreter.run("assert rx.recv()[0].capacity == 1; rx.close()")


@pytest.mark.parametrize("config", ["isolated", "legacy"])
def test_ends_of_an_interpreter_that_is_destroyed_are_closed(config):
    before = _core.live()
    interpreter = Interpreter(config)
    interpreter.run(USE)
    assert _core.live()["channels"] == before["channels"] + 2
    interpreter.destroy()
    assert _core.live() == before


def test_exceptions_and_types_are_those_of_each_interpreter(interpreter):
    code = (
        "import intercsp as csp\n"
        "ids = [id(csp.Closed), id(csp.SendChannel), id(csp.NotShareable)]\n"
        f"assert not set(ids) & {{{id(csp.Closed)}, {id(csp.SendChannel)}, "
        f"{id(csp.NotShareable)}}}\n"
    )
    interpreter.run(code)


def test_import_in_many_interpreters_at_once_works():
    def work():
        for _ in range(count(3)):
            interpreter = Interpreter()
            interpreter.run(USE)
            interpreter.destroy()

    threads = [Aside(work) for _ in range(4)]
    for thread in threads:
        thread.result()


def test_processes_of_an_interpreter_of_others_end_with_its_ends():
    done = run_isolated("destroyed.py")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "Closed\n"


# ---- ends and values of processes ------------------------------------------


@pytest.mark.parametrize("side", ["recv", "send"])
def test_waiter_gets_closed_when_the_interpreter_at_the_other_end_ends(side):
    tx, rx = csp.channel(1)
    go, gone = csp.channel(1)
    if side == "recv":
        waiter, end = Aside(rx.recv), rx
        until(lambda: _core.waiting(end) == 1)
        process = csp.spawn(peers.keep_until_the_end, tx, gone)
    else:
        tx.send("discarded")
        waiter, end = Aside(tx.send, 1), tx
        until(lambda: _core.waiting(end) == 1)
        process = csp.spawn(peers.keep_until_the_end, rx, gone)
    assert not waiter.done
    go.send("end")
    with pytest.raises(csp.Closed):
        waiter.result()
    process.join(DEADLINE)


def test_ends_of_a_process_close_before_its_threads_have_ended():
    tx, rx = csp.channel(1)
    reader, writer = os.pipe()
    process = csp.spawn(peers.leave_a_thread, tx, reader)
    with pytest.raises(csp.Closed):
        rx.recv(DEADLINE)
    assert process.alive
    os.write(writer, b"x")
    process.join(DEADLINE)
    os.close(reader)
    os.close(writer)


@pytest.mark.skipif(not find_spec("_ctypes"), reason="there is no ctypes")
def test_ends_close_although_their_objects_outlive_the_interpreter():
    done = run_isolated("outlived.py")
    assert (done.returncode, done.stderr) == (0, "")


def test_values_outlive_the_interpreter_of_their_sender():
    values = [1, "text" * 100, [b"bytes" * 100, {"k": (2**200, None)}]]
    tx, rx = csp.channel(4)
    csp.spawn(peers.send_list, tx, values).join(DEADLINE)
    gc.collect()
    assert list(rx) == values


def test_ends_outlive_the_interpreter_of_their_sender():
    tx, rx = csp.channel(4)
    csp.spawn(peers.send_pair, tx).join(DEADLINE)
    a, b = rx.recv()
    assert b.recv() == "sent before the end"
    a.send(1)
    assert b.recv() == 1
    a.close()
    assert list(b) == []


def test_ends_that_a_process_did_not_take_are_closed():
    """It is stopped before it begins, or fails on its arguments."""
    for _ in range(count(5)):
        tx, rx = csp.channel(1)
        process = csp.spawn(peers.echo, rx, tx)
        process.stop(DEADLINE)
        del process
    tx, rx = csp.channel(1)
    process = csp.spawn(peers.collect, tx, "one argument too many")
    with pytest.raises(TypeError):
        process.result(DEADLINE)
    with pytest.raises(csp.Closed):
        rx.recv(DEADLINE)


# ---- descriptors -----------------------------------------------------------


def test_channels_and_waits_use_no_descriptor():
    before = len(os.listdir("/proc/self/fd"))
    pairs = [csp.channel(1) for _ in range(100)]
    waiters = [Aside(rx.recv) for _tx, rx in pairs[:5]]
    until(lambda: all(_core.waiting(rx) for _tx, rx in pairs[:5]))
    assert len(os.listdir("/proc/self/fd")) == before
    for i, (tx, _rx) in enumerate(pairs[:5]):
        tx.send(i)
    assert [waiter.result() for waiter in waiters] == [0, 1, 2, 3, 4]


def test_an_idle_channel_costs_no_more_than_it_may():
    before = _core.live()["bytes"]
    pairs = [csp.channel(16) for _ in range(100)]
    used = (_core.live()["bytes"] - before) / 100
    assert used <= 512 + 16 * 16
    del pairs
