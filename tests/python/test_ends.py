# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Ends of channels: capacity, order, timeouts, close, giving away."""

import collections
import copy
import gc
import pickle
import threading
import time
import weakref

import pytest

import intercsp as csp
import peers
from intercsp import _core
from support import DEADLINE, Aside, count, until_waiting

# ---- capacity and order ----------------------------------------------------


@pytest.mark.parametrize("capacity", [1, 2, 3, 7, 64])
def test_channel_holds_exactly_its_capacity(far, capacity):
    tx, rx = csp.channel(capacity)
    receiver = far(rx)
    for i in range(capacity):
        assert len(tx) == i
        tx.send_nowait(i)
    for i in range(2 * capacity + 1):
        assert len(tx) == capacity
        with pytest.raises(csp.Full):
            tx.send_nowait("too many")
        with pytest.raises(TimeoutError):
            tx.send("too many", timeout=0)
        assert receiver.do("recv_nowait") == i
        assert len(tx) == capacity - 1
        tx.send_nowait(capacity + i)
    tx.close()
    first = 2 * capacity + 1
    assert receiver.do("list") == list(range(first, first + capacity))


def test_large_capacity_is_exact():
    tx, rx = csp.channel(100_000)
    for i in range(100_000):
        tx.send_nowait(i)
    with pytest.raises(csp.Full):
        tx.send_nowait(-1)
    tx.close()
    assert list(rx) == list(range(100_000))


@pytest.mark.parametrize("capacity", [1, 3, 64])
def test_values_come_in_the_order_in_which_they_were_sent(far, capacity):
    n = count(3000)
    tx, rx = csp.channel(capacity)
    received = far(rx).start("list")
    for i in range(n):
        tx.send(i)
    tx.close()
    assert received.result() == list(range(n))


@pytest.mark.parametrize("capacity", [1, 2, 64])
def test_each_value_is_received_once_and_each_senders_order_is_kept(capacity):
    senders, receivers, n = 3, 2, count(3000)
    tx, rx = csp.channel(capacity)
    processes = [
        csp.spawn(peers.send_numbered, tx.clone(), who, n)
        for who in range(senders)
    ]
    tx.close()
    takers = [Aside(peers.collect, rx.clone()) for _ in range(receivers)]
    takers.append(Aside(list, rx))
    received = [taker.result() for taker in takers]
    for process in processes:
        process.join(DEADLINE)
    everything = [value for part in received for value in part]
    assert sorted(everything) == [
        (who, i) for who in range(senders) for i in range(n)
    ]
    for part in received:
        for who in range(senders):
            numbers = [i for sender, i in part if sender == who]
            assert numbers == sorted(numbers)


def test_waiting_senders_get_in_in_the_order_in_which_they_came():
    tx, rx = csp.channel(1)
    tx.send("first")
    waiters = []
    for i in range(4):
        waiters.append(Aside(tx.send, i))
        until_waiting(tx, i + 1)
    assert [rx.recv(DEADLINE) for _ in range(5)] == ["first", 0, 1, 2, 3]
    for waiter in waiters:
        waiter.result()


def test_waiting_receivers_are_served_in_the_order_in_which_they_came():
    tx, rx = csp.channel(8)
    waiters = []
    for i in range(4):
        waiters.append(Aside(rx.recv))
        until_waiting(rx, i + 1)
    # one by one: a woken receiver may lose its value to one who comes first
    for i, waiter in enumerate(waiters):
        tx.send(i)
        assert waiter.result() == i


def test_one_value_wakes_one_of_the_receivers(far):
    tx, rx = csp.channel(4)
    spy = rx.clone()
    waiters = [far(rx.clone()) for _ in range(3)]
    rx.close()
    calls = [waiter.start("recv") for waiter in waiters]
    until_waiting(spy, 3)
    tx.send("one")
    until_waiting(spy, 2)
    tx.send("two")
    tx.send("three")
    assert sorted(c.result() for c in calls) == ["one", "three", "two"]


# ---- the forms that do not wait --------------------------------------------


def test_nowait_forms_never_wait(far):
    tx, rx = csp.channel(1)
    receiver = far(rx)
    with pytest.raises(csp.Empty):
        receiver.do("recv_nowait")
    assert receiver.do("recv_nowait", "default") == "default"
    assert receiver.do("recv_nowait", None) is None
    assert tx.send_nowait(1) is None
    with pytest.raises(csp.Full):
        tx.send_nowait(2)
    assert receiver.do("recv_nowait", "default") == 1


def test_default_stands_for_empty_only(far):
    tx, rx = csp.channel(1)
    receiver = far(rx)
    tx.close()
    with pytest.raises(csp.Closed):
        receiver.do("recv_nowait", "default")
    receiver.do("close")
    with pytest.raises(csp.EndClosed):
        receiver.do("recv_nowait", "default")


