# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""select(): one of several operations happens, the others have no effect."""

import gc
import signal
import threading
import time
import weakref

import pytest

import intercsp as csp
import jobs
import peers
from intercsp import _core
from support import (
    DEADLINE,
    SANITIZED,
    Aside,
    count,
    run_isolated,
    until,
    until_waiting,
)


def full_channel():
    tx, rx = csp.channel(1)
    tx.send("first")
    return tx, rx


# ---- what happens ----------------------------------------------------------


def test_receive_case_that_is_ready_happens(far):
    _tx1, rx1 = csp.channel(1)
    tx2, rx2 = csp.channel(1)
    far(tx2).do("send", {"a": [1, None]})
    got = csp.select(rx1, rx2)
    assert (got.index, got.end, got.value) == (1, rx2, {"a": [1, None]})
    assert got.closed is False


@pytest.mark.skipif(SANITIZED, reason="a sanitizer keeps what was freed")
def test_wide_choices_take_no_new_memory_each_time():
    done = run_isolated("wide.py")
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) < 100


def test_send_case_that_is_ready_happens(far):
    tx1, _rx1 = full_channel()
    tx2, rx2 = csp.channel(1)
    got = csp.select((tx1, "one"), (tx2, ["two"]))
    assert (got.index, got.end, got.value) == (1, tx2, None)
    assert got.closed is False
    assert far(rx2).do("recv") == ["two"]


@pytest.mark.parametrize("capacity", [0, 1, csp.UNBOUNDED])
def test_select_waits_for_a_value(far, capacity):
    tx, rx = csp.channel(capacity)
    _other_tx, other_rx = csp.channel(1)
    selecting = Aside(csp.select, other_rx, rx)
    until_waiting(rx)
    far(tx).do("send", 7)
    got = selecting.result()
    assert (got.index, got.value) == (1, 7)
    assert _core.waiting(other_rx) == 0


@pytest.mark.parametrize("capacity", [0, 1])
def test_select_waits_for_room(far, capacity):
    tx, rx = csp.channel(capacity)
    tx.send_many(range(capacity))
    _other_tx, other_rx = csp.channel(1)
    selecting = Aside(csp.select, other_rx, (tx, "last"))
    until_waiting(tx)
    receiver = far(rx)
    for i in range(capacity):
        assert receiver.do("recv") == i
    assert receiver.do("recv") == "last"
    assert selecting.result().index == 1


def test_two_selects_meet_on_a_rendezvous():
    tx, rx = csp.channel(0)
    _tx2, rx2 = csp.channel(0)
    selecting = Aside(csp.select, rx2, rx)
    until_waiting(rx)
    assert csp.select((tx, "met"), rx2).index == 0
    assert selecting.result().value == "met"


def test_send_and_receive_case_of_one_channel_never_meet():
    tx, rx = csp.channel(0)
    with pytest.raises(TimeoutError):
        csp.select((tx, 1), rx, timeout=0.001)
    assert csp.select((tx, 1), rx, default="neither") == "neither"


def test_same_end_may_be_there_twice():
    tx, rx = csp.channel(1)
    tx.send(7)
    got = csp.select(rx, None, rx)
    assert got.index in (0, 2)
    assert got.value == 7


def test_case_that_did_not_happen_had_no_effect():
    tx1, rx1 = csp.channel(4)
    tx2, rx2 = csp.channel(4)
    tx1.send_many([1, 2])
    for _ in range(20):
        got = csp.select(rx1, (tx2, "x"), rx1, (tx2, "y"))
        if got.end is rx1:
            tx1.send(got.value)
        else:
            rx2.recv()
        assert (len(rx1), len(rx2)) == (2, 0)


def test_more_than_eight_cases():
    channels = [csp.channel(1) for _ in range(30)]
    for i in (17, 29, 0):
        channels[i][0].send(i)
        got = csp.select(*[rx for _, rx in channels])
        assert (got.index, got.value) == (i, i)
        got = csp.select(*[(tx, i) for tx, _ in channels])
        channels[got.index][1].recv()
    selecting = Aside(csp.select, *[rx for _, rx in channels])
    until_waiting(channels[25][1])
    channels[25][0].send("late")
    assert selecting.result().index == 25


def test_chances_of_ready_cases_are_equal():
    n, total = 4, count(4000, least=4000)
    channels = [csp.channel(1) for _ in range(n)]
    ends = [rx for _, rx in channels]
    for tx, _ in channels:
        tx.send(None)
    chosen = [0] * n
    for _ in range(total):
        got = csp.select(*ends)
        chosen[got.index] += 1
        channels[got.index][0].send(None)
    assert all(0.75 < c * n / total < 1.25 for c in chosen), chosen


