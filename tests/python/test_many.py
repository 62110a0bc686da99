# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Batches: send_many and recv_many."""

import signal
import threading

import pytest

import intercsp as csp
from support import DEADLINE, Aside, until_waiting


class Row:
    """A sequence of the old protocol."""

    def __getitem__(self, i):
        return [10, 20, 30][i]


SEQUENCES = [[1, 2, 3], (1, 2, 3), range(1, 4), [], "abc", b"ab", Row()]


@pytest.mark.parametrize("which", range(len(SEQUENCES)))
def test_send_many_sends_the_elements_in_order(far, which):
    sequence = SEQUENCES[which]
    tx, rx = csp.channel(4)
    assert tx.send_many(sequence) is None
    tx.close()
    assert far(rx).do("list") == list(sequence)


@pytest.mark.parametrize("capacity", [0, 1, 3, csp.UNBOUNDED])
def test_send_many_waits_for_room(far, capacity):
    tx, rx = csp.channel(capacity)
    received = far(rx).start("list")
    tx.send_many(range(100))
    tx.close()
    assert received.result() == list(range(100))


def test_send_many_that_ends_early_says_how_many_were_sent(far):
    tx, rx = csp.channel(3, name="orders")
    receiver = far(rx)
    for timeout in (0, 0.001):
        with pytest.raises(TimeoutError, match="'orders'") as caught:
            tx.send_many(range(5), timeout=timeout)
        assert caught.value.sent == 3
        assert receiver.do("recv_many", 9) == [0, 1, 2]
    receiver.do("close")
    with pytest.raises(csp.Closed) as closed:
        tx.send_many([1])
    assert closed.value.sent == 0
    tx.close()
    with pytest.raises(csp.EndClosed) as end_closed:
        tx.send_many([])
    assert end_closed.value.sent == 0


@pytest.mark.parametrize("how", ["poison", "close", "recv_many"])
def test_send_many_that_waits_says_how_many_were_sent(far, how):
    tx, rx = csp.channel(2)
    sending = Aside(tx.send_many, [1, 2, 3, 4, 5, 6, 7], 2.0)
    until_waiting(tx)
    if how == "recv_many":
        assert far(rx).do("recv_many", 2) == [1, 2]
        until_waiting(tx)
        with pytest.raises(TimeoutError) as caught:
            sending.result()
        assert caught.value.sent == 4
    else:
        far(rx).do(how)
        with pytest.raises(csp.Error) as failed:
            sending.result()
        assert failed.value.sent == 2


def test_interrupted_send_many_says_how_many_were_sent():
    tx, _rx = csp.channel(2)

    def interrupt():
        until_waiting(tx)
        signal.raise_signal(signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt) as caught:
        tx.send_many([1, 2, 3], DEADLINE)
    thread.join()
    assert caught.value.sent == 2


def test_element_that_cannot_be_sent_keeps_all_from_being_sent():
    tx, rx = csp.channel(5)
    gift, _gift_rx = csp.channel(1)
    with pytest.raises(csp.NotShareable) as caught:
        tx.send_many([1, gift, threading.Lock()])
    assert caught.value.sent == 0
    assert len(rx) == 0
    assert not gift.closed


def test_ends_are_given_away_as_far_as_they_were_sent():
    tx, rx = csp.channel(2)
    pairs = [csp.channel(1) for _ in range(6)]
    ends = [end for end, _ in pairs]
    with pytest.raises(TimeoutError) as caught:
        tx.send_many(
            [ends[0], tuple(ends[1:3]), ends[3], [ends[4], ends[5]]], 0
        )
    assert caught.value.sent == 2
    assert [end.closed for end in ends] == [True] * 3 + [False] * 3
    first, others = rx.recv_many(5)
    first.send(0)
    others[1].send(2)
    assert (pairs[0][1].recv(), pairs[2][1].recv()) == (0, 2)
    ends[5].send(5)


def test_many_ends_in_one_batch_all_arrive():
    tx, rx = csp.channel(30)
    pairs = [csp.channel(1) for _ in range(30)]
    tx.send_many([[end, end.clone()] for end, _ in pairs])
    for i, (a, b) in enumerate(rx.recv_many(30)):
        a.close()
        b.send(i)
    assert [rx.recv() for _, rx in pairs] == list(range(30))