def test_default_is_returned_itself():
    _tx, rx = csp.channel(1)
    default = object()
    assert rx.recv_nowait(default) is default


# ---- timeouts --------------------------------------------------------------


def full_channel():
    tx, rx = csp.channel(1)
    tx.send("first")
    return tx, rx


@pytest.mark.parametrize("seconds", [1e-9, 0.0004, 0.01, 0.0625])
def test_timeout_never_ends_early(far, seconds):
    tx, rx = csp.channel(1)
    sender, receiver = far(tx), far(rx)
    before = time.monotonic_ns()
    with pytest.raises(TimeoutError):
        receiver.do("recv", seconds)
    assert time.monotonic_ns() - before >= seconds * 1e9
    sender.do("send", "first")
    before = time.monotonic_ns()
    with pytest.raises(TimeoutError):
        sender.do("send", "second", seconds)
    assert time.monotonic_ns() - before >= seconds * 1e9
    assert receiver.do("recv") == "first"
    assert receiver.do("recv_nowait", "nothing") == "nothing"


def test_fractions_of_a_second_are_not_cut_off():
    _tx, rx = csp.channel(1)
    before = time.monotonic()
    with pytest.raises(TimeoutError):
        rx.recv(timeout=0.3)
    # not 0 and not 1, whatever else this machine does
    assert 0.3 <= time.monotonic() - before < 0.9


@pytest.mark.parametrize("zero", [0, 0.0, -0.0, False])
def test_timeout_0_is_a_try(far, zero):
    tx, rx = csp.channel(1)
    sender = far(tx)
    with pytest.raises(TimeoutError):
        rx.recv(zero)
    sender.do("send", 1, zero)
    with pytest.raises(TimeoutError):
        sender.do("send", 2, zero)
    assert rx.recv(zero) == 1


@pytest.mark.parametrize(
    "forever",
    [None, float("inf"), 1e300, 1e18, 9.3e9, 2**63, 10**300],
    ids=repr,
)
def test_endless_timeouts_wait_until_something_comes(far, forever):
    tx, rx = csp.channel(1)
    spy = rx.clone()
    receiving = far(rx).start("recv", forever)
    until_waiting(spy)
    tx.send(7)
    assert receiving.result() == 7


@pytest.mark.parametrize(
    "timeout", [-1, -0.001, -1e300, float("-inf"), float("nan"), -(10**300)]
)
def test_negative_and_nan_timeouts_are_value_errors(timeout):
    tx, rx = csp.channel(2)
    tx.send("stays")
    for call in (
        lambda: rx.recv(timeout),
        lambda: rx.recv(timeout=timeout),
        lambda: tx.send(1, timeout),
        lambda: tx.send(1, timeout=timeout),
    ):
        with pytest.raises(ValueError, match="negative or NaN") as caught:
            call()
        assert type(caught.value) is ValueError
    assert len(tx) == 1
    assert rx.recv() == "stays"


@pytest.mark.parametrize("timeout", ["1", b"1", [1], {}, 1j, object(), csp])
def test_timeouts_that_are_no_numbers_are_type_errors(timeout):
    tx, rx = csp.channel(2)
    for call in (
        lambda: rx.recv(timeout),
        lambda: rx.recv(timeout=timeout),
        lambda: tx.send(1, timeout),
        lambda: tx.send(1, timeout=timeout),
    ):
        with pytest.raises(TypeError, match=type(timeout).__name__):
            call()
    assert len(tx) == 0


def test_anything_with_a_float_value_is_a_timeout():
    from fractions import Fraction

    tx, rx = csp.channel(1)
    for timeout in (Fraction(1, 1000), True, 1):
        tx.send(1, timeout)
        assert rx.recv(timeout) == 1
    with pytest.raises(TimeoutError):
        rx.recv(Fraction(1, 1000))

    class Broken:
        def __float__(self):
            raise KeyError("broken")

    with pytest.raises(KeyError):
        rx.recv(Broken())


def test_wrong_arguments_are_type_errors():
    tx, rx = csp.channel(4)
    for call in (
        lambda: tx.send(),
        lambda: tx.send(1, 2, 3),
        lambda: tx.send(1, 2, timeout=3),
        lambda: tx.send(obj=1),
        lambda: tx.send(1, deadline=1),
        lambda: tx.send(1, timeout=1, more=2),
        lambda: tx.send_nowait(),
        lambda: tx.send_nowait(1, 2),
        lambda: tx.send_nowait(1, timeout=2),
        lambda: rx.recv(1, 2),
        lambda: rx.recv(1, timeout=2),
        lambda: rx.recv(deadline=1),
        lambda: rx.recv_nowait(1, 2),
        lambda: rx.recv_nowait(default=1),
        lambda: rx.clone(1),
        lambda: rx.close(1),
        lambda: rx.same_channel(),
    ):
        with pytest.raises(TypeError):
            call()
    assert len(tx) == 0
    assert not rx.closed