def test_priority_takes_the_first_that_is_ready():
    channels = [csp.channel(1) for _ in range(4)]
    for tx, _ in channels[1:]:
        tx.send("ready")
    for _ in range(30):
        got = csp.select(*[rx for _, rx in channels], priority=True)
        assert got.index == 1
        channels[1][0].send("ready")


# ---- None, default, timeout ------------------------------------------------


def test_none_is_never_ready_and_keeps_its_index():
    tx, rx = csp.channel(1)
    tx.send(7)
    got = csp.select(None, None, rx)
    assert (got.index, got.value) == (2, 7)
    with pytest.raises(TimeoutError):
        csp.select(None, timeout=0.001)


@pytest.mark.parametrize("cases", [(), (None,), (None, None)])
def test_select_that_could_never_end_is_a_value_error(cases):
    for options in ({}, {"timeout": None}, {"timeout": float("inf")}):
        with pytest.raises(ValueError, match="ever be ready"):
            csp.select(*cases, **options)
    assert csp.select(*cases, default=1) == 1
    with pytest.raises(TimeoutError):
        csp.select(*cases, timeout=0)


def test_default_is_returned_when_nothing_is_ready(far):
    tx, rx = csp.channel(1)
    default = object()
    assert csp.select(rx, default=default) is default
    assert csp.select(rx, default=None) is None
    far(tx).do("send", 7)
    assert csp.select(rx, default=default).value == 7
    with pytest.raises(TypeError, match="default"):
        csp.select(rx, default=1, timeout=1)


@pytest.mark.parametrize("seconds", [0, 1e-9, 0.003, 0.03])
def test_timeout_never_ends_a_select_early(seconds):
    tx, _rx = full_channel()
    _other_tx, other_rx = csp.channel(0)
    before = time.monotonic_ns()
    with pytest.raises(TimeoutError, match="select"):
        csp.select(other_rx, (tx, 2), timeout=seconds)
    assert time.monotonic_ns() - before >= seconds * 1e9


def test_arguments_are_checked():
    tx, rx = csp.channel(1)
    for case in (tx, (tx,), (rx, 1), (tx, 1, 2), [tx, 1], 5, "x", object()):
        with pytest.raises(TypeError, match=r"case 1 of select\(\)"):
            csp.select(rx, case)
    with pytest.raises(TypeError, match=r"write \(end, value\)"):
        csp.select(tx)
    for options in ({"timeout": "1"}, {"wait": 1}):
        with pytest.raises(TypeError):
            csp.select(rx, **options)
    with pytest.raises(ValueError, match="negative"):
        csp.select(rx, timeout=-1)
    with pytest.raises(csp.NotShareable, match="lock"):
        csp.select(rx, (tx, threading.Lock()))


# ---- ends ------------------------------------------------------------------


def test_drained_closed_receive_case_is_ready_and_closed(far):
    tx, rx = csp.channel(2)
    tx.send(1)
    far(tx).do("close")
    tx.close()
    got = csp.select(rx)
    assert (got.value, got.closed) == (1, False)
    got = csp.select(rx)
    assert (got.index, got.end, got.value, got.closed) == (0, rx, None, True)


def test_close_wakes_a_select():
    tx, rx = csp.channel(0)
    selecting = Aside(csp.select, rx)
    until_waiting(rx)
    tx.close()
    assert selecting.result().closed


def test_errors_of_cases_have_their_index(far):
    tx, rx = csp.channel(1, name="orders")
    _tx2, rx2 = csp.channel(1)
    far(rx).do("close")
    rx.close()
    with pytest.raises(csp.Closed, match="'orders'") as caught:
        csp.select(rx2, (tx, 1))
    assert caught.value.index == 1
    closed = rx2.clone()
    closed.close()
    with pytest.raises(csp.EndClosed) as end_closed:
        csp.select(None, None, closed)
    assert end_closed.value.index == 2
    _tx2.poison("why")
    for cases in ((rx2,), ((_tx2, 1),)):
        with pytest.raises(csp.Poisoned, match="why") as poisoned:
            csp.select(*cases)
        assert poisoned.value.index == 0
        assert poisoned.value.reason == "why"


@pytest.mark.parametrize("how", ["close", "poison", "give"])
def test_end_that_goes_wakes_a_select_that_waits_on_it(how):
    _tx, rx = csp.channel(1)
    spy = rx.clone()
    selecting = Aside(csp.select, None, rx)
    until_waiting(spy)
    if how == "give":
        _core.give(rx)
    else:
        getattr(rx, how)()
    kind = {"close": csp.EndClosed, "poison": csp.Poisoned, "give": csp.Moved}
    with pytest.raises(kind[how]) as caught:
        selecting.result()
    assert caught.value.index == 1


# ---- giving away -----------------------------------------------------------


