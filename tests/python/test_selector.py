# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Selector: a select whose cases stay registered."""

import copy
import gc
import pickle
import select
import signal
import threading
import time
import weakref

import pytest

import intercsp as csp
import jobs
from intercsp import _core
from support import DEADLINE, Aside, count, until_waiting


def test_iteration_gives_everything_and_ends_with_the_last_case(far):
    n = count(200)
    channels = [csp.channel(c) for c in (0, 1, 7, csp.UNBOUNDED)]
    senders = [far(tx) for tx, _ in channels]
    with csp.Selector(*[rx for _, rx in channels]) as sel:
        assert len(sel) == 4
        sending = [Aside(s.do, "send_many", list(range(n))) for s in senders]
        seen = {rx: [] for _, rx in channels}
        for _ in range(4 * n):
            end, value = next(sel)
            seen[end].append(value)
        for s, sender in zip(sending, senders, strict=True):
            s.result()
            sender.do("close")
        for tx, _ in channels:
            tx.close()
        assert list(sel) == []
        assert len(sel) == 0
    assert all(values == list(range(n)) for values in seen.values())


def test_ready_cases_have_their_turn():
    channels = [csp.channel(10) for _ in range(4)]
    for tx, _ in channels:
        tx.send_many(range(10))
    sel = csp.Selector(*[rx for _, rx in channels])
    for _ in range(10):
        assert {sel.wait()[0] for _ in channels} == {rx for _, rx in channels}


def test_send_case_happens_once(far):
    tx, rx = csp.channel(3)
    sel = csp.Selector((tx, "a"))
    sel.add((tx, ["b"]))
    assert [sel.wait() for _ in range(2)] == [(tx, None)] * 2
    assert len(sel) == 0
    assert sorted(map(str, far(rx).do("recv_many", 5))) == ["['b']", "a"]


def test_send_case_waits_for_room(far):
    tx, rx = csp.channel(1)
    tx.send(1)
    sel = csp.Selector((tx, 2))
    with pytest.raises(TimeoutError):
        sel.wait(0.001)
    waiting = Aside(sel.wait)
    assert far(rx).do("recv") == 1
    assert waiting.result() == (tx, None)
    assert rx.closed or rx.recv() == 2


def test_closed_channels_are_dropped_or_reported():
    for report in (False, True):
        tx, rx = csp.channel(1)
        tx2, rx2 = csp.channel(1)
        with csp.Selector(rx, rx2, report_closed=report) as sel:
            tx.send(1)
            tx.close()
            assert sel.wait() == (rx, 1)
            if report:
                assert sel.wait() == (rx, csp.CLOSED)
            tx2.send(2)
            assert sel.wait() == (rx2, 2)
            tx2.close()
            assert list(sel) == ([(rx2, csp.CLOSED)] if report else [])
            with pytest.raises(csp.Closed):
                sel.wait()
            with pytest.raises(StopIteration):
                next(sel)


def test_closed_is_one_object():
    assert repr(csp.CLOSED) == "intercsp.CLOSED"
    assert copy.copy(csp.CLOSED) is csp.CLOSED
    assert pickle.loads(pickle.dumps(csp.CLOSED)) is csp.CLOSED
    with pytest.raises(TypeError):
        type(csp.CLOSED)()


def test_case_that_raises_is_removed_when_it_raises():
    tx, rx = csp.channel(1)
    good_tx, good_rx = csp.channel(1)
    gone_tx, gone_rx = csp.channel(1, name="gone")
    gone_rx.close()
    closed = good_rx.clone()
    with csp.Selector(rx, good_rx, (gone_tx, 1), closed) as sel:
        with pytest.raises(csp.Closed, match="'gone'") as gone:
            sel.wait()
        assert gone.value.end is gone_tx
        assert len(sel) == 3
        closed.close()
        with pytest.raises(csp.EndClosed) as mine:
            sel.wait()
        assert mine.value.end is closed
        tx.poison("why")
        with pytest.raises(csp.Poisoned) as caught:
            sel.wait()
        assert caught.value.reason == "why"
        good_tx.send("goes on")
        assert next(sel) == (good_rx, "goes on")


def test_timers_and_processes_are_cases():
    tx, rx = csp.channel(1)
    process = csp.spawn(jobs.take_first, rx)
    after, tick = csp.after(0.01), csp.tick(0.01)
    with csp.Selector(process, after, tick) as sel:
        seen = [sel.wait() for _ in range(3)]
        assert seen.count((after, None)) == 1
        assert seen.count((tick, None)) == 2
        assert len(sel) == 2
        sel.remove(tick)
        tx.send(1)
        assert list(sel) == [(process, None)]
    assert process.result() == 1


def test_cases_are_added_and_removed():
    tx, rx = csp.channel(4)
    tx2, rx2 = csp.channel(4)
    with csp.Selector(None, rx) as sel:
        sel.add(rx2)
        sel.add(None)
        sel.add(rx)
        assert len(sel) == 3
        tx.send(1)
        sel.remove(rx)
        assert len(sel) == 1
        tx2.send(2)
        assert sel.wait() == (rx2, 2)
        with pytest.raises(ValueError, match="no case"):
            sel.remove(rx)
        for case in (tx, 5, (rx, 1)):
            with pytest.raises(TypeError):
                sel.add(case)
        closed = rx.clone()
        closed.close()
        with pytest.raises(csp.EndClosed):
            sel.add(closed)
        assert len(sel) == 1
    assert rx.recv() == 1
    with pytest.raises(TypeError):
        csp.Selector(rx, wait=1)
    with pytest.raises(TypeError):
        csp.Selector(rx, 5)