# ---- close -----------------------------------------------------------------


def test_closed_channel_is_drained_first_and_then_closed(far):
    tx, rx = csp.channel(4)
    receiver = far(rx)
    for i in range(3):
        tx.send(i)
    tx.close()
    assert not receiver.do("finished")
    assert [receiver.do("recv") for _ in range(3)] == [0, 1, 2]
    assert receiver.do("finished")
    for _ in range(2):
        with pytest.raises(csp.Closed):
            receiver.do("recv")
        with pytest.raises(csp.Closed):
            receiver.do("recv", 0)
        with pytest.raises(csp.Closed):
            receiver.do("recv_nowait")
    assert receiver.do("list") == []


def iterate(rx, between):
    """Iterate over rx and do something after the first value."""
    for _ in rx:
        between(rx)


def test_iteration_ends_on_closed_only(far):
    tx, rx = csp.channel(4)
    other_tx, other_rx = csp.channel(1)
    tx.send(1)
    tx.send(2)
    with pytest.raises(csp.EndClosed):
        iterate(rx.clone(), csp.RecvChannel.close)
    with pytest.raises(csp.Moved):
        iterate(rx.clone(), other_tx.send)
    other_rx.recv()
    tx.close()
    assert far(rx).do("list") == []


def test_iterator_of_a_receive_end_is_itself():
    tx, rx = csp.channel(2)
    assert iter(rx) is rx
    tx.send(1)
    assert next(rx) == 1
    tx.close()
    with pytest.raises(StopIteration):
        next(rx)
    assert next(rx, "no more") == "no more"
    with pytest.raises(TypeError):
        iter(tx)


def test_send_fails_when_the_last_receive_end_is_closed(far):
    tx, rx = csp.channel(4)
    second = rx.clone()
    receiver = far(rx)
    tx.send("discarded")
    receiver.do("close")
    assert not tx.finished
    second.close()
    assert tx.finished
    assert len(tx) == 0
    for send in (tx.send, tx.send_nowait, lambda obj: tx.send(obj, 0)):
        with pytest.raises(csp.Closed):
            send(1)
    assert not tx.closed


def test_close_may_be_repeated():
    tx, rx = csp.channel(1)
    for _ in range(3):
        tx.close()
        rx.close()
    assert tx.closed
    assert rx.closed
    for call in (
        lambda: tx.send(1),
        lambda: tx.send(1, 0),
        lambda: tx.send_nowait(1),
        tx.clone,
        rx.recv,
        rx.recv_nowait,
        lambda: rx.recv(0),
        lambda: next(rx),
        rx.clone,
    ):
        with pytest.raises(csp.EndClosed):
            call()


def test_own_end_closed_wins_over_the_other_side_gone():
    tx, rx = csp.channel(1)
    tx.close()
    rx.close()
    with pytest.raises(csp.EndClosed):
        rx.recv()
    with pytest.raises(csp.EndClosed):
        tx.send(1)


def test_channel_closes_with_the_last_of_its_clones(far):
    tx, rx = csp.channel(1)
    senders = [far(tx.clone()) for _ in range(3)]
    senders.append(tx)
    del tx
    for i, sender in enumerate(senders):
        assert not rx.finished
        with pytest.raises(TimeoutError):
            rx.recv(0)
        if i < 3:
            sender.do("close")
        else:
            sender.close()
    assert rx.finished
    with pytest.raises(csp.Closed):
        rx.recv()


def test_closed_clones_leave_the_others_as_they_are(far):
    tx, rx = csp.channel(1)
    clone = tx.clone()
    clone.close()
    assert clone.closed
    assert not tx.closed
    tx.send(1)
    assert far(rx).do("recv") == 1


def test_collected_ends_close_their_side(far):
    tx, rx = csp.channel(2)
    sender = far(tx)
    del tx
    sender.do("send", 1)
    sender.drop()
    assert rx.recv() == 1
    with pytest.raises(csp.Closed):
        rx.recv(DEADLINE)


def test_ends_in_garbage_cycles_close_when_they_are_collected():
    tx, rx = csp.channel(1)
    cycle = [tx]
    cycle.append(cycle)
    del tx, cycle
    gc.collect()
    with pytest.raises(csp.Closed):
        rx.recv(0)


def test_exception_in_a_with_block_closes_the_end_and_goes_on():
    tx, rx = csp.channel(1)
    entered = []

    def fail():
        with tx as end:
            entered.append(end)
            raise KeyError("goes on")

    with pytest.raises(KeyError, match="goes on"):
        fail()
    assert entered == [tx]
    assert tx.closed
    with rx:
        assert not rx.closed
        rx.close()
    assert rx.closed