def test_end_is_given_away_by_the_case_that_happens_only(far):
    tx1, _rx1 = full_channel()
    tx2, rx2 = csp.channel(1)
    kept, _kept_rx = csp.channel(1)
    given, given_rx = csp.channel(1)
    assert csp.select((tx1, kept), (tx2, [given])).index == 1
    assert given.closed
    kept.send("still mine")
    far(rx2)
    with pytest.raises(csp.Moved):
        given.send(1)
    del given_rx


def test_cases_of_one_select_may_offer_the_same_end():
    tx1, rx1 = csp.channel(1)
    tx2, rx2 = csp.channel(1)
    gift, gift_rx = csp.channel(1)
    got = csp.select((tx1, gift), (tx2, (gift, "x")), (tx1, [gift]))
    assert gift.closed
    received = (rx1, rx2, rx1)[got.index].recv()
    arrived = received if got.index == 0 else received[0]
    arrived.send("through")
    assert gift_rx.recv() == "through"
    arrived.close()
    assert gift_rx.finished


def test_one_case_cannot_offer_an_end_twice():
    tx, _rx = csp.channel(1)
    gift, _gift_rx = csp.channel(1)
    with pytest.raises(csp.Moved, match="twice"):
        csp.select((tx, gift), (tx, [gift, gift]))
    gift.send("still mine")


@pytest.mark.parametrize("how", ["timeout", "default", "closed", "type"])
def test_end_stays_when_no_case_gives_it_away(how):
    tx, _rx = full_channel()
    gift, gift_rx = csp.channel(1)
    other_tx, other_rx = csp.channel(1)
    cases = [(tx, gift), (tx, {"gift": gift}), other_rx]
    if how == "timeout":
        with pytest.raises(TimeoutError):
            csp.select(*cases, timeout=0.001)
    elif how == "default":
        assert csp.select(*cases, default=0) == 0
    elif how == "closed":
        other_tx.close()
        assert csp.select(*cases).closed
    else:
        with pytest.raises(TypeError):
            csp.select(*cases, "no case")
    gift.send("still mine")
    assert gift_rx.recv() == "still mine"
    gift.close()
    with pytest.raises(csp.Closed):
        gift_rx.recv()


def test_end_on_offer_cannot_be_given_away_by_another_operation():
    tx, rx = full_channel()
    gift, gift_rx = csp.channel(1)
    other_tx, _other_rx = csp.channel(1)
    selecting = Aside(csp.select, (tx, gift), (tx, [gift]))
    until_waiting(tx, 2)
    with pytest.raises(csp.Moved, match="being given away"):
        other_tx.send(gift)
    with pytest.raises(csp.Moved, match="being given away"):
        csp.select((other_tx, gift))
    gift.send("works until then")
    assert gift_rx.recv() == "works until then"
    rx.recv()
    selecting.result()
    assert gift.closed


def test_large_values_of_other_cases_are_released():
    before = _core.live()["bytes"]
    tx, rx = full_channel()
    big = "x" * 1_000_000
    with pytest.raises(TimeoutError):
        csp.select((tx, big), (tx, big), timeout=0.001)
    assert csp.select((tx, big), rx, (tx, big)).index == 1
    assert _core.live()["bytes"] < before + 500_000


# ---- timers ----------------------------------------------------------------


def test_after_happens_at_its_time():
    _tx, rx = csp.channel(1)
    before = time.monotonic_ns()
    timer = csp.after(0.02)
    got = csp.select(rx, timer)
    assert time.monotonic_ns() - before >= 0.02 * 1e9
    assert (got.index, got.end, got.value) == (1, timer, None)


def test_after_is_ready_until_it_was_chosen_once():
    timer = csp.after(0)
    tx, rx = csp.channel(1)
    tx.send(1)
    assert csp.select(rx, timer, priority=True).index == 0
    assert csp.select(rx, timer).end is timer
    assert csp.select(rx, timer, default=None) is None


def test_tick_happens_again_and_again():
    tick = csp.tick(0.005)
    before = time.monotonic_ns()
    for _ in range(3):
        assert csp.select(tick).value is None
    assert time.monotonic_ns() - before >= 3 * 0.005 * 1e9


def test_ticks_that_nobody_looked_at_count_as_one():
    tick = csp.tick(0.2)
    _tx, rx = csp.channel(1)
    with pytest.raises(TimeoutError):
        rx.recv(0.45)
    assert csp.select(tick, default=None)
    assert csp.select(tick, default=None) is None


