# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Signals: Ctrl-C out of every wait of the main thread, at once, with nothing
lost; handlers that do not raise change nothing."""

import os
import signal
import threading
import time

import pytest

import intercsp as csp
import peers
from intercsp import _core
from support import DEADLINE, SEED, Aside, count, run_isolated, until

AT_ONCE = 1.0  # seconds within which a signal is seen


class Interrupted(Exception):
    """What the handlers of these tests raise."""


@pytest.fixture(autouse=True)
def sigint():
    """Ctrl-C as usual, also where the tests were started without."""
    was = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, was)


@pytest.fixture
def handle():
    """Sets what SIGUSR1 does; the list of the times at which it was."""
    before = signal.getsignal(signal.SIGUSR1)

    def set_handler(function=lambda: None):
        seen = []

        def handler(_number, _frame):
            seen.append(time.monotonic())
            function()

        signal.signal(signal.SIGUSR1, handler)
        return seen

    yield set_handler
    signal.signal(signal.SIGUSR1, before)


def kill(number=signal.SIGINT):
    os.kill(os.getpid(), number)


def when(condition, action):
    """In another thread: do action when condition holds; its time."""

    def act():
        until(condition)
        now = time.monotonic()
        action()
        return now

    return Aside(act)


def waits(end):
    return lambda: _core.waiting(end) > 0


class Asleep:
    """Whether the main thread has been seen sleeping for a while. (That it
    waits for the end of a process cannot be seen in any channel.)"""

    def __init__(self):
        self.times = 0

    def __call__(self):
        with open(f"/proc/self/task/{os.getpid()}/stat") as f:
            sleeps = f.read().rpartition(")")[2].split()[0] == "S"
        self.times = self.times + 1 if sleeps else 0
        return self.times == 5


def interrupted(condition, call, error=KeyboardInterrupt, action=kill):
    """call() is ended by a signal that comes when condition holds."""
    aside = when(condition, action)
    with pytest.raises(error):
        call()
    assert time.monotonic() - aside.result() < AT_ONCE


# ---- Ctrl-C ----------------------------------------------------------------


def test_every_sigint_is_seen_at_once_and_no_value_is_lost():
    done = run_isolated(
        "sigint_storm.py", str(count(1000, 20)), str(SEED), deadline=100.0
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("timeout", [None, DEADLINE])
def test_sigint_ends_recv_and_nothing_is_taken(timeout):
    tx, rx = csp.channel(1)
    interrupted(waits(rx), lambda: rx.recv(timeout))
    tx.send(1)
    assert rx.recv() == 1
    assert len(rx) == 0


@pytest.mark.parametrize("timeout", [None, DEADLINE])
def test_sigint_ends_send_and_nothing_is_sent(timeout):
    tx, rx = csp.channel(1)
    tx.send("first")
    interrupted(waits(tx), lambda: tx.send("second", timeout))
    assert rx.recv() == "first"
    assert rx.recv_nowait("nothing") == "nothing"


@pytest.mark.parametrize("iterate", [next, list, sum])
def test_sigint_ends_iteration(iterate):
    tx, rx = csp.channel(1)
    interrupted(waits(rx), lambda: iterate(rx))
    tx.send(1)
    assert next(rx) == 1


def test_what_was_received_before_sigint_is_kept():
    tx, rx = csp.channel(4)
    got = []
    for i in range(3):
        tx.send(i)
    interrupted(waits(rx), lambda: got.extend(rx))
    assert got == [0, 1, 2]


@pytest.mark.parametrize("wait", ["join", "result"])
def test_sigint_ends_the_wait_for_a_process(wait):
    tx, rx = csp.channel(1)
    process = csp.spawn(peers.collect, rx)
    interrupted(Asleep(), getattr(process, wait))
    assert process.alive
    tx.send("goes on")
    tx.close()
    assert process.result(DEADLINE) == ["goes on"]


def test_sigint_leaves_the_ends_of_a_message_with_the_caller():
    tx, rx = csp.channel(1)
    a, b = csp.channel(1)
    tx.send("first")
    interrupted(waits(tx), lambda: tx.send([a, {"b": b}]))
    a.send("still mine")
    assert b.recv() == "still mine"
    rx.recv()
    tx.send([a, b])  # can be given away now
    rx.recv()


def test_sigint_leaves_other_threads_waiting():
    tx, rx = csp.channel(1)
    _keep, mine = csp.channel(1)
    other = Aside(rx.recv)
    until(waits(rx))
    interrupted(waits(mine), mine.recv)
    assert not other.done
    assert _core.waiting(rx) == 1
    tx.send(7)
    assert other.result() == 7


def compute(begun):
    begun.set()
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        sum(range(100))


def test_sigint_ends_computing_while_other_threads_wait():
    tx, rx = csp.channel(1)
    others = [Aside(rx.recv) for _ in range(3)]
    until(lambda: _core.waiting(rx) == 3)
    begun = threading.Event()
    interrupted(begun.is_set, lambda: compute(begun))
    assert _core.waiting(rx) == 3
    for i in range(3):
        tx.send(i)
    assert sorted(other.result() for other in others) == [0, 1, 2]


def test_sigint_while_processes_wait_and_compute_ends_the_wait_of_main():
    tx, rx = csp.channel(1)
    back, echoes = csp.channel(1)
    spy = rx.clone()
    process = csp.spawn(peers.echo, rx, back)
    until(waits(spy))
    begun = threading.Event()
    interrupted(begun.is_set, lambda: compute(begun))
    interrupted(waits(echoes), echoes.recv)
    tx.send("as before")
    assert echoes.recv(DEADLINE) == "as before"
    tx.close()
    process.join(DEADLINE)


# ---- other threads ---------------------------------------------------------


def test_signal_that_lands_on_a_waiting_thread_is_handled_by_main(handle):
    def fail():
        raise Interrupted

    handle(fail)
    tx, rx = csp.channel(1)
    _keep, mine = csp.channel(1)
    others = [Aside(rx.recv), Aside(rx.recv, DEADLINE)]
    until(lambda: _core.waiting(rx) == 2)
    for other in others:
        interrupted(
            waits(mine),
            mine.recv,
            Interrupted,
            lambda: signal.pthread_kill(other.ident, signal.SIGUSR1),  # noqa: B023
        )
    assert not any(other.done for other in others)
    tx.send(1)
    tx.send(2)
    assert sorted(other.result() for other in others) == [1, 2]


def test_signal_that_lands_on_a_waiting_process_is_handled_by_main(handle):
    def fail():
        raise Interrupted

    handle(fail)
    tx, rx = csp.channel(1)
    told, tells = csp.channel(1)
    spy = rx.clone()
    process = csp.spawn(peers.tell_thread_and_collect, told, rx)
    ident = tells.recv(DEADLINE)
    until(waits(spy))
    _keep, mine = csp.channel(1)
    interrupted(
        waits(mine),
        mine.recv,
        Interrupted,
        lambda: signal.pthread_kill(ident, signal.SIGUSR1),
    )
    tx.send("not disturbed")
    tx.close()
    assert process.result(DEADLINE) == ["not disturbed"]


def test_signal_that_lands_on_a_thread_elsewhere_is_handled_by_main(handle):
    # nobody wakes the main thread for it: it looks by itself
    def fail():
        raise Interrupted

    handle(fail)
    _keep, mine = csp.channel(1)
    reader, writer = os.pipe()
    elsewhere = Aside(os.read, reader, 1)
    interrupted(
        waits(mine),
        mine.recv,
        Interrupted,
        lambda: signal.pthread_kill(elsewhere.ident, signal.SIGUSR1),
    )
    os.write(writer, b"x")
    elsewhere.result()
    os.close(reader)
    os.close(writer)


def test_signal_that_restarts_system_calls_is_seen(handle):
    def fail():
        raise Interrupted

    handle(fail)
    signal.siginterrupt(signal.SIGUSR1, False)
    _keep, mine = csp.channel(1)
    interrupted(
        waits(mine), mine.recv, Interrupted, lambda: kill(signal.SIGUSR1)
    )


def land_on_main():
    yield threading.main_thread().ident


def land_on_a_waiting_thread():
    tx, rx = csp.channel(1)
    other = Aside(rx.recv)
    until(waits(rx))
    yield other.ident
    assert _core.waiting(rx) == 1
    tx.close()
    with pytest.raises(csp.Closed):
        other.result()


def land_on_a_waiting_process():
    tx, rx = csp.channel(1)
    told, tells = csp.channel(1)
    spy = rx.clone()
    process = csp.spawn(peers.tell_thread_and_collect, told, rx)
    ident = tells.recv(DEADLINE)
    until(waits(spy))
    yield ident
    assert _core.waiting(spy) == 1
    tx.close()
    process.join(DEADLINE)


@pytest.mark.parametrize(
    "land", [land_on_main, land_on_a_waiting_thread, land_on_a_waiting_process]
)
def test_main_is_woken_for_a_signal_and_does_not_just_look(handle, land):
    seen = handle()
    where = land()
    ident = next(where)
    tx, rx = csp.channel(1)
    late = []

    def act():
        for i in range(10):
            until(waits(rx))
            sent = time.monotonic()
            signal.pthread_kill(ident, signal.SIGUSR1)
            until(lambda: len(seen) == i + 1)  # noqa: B023
            late.append(seen[-1] - sent)
        tx.send("done")

    aside = Aside(act)
    assert rx.recv() == "done"
    aside.result()
    next(where, None)
    # main looks every half second by itself
    assert sum(t < 0.1 for t in late) >= 5, late


# ---- handlers --------------------------------------------------------------


def test_handler_may_raise_anything(handle):
    def fail():
        raise Interrupted("of the handler")

    handle(fail)
    tx, rx = csp.channel(1)
    aside = when(waits(rx), lambda: kill(signal.SIGUSR1))
    with pytest.raises(Interrupted, match="of the handler"):
        rx.recv()
    aside.result()
    tx.send(1)
    assert rx.recv() == 1


def signals_at(seen, end, moments):
    """Send signals that many seconds after now, while main waits on end."""
    began = time.monotonic()

    def send():
        for i, moment in enumerate(moments):
            until(lambda: time.monotonic() >= began + moment)  # noqa: B023
            until(waits(end))
            kill(signal.SIGUSR1)
            until(lambda: len(seen) == i + 1)  # noqa: B023

    return Aside(send)


@pytest.mark.parametrize("operation", ["recv", "send"])
def test_handled_signals_do_not_change_the_timeout(handle, operation):
    seen = handle()
    tx, rx = csp.channel(1)
    tx.send("first")
    if operation == "recv":
        rx.recv()
    end, call = {
        "recv": (rx, lambda: rx.recv(1.0)),
        "send": (tx, lambda: tx.send("second", 1.0)),
    }[operation]
    began = time.monotonic()
    sender = signals_at(seen, end, [0.0, 0.0, 0.1, 0.2, 0.3, 0.4])
    with pytest.raises(TimeoutError):
        call()
    waited = time.monotonic() - began
    sender.result()
    assert len(seen) == 6
    assert waited >= 1.0
    # had it begun anew with the last of them, it would have taken longer
    assert waited < seen[-1] - began + 1.0
    assert len(tx) == (operation == "send")


def test_wait_goes_on_after_handled_signals(handle):
    seen = handle()
    tx, rx = csp.channel(1)

    def act():
        for i in range(20):
            until(waits(rx))
            kill(signal.SIGUSR1)
            until(lambda: len(seen) == i + 1)  # noqa: B023
        until(waits(rx))
        tx.send("after all")

    aside = Aside(act)
    assert rx.recv() == "after all"
    aside.result()


def test_join_goes_on_after_handled_signals(handle):
    seen = handle()
    tx, rx = csp.channel(1)
    process = csp.spawn(peers.collect, rx)

    def act():
        for i in range(5):
            until(Asleep())
            kill(signal.SIGUSR1)
            until(lambda: len(seen) == i + 1)  # noqa: B023
        tx.close()

    aside = Aside(act)
    process.join(DEADLINE)
    aside.result()
    assert process.result() == []


def test_handler_may_use_the_channel_that_main_waits_on(handle):
    tx, rx = csp.channel(1)
    handle(lambda: tx.send("from the handler"))
    aside = when(waits(rx), lambda: kill(signal.SIGUSR1))
    assert rx.recv() == "from the handler"
    aside.result()


def test_handler_may_wait_itself(handle):
    tx, rx = csp.channel(1)
    other_tx, other_rx = csp.channel(1)
    got = []
    handle(lambda: got.append(other_rx.recv()))

    def act():
        until(waits(rx))
        kill(signal.SIGUSR1)
        until(waits(other_rx))
        other_tx.send("inner")
        until(waits(rx))
        tx.send("outer")

    aside = Aside(act)
    assert rx.recv() == "outer"
    aside.result()
    assert got == ["inner"]


def test_handler_may_close_the_end_that_main_waits_on(handle):
    tx, rx = csp.channel(1)
    handle(rx.close)
    aside = when(waits(rx), lambda: kill(signal.SIGUSR1))
    with pytest.raises(csp.EndClosed):
        rx.recv()
    aside.result()
    assert tx.finished


def test_handler_cannot_give_away_what_is_being_given_away(handle):
    tx, rx = csp.channel(1)
    other_tx, _other_rx = csp.channel(1)
    a, b = csp.channel(1)
    tx.send("first")
    handle(lambda: other_tx.send(a))
    aside = when(waits(tx), lambda: kill(signal.SIGUSR1))
    with pytest.raises(csp.Moved, match="being given away"):
        tx.send([a, b])
    aside.result()
    a.send(1)
    assert b.recv() == 1
    assert rx.recv() == "first"