# ---- close while others wait -----------------------------------------------


@pytest.mark.parametrize("last", [True, False], ids=["last", "not_last"])
def test_close_wakes_the_receiver_that_waits_on_that_end(last):
    tx, rx = csp.channel(1)
    others = [] if last else [rx.clone()]
    waiters = [Aside(rx.recv), Aside(rx.recv, 60), Aside(list, rx)]
    until_waiting(rx, 3)
    rx.close()
    for waiter in waiters:
        with pytest.raises(csp.EndClosed):
            waiter.result()
    assert tx.finished == last
    for other in others:
        tx.send(5)
        assert other.recv() == 5


@pytest.mark.parametrize("last", [True, False], ids=["last", "not_last"])
def test_close_wakes_the_sender_that_waits_on_that_end(last):
    tx, rx = full_channel()
    others = [] if last else [tx.clone()]
    waiters = [Aside(tx.send, 1), Aside(tx.send, 2, 60)]
    until_waiting(tx, 2)
    tx.close()
    for waiter in waiters:
        with pytest.raises(csp.EndClosed):
            waiter.result()
    del others[:]
    assert list(rx) == ["first"]


def test_close_leaves_those_alone_who_wait_on_a_clone(far):
    tx, rx = csp.channel(1)
    mine, spy = rx.clone(), rx.clone()
    other = far(rx).start("recv")
    until_waiting(spy, 1)
    waiter = Aside(mine.recv)
    until_waiting(spy, 2)
    mine.close()
    with pytest.raises(csp.EndClosed):
        waiter.result()
    assert _core.waiting(spy) == 1
    tx.send("for the other")
    assert other.result() == "for the other"


def test_close_of_the_last_send_end_wakes_all_receivers_with_closed(far):
    tx, rx = csp.channel(1)
    spy = rx.clone()
    calls = [far(rx.clone()).start("recv") for _ in range(3)]
    loop = far(rx).start("list")
    until_waiting(spy, 4)
    tx.close()
    for call in calls:
        with pytest.raises(csp.Closed):
            call.result()
    assert loop.result() == []


def test_close_of_the_last_receive_end_wakes_all_senders_with_closed(far):
    tx, rx = full_channel()
    spy = tx.clone()
    calls = [far(tx.clone()).start("send", i) for i in range(3)]
    until_waiting(spy, 3)
    rx.close()
    for call in calls:
        with pytest.raises(csp.Closed):
            call.result()


def test_ends_in_discarded_values_are_closed(far):
    inner_tx, inner_rx = csp.channel(1)
    tx, rx = csp.channel(4)
    tx.send([inner_tx, {"more": (inner_tx.clone(),)}])
    waiting = far(inner_rx).start("recv")
    rx.close()
    with pytest.raises(csp.Closed):
        waiting.result()


# ---- given away ------------------------------------------------------------


def test_end_that_was_sent_works_there_and_is_moved_here(far):
    tx, rx = csp.channel(1)
    a, b = csp.channel(2, name="the gift")
    receiver = far(rx)
    tx.send(a)
    got = receiver.do("recv")  # comes back: given away once more
    assert got is not a
    assert type(got) is csp.SendChannel
    assert got.same_channel(b)
    assert a.closed
    for call in (
        lambda: a.send(1),
        lambda: a.send(1, 0),
        lambda: a.send_nowait(1),
        a.clone,
        lambda: tx.send(a),
        lambda: tx.send([a]),
    ):
        with pytest.raises(csp.Moved, match=r"the gift.*clone\(\)"):
            call()
    a.close()  # does nothing
    with pytest.raises(csp.Moved):
        a.send(1)
    got.send(5)
    assert b.recv() == 5


def test_receive_end_that_was_sent_is_moved_here(far):
    tx, rx = csp.channel(1)
    a, b = csp.channel(2, name="the gift")
    a.send(1)
    a.send(2)
    tx.send(b)
    for call in (
        b.recv,
        lambda: b.recv(0),
        b.recv_nowait,
        b.clone,
        lambda: b.recv_nowait("default"),
        lambda: next(b),
    ):
        with pytest.raises(csp.Moved, match=r"the gift.*clone\(\)"):
            call()
    got = far(rx).do("recv")
    assert got.recv() == 1
    a.close()
    assert list(got) == [2]


def test_giving_away_leaves_the_count_as_it_is(far):
    tx, rx = csp.channel(1)
    a, b = csp.channel(1)
    tx.send(a)
    with pytest.raises(TimeoutError):
        b.recv(0)  # the one in the buffer keeps it open
    got = far(rx).do("recv")
    with pytest.raises(TimeoutError):
        b.recv(0)
    got.close()
    with pytest.raises(csp.Closed):
        b.recv()