def test_timers_check_their_time():
    for make in (csp.after, csp.tick):
        for seconds in (-1, float("nan")):
            with pytest.raises(ValueError, match=make.__name__):
                make(seconds)
        for seconds in (None, "1"):
            with pytest.raises(TypeError, match=make.__name__):
                make(seconds)
        assert "Timer" in repr(make(1))
    with pytest.raises(ValueError, match="must not be 0"):
        csp.tick(0)
    with pytest.raises(TypeError):
        csp.Timer()
    with pytest.raises(TimeoutError):
        csp.select(csp.after(float("inf")), timeout=0.001)


# ---- processes and others --------------------------------------------------


def test_end_of_a_process_is_a_case():
    tx, rx = csp.channel(1)
    never_tx, never_rx = csp.channel(1)
    process = csp.spawn(jobs.take_first, rx)
    assert csp.select(process, never_rx, default=None) is None
    tx.send("done")
    got = csp.select(never_rx, process)
    assert (got.index, got.end, got.value) == (1, process, None)
    assert got.closed is False
    assert not process.alive
    assert process.result() == "done"
    assert csp.select(process, never_rx).end is process
    never_tx.close()


def test_objects_can_say_what_their_case_is():
    class Job:
        def __init__(self, on):
            self.on = on

        def __csp_case__(self):
            return self.on

    tx, rx = csp.channel(1)
    tx.send(7)
    job = Job(rx)
    got = csp.select(job)
    assert (got.end, got.value) == (job, 7)
    timer = Job(csp.after(0))
    assert csp.select(timer, job).end is timer
    assert csp.select(timer, job, default=1) == 1
    with pytest.raises(TypeError, match="__csp_case__"):
        csp.select(Job(5))

    class Bad:
        def __csp_case__(self):
            raise LookupError

    with pytest.raises(LookupError):
        csp.select(Bad())


# ---- what ends a wait ------------------------------------------------------


def test_ctrl_c_ends_a_select_without_effect():
    tx, rx = full_channel()
    _other_tx, other_rx = csp.channel(1)
    gift, _gift_rx = csp.channel(1)

    def interrupt():
        until_waiting(other_rx)
        signal.raise_signal(signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        csp.select((tx, gift), other_rx)
    thread.join()
    assert _core.waiting(tx) == _core.waiting(other_rx) == 0
    assert not gift.closed
    assert rx.recv() == "first"
    assert len(rx) == 0


def test_stop_ends_a_select_of_a_process():
    tx, rx = csp.channel(0)
    told, names = csp.channel(1)
    process = csp.spawn(peers.select_and_tell, rx, told)
    until(lambda: tx.stats().waiting_rx == 1)
    process.stop()
    assert names.recv(DEADLINE) == "Cancelled"


def test_deadline_bounds_a_select():
    _tx, rx = csp.channel(1)
    with csp.deadline(0.005), pytest.raises(TimeoutError):
        csp.select(rx)


# ---- the result ------------------------------------------------------------


def test_result_says_what_it_is():
    tx, rx = csp.channel(1)
    tx.send("text")
    got = csp.select(rx)
    assert type(got) is csp.Selected
    assert "index=0" in repr(got)
    assert "'text'" in repr(got)
    with pytest.raises(AttributeError):
        got.index = 1
    with pytest.raises(TypeError):
        csp.Selected()


def test_result_in_a_cycle_is_collected():
    tx, rx = csp.channel(1)
    tx.send([1])
    got = csp.select(rx)

    class Alive:
        pass

    alive = Alive()
    ref = weakref.ref(alive)
    got.value.append((got, alive))
    del got, alive
    gc.collect()
    assert ref() is None


@pytest.mark.parametrize("capacity", [0, 1, 3])
def test_selects_of_many_threads_lose_and_double_nothing(capacity):
    n, parties = count(300), 3
    channels = [csp.channel(capacity) for _ in range(3)]

    def send(who):
        left = list(range(n))
        while left:
            cases = [(tx, (who, left[-1])) for tx, _ in channels]
            csp.select(*cases)
            left.pop()

    def receive():
        ends = [rx for _, rx in channels]
        seen = []
        while any(ends):
            got = csp.select(*ends)
            if got.closed:
                ends[got.index] = None
            else:
                seen.append(got.value)
        return seen

    senders = [Aside(send, who) for who in range(parties)]
    receivers = [Aside(receive) for _ in range(parties)]
    for sender in senders:
        sender.result()
    for tx, _ in channels:
        tx.close()
    seen = [value for receiver in receivers for value in receiver.result()]
    assert sorted(seen) == [(w, i) for w in range(parties) for i in range(n)]


def test_a_timer_that_is_over_is_not_waited_for_without_a_timeout() -> None:
    timer = csp.after(0)
    csp.select(timer)
    for never in timer, csp.after(float("inf")):
        with pytest.raises(ValueError, match="no case that could ever"):
            csp.select(never)
        with pytest.raises(TimeoutError):
            csp.select(never, timeout=0.001)
