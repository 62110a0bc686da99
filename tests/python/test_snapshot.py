# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""channels(): what there is, and who waits where."""

import threading
import time

import pytest

import intercsp as csp
import jobs
from support import DEADLINE, Aside, count, until, until_waiting


def info(end):
    """The one entry of the channel of end."""
    (found,) = [c for c in csp.channels() if c.id == end.id]
    return found


def test_channels_are_listed_with_their_figures(far):
    tx, rx = csp.channel(3, name="orders")
    unbounded, _rx = csp.channel(csp.UNBOUNDED)
    far(tx).do("send_many", [1, 2])
    found = info(rx)
    assert (found.name, found.capacity) == ("orders", 3)
    assert (found.stats.sent, found.stats.length) == (2, 2)
    assert found.waits == ()
    assert type(found) is csp.ChannelInfo
    assert type(found.stats) is csp.Stats
    assert info(unbounded).capacity == csp.UNBOUNDED


def test_list_keeps_nothing_alive():
    tx, rx = csp.channel(1)
    number = tx.id
    found = csp.channels()
    del tx, rx
    assert number in [c.id for c in found]
    assert number not in [c.id for c in csp.channels()]


def test_many_channels_are_all_listed():
    pairs = [csp.channel(1) for _ in range(count(300))]
    listed = {c.id for c in csp.channels()}
    assert listed >= {tx.id for tx, _ in pairs}


def test_waits_say_which_thread_waits_since_when():
    tx, rx = csp.channel(0)
    natives = []

    def receive():
        natives.append(threading.get_native_id())
        return rx.recv()

    before = time.monotonic()
    receiving = Aside(receive)
    until_waiting(rx)
    (wait,) = info(tx).waits
    assert type(wait) is csp.Wait
    assert wait.kind == "recv"
    assert wait.thread == natives[0]
    assert before <= wait.since <= time.monotonic()
    assert wait.interpreter == 0
    assert wait.process is None
    tx.send(1)
    receiving.result()
    assert info(tx).waits == ()


def test_waits_of_processes_have_their_names():
    tx, rx = csp.channel(1, name="orders")
    process = csp.spawn(jobs.wait_on, rx, name="worker")
    until(lambda: info(tx).waits)
    (wait,) = info(tx).waits
    assert wait.process == "worker"
    assert wait.interpreter > 0
    assert wait.kind == "recv"
    tx.send(1)
    process.join(DEADLINE)


def test_select_waits_on_each_of_its_channels():
    tx, rx = csp.channel(1)
    full_tx, full_rx = csp.channel(1)
    full_tx.send(1)
    selecting = Aside(csp.select, rx, (full_tx, 2))
    until_waiting(full_tx)
    until_waiting(rx)
    (a,), (b,) = info(rx).waits, info(full_rx).waits
    assert (a.kind, b.kind) == ("recv", "send")
    assert a.thread == b.thread
    tx.send(1)
    selecting.result()


def test_entries_are_tuples_that_nobody_changes():
    tx, _rx = csp.channel(1)
    found = info(tx)
    assert isinstance(found, tuple)
    assert "name=" in repr(found)
    with pytest.raises(AttributeError):
        found.name = "other"