def test_ends_travel_in_any_place_of_a_message(far):
    tx, rx = csp.channel(1)
    pairs = [csp.channel(1) for _ in range(5)]
    t, r = zip(*pairs, strict=True)
    message = (
        t[0],
        [r[0], [t[1], None]],
        {"a": r[1], t[2]: "key", r[2]: {3: (t[3],)}},
        [[[[r[3]]]]],
        (),
        {t[4]: r[4]},
    )
    tx.send(message)
    assert all(end.closed for pair in pairs for end in pair)
    g0, (h0, (g1, none)), d, ((((h3,),),),), _empty, last = far(rx).do("recv")
    assert none is None
    h1 = d.pop("a")
    (g2, key), (h2, inner) = d.items()
    assert key == "key"
    (g3,) = inner[3]
    ((g4, h4),) = last.items()
    for i, (g, h) in enumerate(
        [(g0, h0), (g1, h1), (g2, h2), (g3, h3), (g4, h4)]
    ):
        assert type(g) is csp.SendChannel
        assert type(h) is csp.RecvChannel
        assert g.id == t[i].id
        assert h.id == r[i].id
        g.send(i)
        assert h.recv() == i


def test_many_ends_travel_in_one_message(far):
    tx, rx = csp.channel(1)
    receiver = far(rx)
    a, b = csp.channel(400)
    clones = [a.clone() for _ in range(300)]
    a.close()
    tx.send(clones)
    assert all(clone.closed for clone in clones)
    got = receiver.do("recv")
    for i, end in enumerate(got):
        end.send(i)
        end.close()
    assert list(b) == list(range(300))


def twice_in_a_tuple(end):
    return (end, end)


def twice_in_nested_lists(end):
    return [end, 1, [[end]]]


def twice_in_a_dict(end):
    return {1: end, 2: end}


def twice_as_key_and_value(end):
    return {end: end}


@pytest.mark.parametrize(
    "message",
    [
        twice_in_a_tuple,
        twice_in_nested_lists,
        twice_in_a_dict,
        twice_as_key_and_value,
    ],
)
@pytest.mark.parametrize("side", [0, 1], ids=["tx", "rx"])
def test_end_given_twice_in_one_message_is_moved_and_nothing_sent(
    message, side
):
    tx, rx = csp.channel(2)
    pair = csp.channel(1)
    with pytest.raises(csp.Moved, match=r"clone\(\)"):
        tx.send(message(pair[side]))
    with pytest.raises(csp.Moved, match=r"clone\(\)"):
        tx.send_nowait(message(pair[side]))
    assert len(tx) == 0
    assert not pair[side].closed
    pair[0].send(1)
    assert pair[1].recv() == 1
    tx.send(pair[side])  # once is right
    assert rx.recv().same_channel(pair[0])


def test_end_given_twice_to_a_process_is_moved_and_stays_here():
    tx, rx = csp.channel(1)
    with pytest.raises(csp.Moved, match=r"clone\(\)"):
        csp.spawn(peers.echo, rx, rx)
    with pytest.raises(csp.Moved, match=r"clone\(\)"):
        csp.spawn(peers.echo, rx, [tx, tx])
    tx.send(1)
    assert rx.recv() == 1


def test_an_end_and_its_clone_travel_in_one_message():
    tx, rx = csp.channel(1)
    a, b = csp.channel(1)
    tx.send((a, a.clone(), b, b.clone()))
    a1, a2, b1, b2 = rx.recv()
    a1.send(1)
    assert b2.recv() == 1
    a1.close()
    a2.send(2)
    assert b1.recv() == 2


def failing_not_shareable(tx, rx, message):
    with pytest.raises(csp.NotShareable):
        tx.send([message, csp])
    with pytest.raises(csp.NotShareable):
        tx.send_nowait((message, {"x": csp}))


def failing_full(tx, rx, message):
    tx.send("first")
    with pytest.raises(csp.Full):
        tx.send_nowait(message)
    assert rx.recv() == "first"


def failing_timeout(tx, rx, message):
    tx.send("first")
    for timeout in (0, 0.002):
        with pytest.raises(TimeoutError):
            tx.send(message, timeout)
    assert rx.recv() == "first"


def failing_closed(tx, rx, message):
    rx.close()
    with pytest.raises(csp.Closed):
        tx.send(message)
    with pytest.raises(csp.Closed):
        tx.send_nowait(message)


def failing_closed_while_waiting(tx, rx, message):
    tx.send("first")
    sending = Aside(tx.send, message)
    until_waiting(tx)
    rx.close()
    with pytest.raises(csp.Closed):
        sending.result()


