# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Signals: Ctrl-C out of every wait of the main thread, nothing lost."""

import signal
import threading
import time

import pytest

import intercsp as csp
from intercsp import _core
from support import (
    DEADLINE,
    SEED,
    Aside,
    count,
    run_isolated,
    until,
)


@pytest.fixture
def signals():
    """The times at which a handler that does not raise has run."""
    seen = []
    was = signal.signal(
        signal.SIGUSR1, lambda *_: seen.append(time.monotonic())
    )
    yield seen
    signal.signal(signal.SIGUSR1, was)


def send_when_parked(end, *numbers):
    """In a thread: each signal to the main thread, when it waits on end."""

    def send():
        for number in numbers:
            until(lambda: _core.waiting(end) == 1, "the main thread waits")
            signal.pthread_kill(threading.main_thread().ident, number)

    return Aside(send)


def test_each_of_many_interrupts_is_seen_and_nothing_is_lost():
    done = run_isolated("sigints.py", str(count(1000, 20)), str(SEED))
    assert (done.returncode, done.stderr) == (0, "")


def test_recv_is_interrupted_and_takes_nothing():
    tx, rx = csp.channel(1)
    aside = send_when_parked(rx, signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        rx.recv(DEADLINE)
    aside.result()
    tx.send(1)
    assert rx.recv() == 1


def test_send_is_interrupted_and_stores_nothing():
    tx, rx = csp.channel(1)
    tx.send(1)
    aside = send_when_parked(tx, signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        tx.send(2, DEADLINE)
    aside.result()
    assert rx.recv() == 1
    assert len(rx) == 0


def test_iteration_is_interrupted():
    tx, rx = csp.channel(1)
    aside = send_when_parked(rx, signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        next(rx)
    aside.result()
    tx.close()


def test_interrupted_send_leaves_an_end_with_the_caller():
    tx, rx = csp.channel(1)
    given, _taken = csp.channel(1)
    tx.send(1)
    aside = send_when_parked(tx, signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        tx.send(given, DEADLINE)
    aside.result()
    given.send("still mine")
    assert rx.recv() == 1


def test_handler_that_does_not_raise_lets_the_wait_go_on(signals):
    tx, rx = csp.channel(1)

    def send_twice():
        for seen in (1, 2):
            until(lambda: _core.waiting(rx) == 1)
            signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1)
            until(lambda: len(signals) == seen, deadline=1.0)

    aside = Aside(send_twice)
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        rx.recv(0.3)
    waited = time.monotonic() - began
    aside.result()
    assert len(signals) == 2
    assert 0.3 <= waited < 0.3 + DEADLINE
    tx.close()


def test_signal_on_another_waiting_thread_reaches_the_main_thread(signals):
    tx, rx = csp.channel(1)
    other_tx, other_rx = csp.channel(1)
    other = Aside(other_rx.recv, DEADLINE)
    until(lambda: _core.waiting(other_rx) == 1)

    def send():
        until(lambda: _core.waiting(rx) == 1)
        signal.pthread_kill(other.ident, signal.SIGUSR1)
        until(lambda: signals, "the handler runs", deadline=1.0)
        tx.send("seen")

    aside = Aside(send)
    assert rx.recv(DEADLINE) == "seen"
    aside.result()
    assert not other.done  # as with queue.Queue, it waits on
    other_tx.send("done")
    assert other.result() == "done"


def test_interrupt_leaves_another_thread_waiting():
    tx, rx = csp.channel(1)
    mine_tx, mine_rx = csp.channel(1)
    other = Aside(rx.recv, DEADLINE)
    until(lambda: _core.waiting(rx) == 1)
    aside = send_when_parked(mine_rx, signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        mine_rx.recv(DEADLINE)
    aside.result()
    tx.send(7)
    assert other.result() == 7
    mine_tx.close()
