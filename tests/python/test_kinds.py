# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Kinds of channels: rendezvous, without bound, and those that drop values."""

import math

import pytest

import intercsp as csp
from support import DEADLINE, count, until_waiting

# ---- rendezvous ------------------------------------------------------------


def test_send_on_a_rendezvous_returns_when_the_value_was_taken(far):
    tx, rx = csp.channel(0)
    spy = tx.clone()
    sending = far(tx).start("send", 7)
    until_waiting(spy)
    assert len(rx) == rx.capacity == 0
    assert rx.recv() == 7
    assert sending.result() is None


def test_rendezvous_without_a_partner_is_full_and_empty(far):
    tx, rx = csp.channel(0)
    receiver = far(rx)
    with pytest.raises(csp.Full):
        tx.send_nowait(1)
    with pytest.raises(TimeoutError):
        tx.send(1, 0.001)
    with pytest.raises(csp.Empty):
        receiver.do("recv_nowait")
    with pytest.raises(TimeoutError):
        receiver.do("recv", 0.001)


def test_send_nowait_meets_a_receiver_that_waits(far):
    tx, rx = csp.channel(0)
    spy = rx.clone()
    receiving = far(rx).start("recv")
    until_waiting(spy)
    tx.send_nowait(7)
    assert receiving.result() == 7


def test_values_cross_a_rendezvous_in_order(far):
    n = count(500)
    tx, rx = csp.channel(0)
    received = far(rx).start("list")
    for i in range(n):
        tx.send(i)
    tx.close()
    assert received.result() == list(range(n))


def test_end_that_nobody_took_from_a_rendezvous_stays_with_the_sender():
    tx, _rx = csp.channel(0)
    gift_tx, gift_rx = csp.channel(1)
    with pytest.raises(TimeoutError):
        tx.send(gift_tx, 0.001)
    gift_tx.send("still mine")
    assert gift_rx.recv() == "still mine"


# ---- without bound ---------------------------------------------------------


def test_unbounded_channel_takes_everything_at_once(far):
    n = count(3000)
    tx, rx = csp.channel(csp.UNBOUNDED)
    sender = far(tx)
    sender.do("send_many", list(range(n)))
    sender.do("send_nowait", n)
    assert len(rx) == n + 1
    sender.do("close")
    assert list(rx) == list(range(n + 1))


def test_unbounded_is_infinite_and_asked_for_by_name():
    tx, rx = csp.channel(csp.UNBOUNDED, name="long")
    assert tx.capacity == rx.capacity == csp.UNBOUNDED == math.inf
    assert "0 buffered" in repr(tx)
    for number in (1.5, -math.inf, math.nan, 2**32 - 1):
        with pytest.raises((TypeError, ValueError), match="UNBOUNDED"):
            csp.channel(number)


# ---- overflow --------------------------------------------------------------


def test_drop_new_keeps_the_oldest_values(far):
    tx, rx = csp.channel(2, overflow="drop_new")
    sender = far(tx)
    for i in range(5):
        sender.do("send", i, 0)
    sender.do("send_nowait", 5)
    assert [rx.recv(), rx.recv()] == [0, 1]
    assert rx.stats().dropped == 4
    assert rx.recv_nowait("empty") == "empty"


def test_drop_old_keeps_the_latest_values(far):
    tx, rx = csp.channel(2, overflow="drop_old")
    sender = far(tx)
    for i in range(5):
        sender.do("send", i)
    sender.do("send_nowait", 5)
    assert [rx.recv(), rx.recv()] == [4, 5]
    assert rx.stats().dropped == 4


@pytest.mark.parametrize("overflow", ["drop_new", "drop_old"])
def test_end_that_is_dropped_is_closed(overflow):
    tx, rx = csp.channel(1, overflow=overflow)
    pairs = [csp.channel(1) for _ in range(2)]
    for gift, _ in pairs:
        tx.send(gift)
        assert gift.closed
    kept = 0 if overflow == "drop_new" else 1
    assert pairs[1 - kept][1].finished
    assert not pairs[kept][1].finished
    rx.recv().send("alive")
    assert pairs[kept][1].recv(DEADLINE) == "alive"


def test_overflow_is_one_of_three():
    assert csp.channel(1, overflow="block")
    assert csp.channel(0, overflow="block")
    with pytest.raises(ValueError, match="'drop_new' or 'drop_old', not 'x'"):
        csp.channel(1, overflow="x")
    with pytest.raises(TypeError):
        csp.channel(1, overflow=None)


@pytest.mark.parametrize("capacity", [0, csp.UNBOUNDED])
@pytest.mark.parametrize("overflow", ["drop_new", "drop_old"])
def test_what_is_never_full_cannot_drop(capacity, overflow):
    with pytest.raises(ValueError, match="never full"):
        csp.channel(capacity, overflow=overflow)