def failing_end_closed(tx, rx, message):
    tx.close()
    with pytest.raises(csp.EndClosed):
        tx.send(message)


def failing_end_closed_while_waiting(tx, rx, message):
    tx.send("first")
    sending = Aside(tx.send, message)
    until_waiting(tx)
    tx.close()
    with pytest.raises(csp.EndClosed):
        sending.result()


def failing_moved_sender(tx, rx, message):
    other_tx, _other_rx = csp.channel(1)
    other_tx.send(tx)
    with pytest.raises(csp.Moved):
        tx.send(message)


@pytest.mark.parametrize(
    "failing",
    [
        failing_not_shareable,
        failing_full,
        failing_timeout,
        failing_closed,
        failing_closed_while_waiting,
        failing_end_closed,
        failing_end_closed_while_waiting,
        failing_moved_sender,
    ],
)
def test_send_that_fails_leaves_the_ends_with_the_caller(failing):
    tx, rx = csp.channel(1)
    a, b = csp.channel(2)
    a2, b2 = csp.channel(2)
    failing(tx, rx, (a, [b2]))
    assert not rx.closed or failing.__name__.startswith("failing_closed")
    a.send(1)
    assert b.recv() == 1
    a2.send(2)
    assert b2.recv() == 2
    a.close()
    b2.close()
    with pytest.raises(csp.Closed):  # no handle of it was left behind
        b.recv(0)
    with pytest.raises(csp.Closed):
        a2.send(3, 0)


def test_end_works_while_it_is_being_given_away():
    tx, rx = full_channel()
    a, b = csp.channel(2, name="on its way")
    sending = Aside(tx.send, [a])
    until_waiting(tx)
    a.send("still mine")
    assert not a.closed
    other_tx, _other_rx = csp.channel(1)
    for again in (
        lambda: other_tx.send(a),
        lambda: other_tx.send_nowait([a]),
        lambda: csp.spawn(peers.echo, a, b),
    ):
        with pytest.raises(csp.Moved, match=r"on its way.*being given away"):
            again()
    assert not a.closed
    assert not b.closed
    assert rx.recv() == "first"
    sending.result()
    with pytest.raises(csp.Moved):
        a.send("too late")
    (got,) = rx.recv()
    got.send("from there")
    got.close()
    assert list(b) == ["still mine", "from there"]


def test_end_can_be_given_away_after_an_attempt_that_failed():
    tx, rx = full_channel()
    a, b = csp.channel(1)
    sending = Aside(tx.send, a, 0.05)
    until_waiting(tx)
    with pytest.raises(TimeoutError):
        sending.result()
    rx.recv()
    tx.send(a)
    rx.recv().send(3)
    assert b.recv() == 3


def test_end_closed_while_it_is_being_given_away_arrives_open():
    tx, rx = full_channel()
    a, b = csp.channel(1)
    sending = Aside(tx.send, a)
    until_waiting(tx)
    a.close()
    with pytest.raises(TimeoutError):
        b.recv(0)
    rx.recv()
    sending.result()
    got = rx.recv()
    got.send(1)
    assert b.recv() == 1
    with pytest.raises((csp.EndClosed, csp.Moved)):
        a.send(1)


def test_clone_made_while_an_end_is_given_away_is_kept():
    tx, rx = full_channel()
    a, b = csp.channel(1)
    sending = Aside(tx.send, a)
    until_waiting(tx)
    kept = a.clone()
    rx.recv()
    sending.result()
    rx.recv().close()
    kept.send(1)
    assert b.recv() == 1
    kept.close()
    with pytest.raises(csp.Closed):
        b.recv()


@pytest.mark.parametrize("last", [True, False], ids=["last", "not_last"])
def test_giving_an_end_away_wakes_who_waits_on_it_with_moved(last):
    tx, rx = csp.channel(2)
    a, b = csp.channel(1)
    others = [] if last else [a.clone(), b.clone()]
    waiters = [Aside(b.recv), Aside(list, b)]
    until_waiting(b, 2)
    tx.send(b)
    for waiter in waiters:
        with pytest.raises(csp.Moved):
            waiter.result()
    a.send("first")
    waiter = Aside(a.send, "second")
    until_waiting(a)
    tx.send(a)
    with pytest.raises(csp.Moved):
        waiter.result()
    got_b, got_a = rx.recv(), rx.recv()
    assert got_b.recv() == "first"
    got_a.close()
    del others[:]
    assert list(got_b) == []


def test_end_sent_through_its_own_channel_arrives():
    tx, rx = csp.channel(2)
    tx.send(tx.clone())
    tx.send(rx.clone())
    got_tx, got_rx = rx.recv(), rx.recv()
    assert got_tx.same_channel(tx)
    assert got_rx.same_channel(tx)
    got_tx.send(1)
    assert got_rx.recv() == 1