def test_end_cannot_be_given_away_twice_in_a_batch():
    tx, rx = csp.channel(3)
    gift, _gift_rx = csp.channel(1)
    with pytest.raises(csp.Moved, match="twice") as caught:
        tx.send_many([1, gift, gift])
    assert caught.value.sent == 0
    assert not gift.closed
    assert len(rx) == 0


@pytest.mark.parametrize("what", [None, 5, {1: 2}, {1}, iter([1])])
def test_send_many_takes_a_sequence(what):
    tx, rx = csp.channel(3)
    with pytest.raises(TypeError, match="sequence"):
        tx.send_many(what)
    assert len(rx) == 0


def test_list_that_changes_meanwhile_is_sent_as_it_was():
    tx, rx = csp.channel(1)
    values = [1, 2, 3, 4]
    sending = Aside(tx.send_many, values)
    until_waiting(tx)
    values.clear()
    assert [rx.recv(DEADLINE) for _ in range(4)] == [1, 2, 3, 4]
    sending.result()


@pytest.mark.parametrize("capacity", [3, csp.UNBOUNDED])
def test_recv_many_takes_what_is_there(far, capacity):
    tx, rx = csp.channel(capacity)
    receiver = far(rx)
    tx.send_many([1, 2, 3])
    assert receiver.do("recv_many", 2) == [1, 2]
    assert receiver.do("recv_many", 2) == [3]
    with pytest.raises(TimeoutError):
        receiver.do("recv_many", 2, 0)
    tx.send(4)
    tx.close()
    assert receiver.do("recv_many", 100) == [4]
    with pytest.raises(csp.Closed):
        receiver.do("recv_many", 100)


@pytest.mark.parametrize("capacity", [0, 1, 3])
def test_recv_many_waits_for_the_first_only(far, capacity):
    tx, rx = csp.channel(capacity)
    spy = rx.clone()
    receiving = far(rx).start("recv_many", 10)
    until_waiting(spy)
    tx.send("one")
    assert receiving.result() == ["one"]


def test_recv_many_of_no_value_is_refused():
    tx, rx = csp.channel(3)
    tx.send(1)
    for count in (0, -1):
        with pytest.raises(ValueError, match="at least 1"):
            rx.recv_many(count)
    for count in (None, 1.0, "1"):
        with pytest.raises(TypeError):
            rx.recv_many(count)
    with pytest.raises(TypeError):
        rx.recv_many()
    assert rx.recv_many(2**62) == [1]


class Sour:
    """What cannot be made again."""

    def __reduce__(self):
        return (int, ("sour",))


@pytest.mark.parametrize("capacity", [400, csp.UNBOUNDED])
@pytest.mark.parametrize("place", [0, 1, 127, 128, 129, 299])
def test_value_that_cannot_be_made_keeps_those_behind_it_in_the_channel(
    capacity, place
):
    tx, rx = csp.channel(capacity)
    values = [*range(place), Sour(), *range(place, 299)]
    tx.send_many(values)
    with pytest.raises(ValueError, match="sour") as caught:
        rx.recv_many(1000)
    assert caught.value.received == list(range(place))
    assert len(rx) == 299 - place
    if place < 299:
        assert rx.recv_many(1000) == list(range(place, 299))


@pytest.mark.parametrize("most", [1, 127, 128, 129, 256, 257])
def test_recv_many_takes_no_more_than_max(most):
    tx, rx = csp.channel(300)
    tx.send_many([x for i in range(100) for x in (i, str(i) * 9, None)])
    got = rx.recv_many(most)
    assert len(got) == most
    assert len(rx) == 300 - most
    assert (
        got + rx.recv_many(300)
        == [x for i in range(100) for x in (i, str(i) * 9, None)][: most + 300]
    )


def test_value_that_no_memory_was_left_for_is_the_only_one_lost():
    testcapi = pytest.importorskip("_testcapi")
    values = [2**40 + i for i in range(8)]
    lost = set()
    for nth in range(30):
        tx, rx = csp.channel(8)
        tx.send_many(values)
        testcapi.set_nomemory(nth, nth + 1)
        try:
            got = rx.recv_many(8)
        except MemoryError as error:
            testcapi.remove_mem_hooks()
            got = getattr(error, "received", [])
        finally:
            testcapi.remove_mem_hooks()
        got += rx.recv_many(8, 0) if len(rx) else []
        assert len(got) >= 7
        lost |= set(values) - set(got)
    assert len(lost) >= 6
