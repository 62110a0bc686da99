# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""intercsp.pep554 and intercsp.queues: what CPython's tests do not ask, or
would not get from CPython."""

import math
import pickle
import threading
import time
from typing import Any

import pytest

import intercsp as csp
from intercsp import _core, pep554, queues
from support import Aside, until


def put_all(queue: queues.Queue, items: list[Any]) -> None:
    for item, policy in items:
        queue.put(item, unbounditems=getattr(queues, policy))


def send_all(end: pep554.SendChannel, items: list[Any]) -> None:
    for item, policy in items:
        end.send_nowait(item, unbounditems=getattr(pep554, policy))


def echo(numbers: queues.Queue, answers: queues.Queue) -> None:
    while (number := numbers.get()) is not None:
        answers.put(number + 1)


def take(end: pep554.RecvChannel, answers: csp.SendChannel) -> None:
    answers.send(end.recv())


def in_process(function: Any, *args: Any) -> None:
    csp.spawn(function, *args).result()


@pytest.mark.parametrize("place", ["first", "middle", "last", "only"])
@pytest.mark.parametrize("module", [queues, pep554])
def test_removal_at_the_end_of_its_sender_hurts_no_other(
    module: Any, place: str
) -> None:
    theirs = [(2, "UNBOUND_REMOVE")]
    before = [1] if place in ("middle", "last") else []
    after = [3] if place in ("first", "middle") else []
    if module is queues:
        queue = queues.create()
        put, get, function, end = queue.put, queue.get, put_all, queue
        count = queue.qsize
    else:
        rx, tx = pep554.create()
        put, get, function, end = tx.send_nowait, rx.recv, send_all, tx
        box = _core.find_box(1, tx.id)
        count = box.__len__
    for item in before:
        put(item)
    in_process(function, end, theirs)
    for item in after:
        put(item)
    assert count() == len(before + after)
    put(4)
    assert [get() for _ in [*before, *after, 4]] == [*before, *after, 4]
    assert count() == 0


def test_items_of_an_ended_interpreter_meet_their_fate() -> None:
    queue = queues.create()
    names = ["UNBOUND", "UNBOUND_ERROR", "UNBOUND_REMOVE", "UNBOUND_KEEP"]
    in_process(put_all, queue, [(name, name) for name in names])
    assert queue.qsize() == 3
    assert queue.get() is queues.UNBOUND
    with pytest.raises(queues.ItemInterpreterDestroyed):
        queue.get()
    assert queue.get() == "UNBOUND_KEEP"


def test_a_channel_outlives_the_only_interpreter_that_has_used_it() -> None:
    rx, tx = pep554.create()
    in_process(send_all, tx, [(1, "UNBOUND_KEEP"), (2, "UNBOUND")])
    assert not rx.is_closed
    assert [rx.recv(), rx.recv()] == [1, pep554.UNBOUND]


@pytest.mark.parametrize("seconds", [0.0, 0.05])
def test_timeouts_are_what_they_say(seconds: float) -> None:
    queue = queues.create(1)
    rx, tx = pep554.create()
    queue_full = queues.create(1)
    queue_full.put(1)

    def waits(function: Any, *args: Any) -> Any:
        return lambda: function(*args, timeout=seconds)

    for call, error in [
        (waits(queue.get), queues.QueueEmpty),
        (waits(queue_full.put, 2), queues.QueueFull),
        (waits(rx.recv), TimeoutError),
        (waits(tx.send, 1), TimeoutError),
    ]:
        start = time.monotonic()
        with pytest.raises(error):
            call()
        took = time.monotonic() - start
        assert seconds <= took < seconds + 0.2
    assert queue.qsize() == 0
    with pytest.raises(pep554.ChannelEmptyError):  # it was withdrawn
        rx.recv_nowait()


@pytest.mark.parametrize("bad", [-0.5, math.nan, "1"])
def test_timeouts_that_are_none_are_refused(bad: Any) -> None:
    queue = queues.create()
    rx, tx = pep554.create()
    kind = TypeError if isinstance(bad, str) else ValueError
    for function in (
        lambda: queue.get(timeout=bad),
        lambda: queue.put(1, timeout=bad),
        lambda: rx.recv(bad),
        lambda: tx.send(1, bad),
    ):
        with pytest.raises(kind):
            function()
    with pytest.raises(queues.QueueEmpty):
        queue.get(False, timeout=-1)


def test_waiting_takes_no_polling() -> None:
    numbers, answers = queues.create(), queues.create()
    process = csp.spawn(echo, numbers, answers)
    numbers.put(0)
    assert answers.get() == 1
    start = time.monotonic()
    for n in range(100):
        numbers.put(n)
        assert answers.get(timeout=math.inf) == n + 1
    assert time.monotonic() - start < 0.5  # with polling every 10 ms, 1 s
    numbers.put(None)
    process.result()


def test_those_who_wait_are_served_in_order() -> None:
    queue = queues.create()
    order: list[Any] = []
    threads = []
    for name in "abc":
        before = len(threads)
        threads.append(
            Aside(lambda name=name: order.append((name, queue.get())))
        )
        until(lambda n=before: waiting() > n)
    for n in range(3):
        queue.put(n)
        until(lambda n=n: len(order) > n)
    assert order == [("a", 0), ("b", 1), ("c", 2)]
    for thread in threads:
        thread.result()


def waiting() -> int:
    """How many threads sleep on a channel of their own."""
    return sum(len(channel.waits) for channel in csp.channels())


def test_a_send_waits_for_its_own_item() -> None:
    rx, tx = pep554.create()
    tx.send_nowait("a")
    sender = Aside(tx.send, "b")
    until(waiting)
    assert rx.recv() == "a"
    assert not sender.done
    assert rx.recv() == "b"
    sender.result()


def test_a_send_to_a_process_returns_when_it_was_received() -> None:
    rx, tx = pep554.create()
    answers, received = csp.channel(1)
    process = csp.spawn(take, rx, answers)
    tx.send([1, {"two": 2}])
    assert received.recv() == [1, {"two": 2}]
    process.result()


def test_send_nowait_says_whether_somebody_waited() -> None:
    rx, tx = pep554.create()
    assert tx.send_nowait(1) is False
    assert rx.recv() == 1
    receiver = Aside(rx.recv)
    until(waiting)
    assert tx.send_nowait(2) is True
    assert receiver.result() == 2


def test_closing_ends_waits_and_is_told() -> None:
    rx, tx = pep554.create()
    receivers = [Aside(rx.recv) for _ in range(3)]
    until(lambda: waiting() == 3)
    start = time.monotonic()
    tx.close()
    for receiver in receivers:
        with pytest.raises(pep554.ChannelClosedError):
            receiver.result()
    assert time.monotonic() - start < 0.5
    for function in (rx.recv, lambda: rx.recv_nowait(None), tx.close):
        with pytest.raises(pep554.ChannelClosedError):
            function()
    assert rx.is_closed
    assert tx.is_closed


def test_closing_the_send_end_lets_what_was_sent_be_received() -> None:
    rx, tx = pep554.create()
    sender = Aside(tx.send, 1)
    until(waiting)
    tx.close()
    assert tx.is_closed
    assert not rx.is_closed
    with pytest.raises(pep554.ChannelClosedError):
        tx.send_nowait(2)
    with pytest.raises(pep554.ChannelClosedError):
        tx.close()
    assert rx.recv() == 1
    sender.result()
    assert rx.is_closed


def test_the_receive_end_closes_by_force_only_if_something_is_left() -> None:
    rx, tx = pep554.create()
    sender = Aside(tx.send, 1)
    until(waiting)
    with pytest.raises(pep554.ChannelNotEmptyError):
        rx.close()
    assert not sender.done
    rx.close(force=True)
    with pytest.raises(pep554.ChannelClosedError):
        sender.result()
    assert rx.is_closed


def test_release_cuts_this_interpreter_off() -> None:
    rx, tx = pep554.create()
    tx.send_nowait(1)
    tx.send_nowait(2)
    assert rx.recv() == 1
    assert len(tx.interpreters) == len(rx.interpreters) == 1
    assert tx.release() is True
    assert tx.release() is False
    with pytest.raises(pep554.ChannelReleasedError):
        tx.send_nowait(3)
    assert rx.recv() == 2
    assert rx.release() is True
    assert rx.is_closed


def test_what_cannot_be_sent_is_known_by_all_names() -> None:
    _rx, tx = pep554.create()
    queue = queues.create()
    lock = threading.Lock()
    for send in tx.send_nowait, tx.send, queue.put:
        for kind in csp.NotShareable, TypeError, ValueError:
            with pytest.raises(kind) as caught:
                send(({"a": lock},))
        assert caught.value.path == "[0]['a']"
    assert queue.empty()
    assert not pep554.is_shareable((lock,))


def test_ends_that_nothing_is_behind_say_so() -> None:
    rx = pep554.RecvChannel(1_000_000)
    for function in (rx.recv, rx.close, lambda: rx.is_closed):
        with pytest.raises(pep554.ChannelNotFoundError):
            function()
    with pytest.raises(TypeError):
        pep554.SendChannel("1")


def test_a_queue_is_one_object_and_lives_while_it_travels() -> None:
    outer, inner = queues.create(), queues.create()
    assert queues.Queue(inner.id) is inner
    assert pickle.loads(pickle.dumps(inner)) is inner
    number = inner.id
    inner.put("kept")
    outer.put(inner)
    del inner
    found = outer.get()
    same, item = found.id == number, found.get()
    del found
    assert same
    assert item == "kept"
    with pytest.raises(queues.QueueNotFoundError):
        queues.Queue(number)


def test_unknown_policies_are_refused_and_those_of_python_taken() -> None:
    with pytest.raises(NotImplementedError):
        queues.create(unbounditems=object())
    with pytest.raises(NotImplementedError):
        pep554.create(unbounditems=3)
    stdlib = pytest.importorskip("concurrent.interpreters._crossinterp")
    queue = queues.create(unbounditems=stdlib.UNBOUND_REMOVE)
    assert queue.unbounditems is queues.UNBOUND_REMOVE
    _rx, tx = pep554.create()
    assert pep554.SendChannel(tx.id).unbounditems is pep554.UNBOUND


def test_lists_and_closes_at_the_same_time_do_no_harm() -> None:
    stop = threading.Event()

    def look() -> int:
        n = 0
        while not stop.is_set():
            n += len(pep554.list_all())
        return n

    looker = Aside(look)
    for _ in range(300):
        _rx, tx = pep554.create()
        tx.close()
    stop.set()
    looker.result()


def test_shared_buffers_are_seen_by_both() -> None:
    rx, tx = pep554.create()
    memory = bytearray(b"spam")
    tx.send_buffer_nowait(memory)
    view = rx.recv()
    view[0:1] = b"S"
    assert memory == b"Spam"
    tx.send_buffer_nowait(b"eggs")
    assert rx.recv().readonly
    with pytest.raises(TypeError):
        tx.send_buffer_nowait(1)
    del view