def test_send_end_that_sends_itself_is_moved():
    tx, rx = csp.channel(1)
    tx.send(tx)
    with pytest.raises(csp.Moved):
        tx.send(1)
    got = rx.recv()
    got.send(2)
    got.close()
    assert list(rx) == [2]


def test_send_end_that_sends_itself_while_full_is_moved():
    tx, rx = full_channel()
    sending = Aside(tx.send, [tx])
    until_waiting(tx)
    assert rx.recv() == "first"
    sending.result()
    (got,) = rx.recv()
    assert tx.closed
    assert not got.closed
    del got
    assert list(rx) == []


def test_end_passed_to_a_process_is_moved_here():
    tx, rx = csp.channel(1)
    back, got = csp.channel(1)
    process = csp.spawn(peers.echo, rx, back)
    for call in (rx.recv, rx.clone, lambda: back.send(1)):
        with pytest.raises(csp.Moved, match=r"clone\(\)"):
            call()
    tx.send("there and back")
    assert got.recv() == "there and back"
    tx.close()
    assert list(got) == []
    process.join(DEADLINE)


def test_core_give_replaces_an_end():
    tx, rx = csp.channel(1)
    new = _core.give(tx)
    assert new is not tx
    assert new.same_channel(rx)
    with pytest.raises(csp.Moved):
        tx.send(1)
    with pytest.raises(csp.Moved):
        _core.give(tx)
    with pytest.raises(TypeError, match="int"):
        _core.give(1)
    new.close()
    assert list(rx) == []


# ---- ends as objects -------------------------------------------------------


def test_bool_of_an_end_is_always_true():
    tx, rx = csp.channel(1)
    assert bool(tx) is True
    assert bool(rx) is True
    tx.send(1)
    assert tx
    assert rx
    rx.recv()
    tx.close()
    rx.close()
    assert tx
    assert rx
    assert len(tx) == 0


def test_ends_compare_by_identity_and_are_keys():
    tx, rx = csp.channel(1)
    clone = tx.clone()
    assert tx == tx
    assert tx != clone
    assert tx != rx
    assert tx != 1
    assert len({tx: 1, clone: 2, rx: 3}) == 3
    seen = {tx: "tx", rx: "rx"}
    tx.close()
    assert seen[tx] == "tx"
    assert clone not in seen
    with pytest.raises(TypeError):
        assert tx < clone


def test_ends_can_be_weakly_referenced():
    tx, rx = csp.channel(1)
    called = []
    ref = weakref.ref(tx, called.append)
    assert ref() is tx
    keys = weakref.WeakKeyDictionary({rx: "rx"})
    del tx
    assert ref() is None
    assert called == [ref]
    with pytest.raises(csp.Closed):
        rx.recv(0)
    del rx
    assert not list(keys)


def test_repr_says_name_id_and_state():
    tx, rx = csp.channel(3, name="jobs")
    tx.send(1)
    for end, kind in ((tx, "SendChannel"), (rx, "RecvChannel")):
        assert kind in repr(end)
        assert "jobs" in repr(end)
        assert str(end.id) in repr(end)
        assert "1 of 3" in repr(end)
        assert "closed" not in repr(end)
    gift = tx.clone()
    other_tx, _other_rx = csp.channel(1)
    other_tx.send(gift)
    tx.close()
    assert "closed" in repr(tx)
    assert "given away" in repr(gift)


def test_id_is_that_of_the_channel_and_never_used_again(far):
    ids = set()
    for _ in range(count(300)):
        tx, rx = csp.channel(1)
        assert tx.id == rx.id == tx.clone().id
        assert type(tx.id) is int
        assert tx.id > 0
        ids.add(tx.id)
    assert len(ids) == count(300)
    assert far(rx).do("id") == tx.id


def test_attributes_of_ends_are_read_only():
    tx, rx = csp.channel(1)
    for end in (tx, rx):
        for name in ("id", "name", "capacity", "closed", "finished", "new"):
            with pytest.raises(AttributeError):
                setattr(end, name, 1)
        with pytest.raises(TypeError):
            type(end).recv = None


@pytest.mark.parametrize("capacity", [1, 2, 3, 1000, 65535])
def test_capacity_and_length_are_known_at_both_ends(far, capacity):
    tx, rx = csp.channel(capacity)
    receiver = far(rx)
    assert tx.capacity == receiver.do("capacity") == capacity
    tx.send(1)
    assert len(tx) == receiver.do("__len__") == 1


