# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Broadcast: what is sent is received by every subscriber."""

import copy
import pickle
import weakref

import pytest

import intercsp as csp
import jobs
import peers
from support import DEADLINE, Aside, count, until, until_waiting


def test_every_subscriber_receives_everything_in_order(far):
    n = count(300)
    tx, hub = csp.broadcast(3)
    subscribers = [far(hub.subscribe()) for _ in range(3)]
    assert len(hub) == 3
    received = [s.start("list") for s in subscribers]
    tx.send_many(range(n // 2))
    for i in range(n // 2, n):
        tx.send(i)
    tx.close()
    assert [r.result() for r in received] == [list(range(n))] * 3


def test_subscriber_receives_what_is_sent_from_then_on():
    tx, hub = csp.broadcast(4)
    first = hub.subscribe()
    tx.send(1)
    second = hub.subscribe()
    tx.send(2)
    tx.close()
    assert (list(first), list(second)) == ([1, 2], [2])


def test_without_subscribers_values_are_dropped_and_counted():
    tx, hub = csp.broadcast(1)
    for i in range(5):
        tx.send(i)
        tx.send_nowait(i)
    assert hub.dropped == 10
    rx = hub.subscribe()
    tx.send("heard")
    assert rx.recv() == "heard"
    assert hub.dropped == 10


def test_slowest_subscriber_sets_the_pace(far):
    tx, hub = csp.broadcast(2)
    fast, slow = hub.subscribe(10), hub.subscribe()
    tx.send_many([1, 2])
    with pytest.raises(csp.Full):
        tx.send_nowait(3)
    with pytest.raises(TimeoutError) as caught:
        tx.send_many([3, 4], timeout=0.001)
    assert caught.value.sent == 0
    assert fast.recv_many(10) == [1, 2]
    sending = Aside(tx.send, 3)
    assert far(slow).do("recv") == 1
    sending.result()
    assert fast.recv() == 3


def test_overflow_is_that_of_the_hub_or_of_the_subscriber():
    tx, hub = csp.broadcast(2, overflow="drop_new")
    first, latest = hub.subscribe(), hub.subscribe(1, overflow="drop_old")
    wide = hub.subscribe(5)
    tx.send_many([1, 2, 3])
    assert first.recv_many(9) == [1, 2]
    assert latest.recv_many(9) == [3]
    assert wide.recv_many(9) == [1, 2, 3]
    assert [rx.stats().dropped for rx in (first, latest, wide)] == [1, 2, 0]
    blocking = hub.subscribe(1, "block")
    tx.send(4)
    with pytest.raises(csp.Full):
        tx.send_nowait(5)
    assert blocking.recv() == 4


def test_closing_a_subscriber_unsubscribes(far):
    tx, hub = csp.broadcast(1)
    stays, goes = hub.subscribe(), hub.subscribe()
    tx.send(1)
    sending = Aside(tx.send, 2)
    assert stays.recv() == 1
    far(goes).do("close")
    goes.close()
    sending.result()
    assert stays.recv() == 2
    tx.send(3)
    assert len(hub) == 1


def test_last_send_end_that_goes_ends_all(far):
    tx, hub = csp.broadcast(2)
    rx = hub.subscribe()
    clone = far(tx.clone())
    tx.close()
    clone.do("send", 1)
    clone.do("close")
    clone.drop()
    assert rx.recv() == 1
    with pytest.raises(csp.Closed):
        rx.recv()
    with pytest.raises(csp.EndClosed):
        tx.send(2)
    with pytest.raises(csp.EndClosed):
        tx.clone()
    with pytest.raises(csp.Closed):
        hub.subscribe()


def test_poison_reaches_all_subscribers():
    tx, hub = csp.broadcast(2, name="news")
    first, second = hub.subscribe(), hub.subscribe()
    tx.send(1)
    receiving = Aside(lambda: [first.recv(), first.recv()])
    until_waiting(first)
    tx.poison("enough")
    for call in (receiving.result, second.recv):
        with pytest.raises(csp.Poisoned, match=r"'news'.*enough"):
            call()
    for call in (lambda: tx.send(2), hub.subscribe):
        with pytest.raises(csp.Poisoned, match="'news'"):
            call()


def test_hub_is_shared_and_its_send_ends_are_given_away(far):
    tx, hub = csp.broadcast(4)
    carrier_tx, carrier_rx = csp.channel(2)
    carrier_tx.send([hub, {"again": hub}])
    first, second = carrier_rx.recv()
    assert type(first) is csp.Hub
    assert first.id == second["again"].id == hub.id
    rx = first.subscribe()
    assert len(hub) == 1
    carrier_tx.send(tx)
    with pytest.raises(csp.Moved, match=r"clone\(\)"):
        tx.send(1)
    new = carrier_rx.recv()
    new.send("through")
    new.close()
    assert far(rx).do("list") == ["through"]


def test_processes_subscribe_and_send():
    tx, hub = csp.broadcast(4)
    answers, found = csp.channel(8)
    with csp.group() as g:
        g.spawn_many(peers.subscribe_and_add_up, hub, answers, count=3)
        until(lambda: len(hub) == 3)
        g.spawn_many(jobs.send_one, tx, 7, count=2)
    assert list(found) == [14] * 3


def test_value_with_an_end_is_given_to_all_subscribers():
    tx, hub = csp.broadcast(1)
    subscribers = [hub.subscribe() for _ in range(3)]
    gift, gift_rx = csp.channel(5)
    tx.send([gift])
    assert gift.closed
    for i, rx in enumerate(subscribers):
        (end,) = rx.recv()
        end.send(i)
        end.close()
    assert gift_rx.recv_many(5) == [0, 1, 2]
    with pytest.raises(csp.Closed):
        gift_rx.recv(DEADLINE)


def test_waiting_send_ends_with_its_end():
    tx, hub = csp.broadcast(1)
    rx = hub.subscribe()
    tx.send(1)
    other = tx.clone()
    sending = Aside(other.send, 2)
    until(lambda: rx.stats().waiting_tx == 1)
    other.close()
    with pytest.raises(csp.EndClosed):
        sending.result()
    assert rx.recv() == 1
    tx.send(3)
    assert rx.recv() == 3
    with csp.deadline(0.005), pytest.raises(TimeoutError):
        tx.send_many([1, 2])


def test_subscriber_is_a_case_and_a_send_to_a_hub_is_none():
    tx, hub = csp.broadcast(1)
    rx = hub.subscribe()
    tx.send(1)
    assert csp.select(rx, None).value == 1
    for case in ((tx, 1), tx):
        with pytest.raises(TypeError, match="hub cannot be a case"):
            csp.select(case)


def test_names_and_attributes():
    tx, hub = csp.broadcast(3, name="news")
    rx = hub.subscribe()
    assert tx.name == hub.name == rx.name == "news"
    assert tx.id == hub.id != rx.id
    assert hub.capacity == rx.capacity == 3
    assert hub.subscribe(csp.UNBOUNDED).capacity == csp.UNBOUNDED
    for what in (tx, hub):
        assert "news" in repr(what)
        assert type(what).__name__ in repr(what)
        assert type(what).__doc__
        assert weakref.ref(what)() is what
        assert bool(what) is True
        assert type(what)[int].__args__ == (int,)
        for attempt in (copy.copy, copy.deepcopy, pickle.dumps):
            with pytest.raises(TypeError):
                attempt(what)
        with pytest.raises(TypeError):
            type(what)()
    assert not tx.closed
    with tx:
        assert "open" in repr(tx)
    assert tx.closed
    assert "closed" in repr(tx)
    unnamed, _hub = csp.broadcast(1)
    assert str(unnamed.id) in unnamed.name


def test_arguments_are_checked():
    for capacity in (0, -1, True, "1", None, 1.5):
        with pytest.raises((TypeError, ValueError)):
            csp.broadcast(capacity)
    with pytest.raises(ValueError, match="overflow"):
        csp.broadcast(1, overflow="drop")
    with pytest.raises(ValueError, match="never full"):
        csp.broadcast(csp.UNBOUNDED, overflow="drop_old")
    _tx, hub = csp.broadcast(1, overflow="drop_old")
    for capacity in (0, -1, True, "1", 1.5):
        with pytest.raises((TypeError, ValueError)):
            hub.subscribe(capacity)
    with pytest.raises(ValueError, match="overflow"):
        hub.subscribe(1, "drop")
    with pytest.raises(ValueError, match="overflow"):
        hub.subscribe(csp.UNBOUNDED, "drop_new")
    assert len(hub) == 0


def test_an_unbounded_subscriber_loses_nothing_whatever_the_hub_says():
    tx, hub = csp.broadcast(1, overflow="drop_old")
    latest, every = hub.subscribe(), hub.subscribe(csp.UNBOUNDED)
    tx.send_many(range(5))
    tx.close()
    assert (list(latest), list(every)) == ([4], [0, 1, 2, 3, 4])
