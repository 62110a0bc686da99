# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Poison: every operation of a channel fails, for a reason."""

import pickle
import threading

import pytest

import intercsp as csp
from support import until_waiting


def calls_of(tx, rx):
    """Every operation that a poisoned channel refuses."""
    return (
        lambda: tx.send(1),
        lambda: tx.send(1, timeout=0),
        lambda: tx.send_nowait(1),
        lambda: tx.send_many([1, 2]),
        rx.recv,
        lambda: rx.recv(0),
        rx.recv_nowait,
        lambda: rx.recv_nowait("default"),
        lambda: rx.recv_many(3),
        lambda: next(rx),
        lambda: list(rx),
    )


@pytest.mark.parametrize("capacity", [0, 1, 3, csp.UNBOUNDED])
@pytest.mark.parametrize("side", [0, 1], ids=["tx", "rx"])
def test_every_operation_of_a_poisoned_channel_raises_poisoned(capacity, side):
    tx, rx = csp.channel(capacity, name="orders")
    (tx, rx)[side].poison("no more")
    for call in calls_of(tx, rx):
        with pytest.raises(csp.Poisoned, match=r"'orders'.*no more") as caught:
            call()
        assert caught.value.reason == "no more"
    assert tx.finished
    assert rx.finished


@pytest.mark.parametrize(
    "reason", [None, 0, "why", b"", ("a", {"b": [1.5]}), 2**100]
)
def test_reason_is_an_equal_object(far, reason):
    tx, rx = csp.channel(1)
    far(tx).do("poison", reason)
    with pytest.raises(csp.Poisoned) as caught:
        rx.recv()
    assert caught.value.reason == reason
    assert type(caught.value.reason) is type(reason)


def test_reason_is_none_unless_given():
    tx, rx = csp.channel(1, name="orders")
    tx.poison()
    with pytest.raises(
        csp.Poisoned, match=r"^channel 'orders': poisoned$"
    ) as e:
        rx.recv()
    assert e.value.reason is None


def test_poison_discards_what_is_buffered(far):
    tx, rx = csp.channel(3)
    gift, gift_rx = csp.channel(1)
    tx.send_many([1, gift])
    far(rx).do("poison")
    assert len(tx) == 0
    assert tx.stats().undelivered == 2
    with pytest.raises(csp.Closed):
        gift_rx.recv()


@pytest.mark.parametrize("what", ["recv", "list", "recv_many"])
def test_poison_wakes_a_receiver(far, what):
    tx, rx = csp.channel(1)
    spy = rx.clone()
    receiving = far(rx).start(what, *([2] if what == "recv_many" else []))
    until_waiting(spy)
    tx.poison("enough")
    with pytest.raises(csp.Poisoned, match="enough"):
        receiving.result()


@pytest.mark.parametrize("capacity", [0, 1])
def test_poison_wakes_a_sender(far, capacity):
    tx, rx = csp.channel(capacity)
    spy = tx.clone()
    tx.send_many(range(capacity))
    sending = far(tx).start("send", "late")
    until_waiting(spy)
    rx.poison("enough")
    with pytest.raises(csp.Poisoned, match="enough"):
        sending.result()


def test_first_reason_stays():
    tx, rx = csp.channel(1)
    tx.poison("first")
    rx.poison("second")
    with pytest.raises(csp.Poisoned) as caught:
        rx.recv()
    assert caught.value.reason == "first"


def test_poison_after_close_and_close_after_poison_are_poisoned():
    tx, rx = csp.channel(2)
    tx.send("discarded")
    tx.close()
    rx.poison("late")
    for _ in range(2):
        with pytest.raises(csp.Poisoned):
            rx.recv()
    tx, rx = csp.channel(2)
    tx.poison("early")
    tx.close()
    with pytest.raises(csp.Poisoned):
        rx.recv()


def test_closed_or_moved_end_does_not_poison():
    tx, rx = csp.channel(1)
    closed, moved = tx.clone(), tx.clone()
    closed.close()
    with pytest.raises(csp.EndClosed):
        closed.poison("why")
    other_tx, _other_rx = csp.channel(1)
    other_tx.send(moved)
    with pytest.raises(csp.Moved):
        moved.poison("why")
    tx.send("unharmed")
    assert rx.recv() == "unharmed"


def test_reason_that_cannot_be_sent_poisons_nothing():
    tx, rx = csp.channel(1)
    with pytest.raises(csp.NotShareable, match=r"\[0\]"):
        tx.poison([threading.Lock()])
    with pytest.raises(TypeError):
        tx.poison(1, 2)
    tx.send("unharmed")
    assert rx.recv() == "unharmed"


def test_ends_in_the_reason_are_given_away():
    tx, rx = csp.channel(1)
    gift, gift_rx = csp.channel(1)
    tx.poison({"to": gift})
    assert gift.closed
    with pytest.raises(csp.Poisoned) as caught:
        rx.recv()
    caught.value.reason["to"].send("from the reason")
    assert gift_rx.recv() == "from the reason"


def test_loop_ends_on_closed_only():
    tx, rx = csp.channel(2)
    seen = []
    tx.send(1)
    with pytest.raises(csp.Poisoned):
        for value in rx:
            seen.append(value)
            tx.poison()
    assert seen == [1]


def test_poisoned_is_an_exception_like_others():
    error = csp.Poisoned("why")
    assert error.reason == "why"
    assert str(error) == "why"
    assert csp.Poisoned().reason is None
    with pytest.raises(AttributeError):
        error.reason = "another"

    class Mine(csp.Poisoned):
        pass

    assert Mine(3).reason == 3
    tx, rx = csp.channel(1)
    tx.poison(["a", 1])
    with pytest.raises(csp.Poisoned) as caught:
        rx.recv()
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.reason == ["a", 1]
    assert str(again) == str(caught.value)