def test_same_channel_tells_channels_apart():
    tx, rx = csp.channel(1)
    other_tx, other_rx = csp.channel(1)
    assert tx.same_channel(rx)
    assert rx.same_channel(tx)
    assert tx.same_channel(tx)
    assert tx.same_channel(tx.clone())
    assert not tx.same_channel(other_rx)
    assert not rx.same_channel(other_rx)
    other_tx.close()
    assert other_tx.same_channel(other_rx)
    for other in (None, 1, tx.id, "tx", object()):
        with pytest.raises(TypeError):
            tx.same_channel(other)


@pytest.mark.parametrize(
    "name",
    ["a", "with blanks\nand lines", "Grüße", "通道", "\U0001f9f5", "x" * 255],
)
def test_name_is_kept_at_both_ends(far, name):
    tx, rx = csp.channel(1, name=name)
    assert tx.name == tx.clone().name == name
    assert name in repr(tx)
    assert far(rx).do("name") == name


@pytest.mark.parametrize("char", ["x", "é", "通", "\U0001f9f5"])
@pytest.mark.parametrize("shift", range(4))
def test_long_name_is_cut_between_characters(char, shift):
    name = "-" * shift + char * 300
    tx, rx = csp.channel(1, name=name)
    assert name.startswith(tx.name)
    assert 252 <= len(tx.name.encode()) <= 255
    assert tx.name == rx.name
    assert tx.name in repr(tx)
    with pytest.raises(TimeoutError) as caught:
        rx.recv(0)
    assert tx.name in str(caught.value)


def test_channel_without_a_name_is_named_after_its_id():
    tx, rx = csp.channel(1)
    assert tx.name == f"chan-{tx.id}" == rx.name
    unnamed, _ = csp.channel(1, name=None)
    assert unnamed.name == f"chan-{unnamed.id}"


def test_names_that_cannot_be_are_refused():
    for name in (1, b"bytes", ["x"]):
        with pytest.raises(TypeError):
            csp.channel(1, name=name)
    with pytest.raises(ValueError, match="null"):
        csp.channel(1, name="nul\0inside")
    with pytest.raises(UnicodeEncodeError):
        csp.channel(1, name="lone \ud800 surrogate")


@pytest.mark.parametrize("capacity", [-1, 2**30 + 1, 10**30, -(10**30)])
def test_capacities_out_of_range_are_value_errors(capacity):
    with pytest.raises(ValueError, match="must be from 0"):
        csp.channel(capacity)


@pytest.mark.parametrize("capacity", [None, 1.0, "1", True, [1]])
def test_capacities_that_are_no_ints_are_type_errors(capacity):
    with pytest.raises(TypeError, match=type(capacity).__name__):
        csp.channel(capacity)


def test_channel_needs_a_capacity_and_knows_its_arguments():
    for call in (
        lambda: csp.channel(),
        lambda: csp.channel(1, "name"),
        lambda: csp.channel(1, size=2),
    ):
        with pytest.raises(TypeError):
            call()


def test_end_types_can_be_written_with_the_type_of_their_values():
    assert csp.SendChannel[int].__origin__ is csp.SendChannel
    assert csp.RecvChannel[dict[str, int]].__args__ == (dict[str, int],)


@pytest.mark.parametrize("name", ["SendChannel", "RecvChannel"])
def test_ends_come_from_channel_and_clone_only(name):
    kind = getattr(csp, name)
    with pytest.raises(TypeError):
        kind()
    with pytest.raises(TypeError):
        object.__new__(kind)
    with pytest.raises(TypeError):
        type("Sub", (kind,), {})
    assert kind.__module__ == "intercsp"
    assert kind.__doc__
    assert all(
        getattr(kind, method).__doc__
        for method in ("clone", "close", "same_channel")
    )


@pytest.mark.parametrize("side", [0, 1], ids=["tx", "rx"])
def test_ends_are_neither_copied_nor_pickled(side):
    pair = csp.channel(1)
    for attempt in (
        copy.copy,
        copy.deepcopy,
        pickle.dumps,
        lambda end: pickle.dumps([end], 2),
    ):
        with pytest.raises(TypeError, match=r"clone\(\)|send it"):
            attempt(pair[side])


def test_an_end_may_be_used_by_many_threads_at_once():
    tx, rx = csp.channel(3)
    n, parties = count(400), 4
    start = threading.Barrier(2 * parties)

    def send(who):
        start.wait()
        for i in range(n):
            tx.send((who, i))

    def receive():
        start.wait()
        return [rx.recv(DEADLINE) for _ in range(n)]

    senders = [Aside(send, who) for who in range(parties)]
    receivers = [Aside(receive) for _ in range(parties)]
    for sender in senders:
        sender.result()
    seen = collections.Counter(
        value for receiver in receivers for value in receiver.result()
    )
    assert seen == {(who, i): 1 for who in range(parties) for i in range(n)}