def test_many_cases_share_a_selector():
    channels = [csp.channel(1) for _ in range(50)]
    sel = csp.Selector(*[rx for _, rx in channels])
    for round_ in range(3):
        for tx, _ in reversed(channels):
            tx.send(round_)
        assert {sel.wait()[0] for _ in channels} == {rx for _, rx in channels}
    for _, rx in channels[::2]:
        sel.remove(rx)
    channels[0][0].send("removed")
    channels[49][0].send("stays")
    assert sel.wait() == (channels[49][1], "stays")
    with pytest.raises(TimeoutError):
        sel.wait(0)


def test_closed_selector_is_refused_and_leaves_its_ends_open():
    tx, rx = csp.channel(1)
    sel = csp.Selector(rx)
    sel.close()
    sel.close()
    assert len(sel) == 0
    for call in (
        sel.wait,
        lambda: next(sel),
        lambda: sel.add(rx),
        lambda: sel.remove(rx),
        sel.fileno,
    ):
        with pytest.raises(csp.EndClosed, match="Selector"):
            call()
    assert "closed" in repr(sel)
    tx.send(1)
    assert rx.recv() == 1


def test_gifts_go_when_their_case_happens_only():
    tx, rx = csp.channel(1)
    tx.send("first")
    gift, gift_rx = csp.channel(1)
    sel = csp.Selector((tx, gift))
    other_tx, _other_rx = csp.channel(1)
    with pytest.raises(csp.Moved, match="being given away"):
        other_tx.send(gift)
    with pytest.raises(csp.Moved, match="being given away"):
        csp.select((other_tx, gift))
    with pytest.raises(csp.Moved, match="being given away"):
        sel.add((tx, [gift]))
    assert len(sel) == 1
    gift.send("still mine")
    sel.remove(tx)
    sel.add((tx, gift))
    with pytest.raises(TimeoutError):
        sel.wait(0.001)
    assert rx.recv() == "first"
    assert sel.wait() == (tx, None)
    assert gift.closed
    assert rx.recv().same_channel(gift_rx)
    again = gift_rx.clone()
    for end_it in (csp.Selector.close, lambda _: gc.collect()):
        tx.send("full")
        sel = csp.Selector((tx, again))
        end_it(sel)
        del sel
        assert not again.closed
        rx.recv()
    with pytest.raises(csp.Empty):
        rx.recv_nowait()
    tx.send(again)


def test_one_thread_at_a_time():
    tx, rx = csp.channel(1)
    sel = csp.Selector(rx)
    waiting = Aside(sel.wait)
    until_waiting(rx)
    for call in (
        sel.wait,
        lambda: next(sel),
        lambda: sel.add(rx),
        lambda: sel.remove(rx),
        sel.close,
        sel.fileno,
    ):
        with pytest.raises(RuntimeError, match="one thread"):
            call()
    assert "waiting" in repr(sel)
    tx.send(7)
    assert waiting.result() == (rx, 7)
    sel.close()


def test_timeouts_of_wait():
    tx, rx = csp.channel(1)
    sel = csp.Selector(rx)
    for seconds in (0, 0.005):
        before = time.monotonic_ns()
        with pytest.raises(TimeoutError):
            sel.wait(seconds)
        assert time.monotonic_ns() - before >= seconds * 1e9
    with pytest.raises(ValueError, match="negative"):
        sel.wait(-1)
    with csp.deadline(0.005), pytest.raises(TimeoutError):
        next(sel)
    tx.send(1)
    assert sel.wait(timeout=0) == (rx, 1)


def test_ctrl_c_ends_a_wait_and_loses_nothing():
    tx, rx = csp.channel(1)
    sel = csp.Selector(rx)

    def interrupt():
        until_waiting(rx)
        signal.raise_signal(signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        sel.wait(DEADLINE)
    thread.join()
    tx.send("kept")
    assert sel.wait() == (rx, "kept")


def test_descriptor_is_readable_when_a_case_may_be_ready():
    tx, rx = csp.channel(2)
    sel = csp.Selector(rx)
    poll = select.poll()
    poll.register(sel, select.POLLIN)

    def drain():
        seen = []
        while True:
            try:
                seen.append(sel.wait(0)[1])
            except TimeoutError:
                return seen

    assert drain() == []
    assert poll.poll(0) == []
    Aside(tx.send_many, [1, 2]).result()
    assert poll.poll(DEADLINE * 1000)
    assert drain() == [1, 2]
    assert poll.poll(0) == []
    poll.unregister(sel)
    sel.close()


def test_selector_in_a_cycle_is_collected():
    tx, rx = csp.channel(1)

    class Job:
        def __csp_case__(self):
            return rx

    job = Job()
    job.selector = csp.Selector(job, (tx, 1))
    ref = weakref.ref(job)
    del job
    gc.collect()
    assert ref() is None
    assert _core.waiting(rx) == 0
    assert len(rx) == 0


def test_selector_that_is_closed_while_a_case_is_added():
    tx, rx = csp.channel(1)

    class Pickled:
        def __reduce__(self):
            sel.close()
            return int, ()

    class Case:
        def __csp_case__(self):
            sel.close()
            return rx

    for case in ((tx, Pickled()), Case()):
        sel = csp.Selector(rx)
        with pytest.raises(csp.EndClosed):
            sel.add(case)
        assert len(rx) == 0
        assert _core.waiting(rx) == 0
