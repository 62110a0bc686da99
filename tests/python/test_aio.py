# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""asyncio: tasks that wait for channels. A value is sent or taken once, and
whoever is cancelled has done nothing."""

import asyncio
import gc
import os
import selectors
import signal
import socket

import pytest

import intercsp as csp
import jobs
import peers
from intercsp import _aio, _core
from support import DEADLINE, SCALE, SEED, Aside, count, run_isolated, until


def run(main):
    """Run a coroutine function in an event loop of its own."""
    asyncio.run(asyncio.wait_for(main(), 60))


async def turns(condition):
    """Let the other tasks run until condition holds."""
    for _ in range(100_000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError(f"in vain: {condition}")


async def all_of(end):
    return [value async for value in end]


# ---- both sides in tasks ---------------------------------------------------


@pytest.mark.parametrize("capacity", [0, 1, 3, csp.UNBOUNDED])
def test_values_arrive_in_order(capacity):
    async def send(tx):
        async with tx:
            for i in range(500):
                await tx.asend(i)

    async def main():
        tx, rx = csp.channel(capacity)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(send(tx))
            got = tasks.create_task(all_of(rx))
        assert got.result() == list(range(500))

    run(main)


def test_what_can_be_done_at_once_needs_no_event_loop():
    tx, rx = csp.channel(1)
    for awaitable, result in [(tx.asend(5), None), (rx.arecv(), 5)]:
        with pytest.raises(StopIteration) as stop:
            awaitable.send(None)
        assert stop.value.value == result


def test_a_value_may_be_what_iteration_ends_with():
    async def main():
        tx, rx = csp.channel(4)
        for value in [(1, 2), (), None]:
            await tx.asend(value)
            got = await rx.arecv()
            assert repr(got) == repr(value)

    run(main)


def test_those_who_wait_are_served_in_order():
    async def main():
        tx, rx = csp.channel(1)
        tasks = []
        for _ in range(10):
            tasks.append(asyncio.create_task(rx.arecv()))
            await turns(lambda: _core.waiting(rx) == len(tasks))
        for i in range(10):
            await tx.asend(i)
        assert await asyncio.gather(*tasks) == list(range(10))

    run(main)


def test_a_task_that_never_waits_lets_others_run():
    async def main():
        tx, rx = csp.channel(1)
        ticks = 0

        async def tick():
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0)

        ticker = asyncio.create_task(tick())
        for i in range(2000):
            await tx.asend(i)
            await rx.arecv()
        ticker.cancel()
        assert ticks >= 4000 // 128 - 1

    run(main)


def test_ten_thousand_tasks_wait_on_one_descriptor():
    async def main():
        tx, rx = csp.channel(csp.UNBOUNDED)
        await asyncio.sleep(0)
        before = len(os.listdir("/proc/self/fd"))
        n = count(10_000, 100)
        tasks = [asyncio.create_task(rx.arecv()) for _ in range(n)]
        await turns(lambda: _core.waiting(rx) == n)
        assert len(os.listdir("/proc/self/fd")) == before + 1
        for i in range(n):
            await tx.asend(i)
        assert sorted(await asyncio.gather(*tasks)) == list(range(n))

    run(main)


# ---- the other side elsewhere ----------------------------------------------


@pytest.mark.parametrize("capacity", [0, 1, 64])
def test_a_process_answers(capacity):
    async def main():
        tx, asked = csp.channel(capacity)
        answers, rx = csp.channel(capacity)
        process = csp.spawn(peers.echo, asked, answers)
        for i in range(100):
            await tx.asend(i)
            assert await rx.arecv() == i
        tx.close()
        assert await all_of(rx) == []
        await asyncio.to_thread(process.join)

    run(main)


class Told(selectors.DefaultSelector):
    """Notes how long it was to look for descriptors, at most, and how many it
    found ready when it last did."""

    longest = 0.0

    def select(self, timeout=None):
        self.longest = max(self.longest, 1e9 if timeout is None else timeout)
        ready = super().select(timeout)
        self.found = len(ready)
        return ready


def test_a_task_runs_in_the_turn_in_which_its_event_loop_wakes():
    async def main():
        tx, rx = csp.channel(1)
        aside = Aside(lambda: (until(lambda: _core.waiting(rx)), tx.send(1)))
        assert await rx.arecv() == 1
        found = selector.found
        aside.result()
        return found

    selector = Told()
    with asyncio.Runner(
        loop_factory=lambda: asyncio.SelectorEventLoop(selector)
    ) as runner:
        assert runner.run(main()) == 1


@pytest.mark.parametrize("whose", [None, "the program's"])
def test_an_event_loop_sleeps_until_a_signal_wakes_it(whose):
    """Where signals write to something else, it looks for itself."""

    async def main():
        tx, rx = csp.channel(1)
        aside = Aside(lambda: (until(lambda: _core.waiting(rx)), tx.send(1)))
        assert await rx.arecv() == 1
        aside.result()

    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    descriptor = ours.fileno() if whose else -1
    before = signal.set_wakeup_fd(descriptor)
    selector = Told()
    try:
        with asyncio.Runner(
            loop_factory=lambda: asyncio.SelectorEventLoop(selector)
        ) as runner:
            runner.run(main())
    finally:
        left = signal.set_wakeup_fd(before)
        ours.close()
        theirs.close()
    assert left == descriptor
    assert (selector.longest < 1) == bool(whose)


def test_two_event_loops_talk():
    async def send(tx):
        async with tx:
            for i in range(2000):
                await tx.asend(i)

    for capacity in [0, 1]:
        tx, rx = csp.channel(capacity)
        aside = Aside(asyncio.run, send(tx))
        del tx
        assert asyncio.run(all_of(rx)) == list(range(2000))
        aside.result()
        del aside


# ---- ends ------------------------------------------------------------------


def test_waits_end_with_their_channel():
    async def main():
        for end, error in [
            (lambda tx, rx: tx.close(), csp.Closed),
            (lambda tx, rx: tx.poison("why"), csp.Poisoned),
            (lambda tx, rx: rx.close(), csp.EndClosed),
        ]:
            tx, rx = csp.channel(1, name="c")
            task = asyncio.create_task(rx.arecv())
            await turns(lambda rx=rx: _core.waiting(rx))
            end(tx, rx)
            with pytest.raises(error, match="'c'"):
                await task

    run(main)


def test_only_the_end_of_the_channel_ends_a_loop():
    async def main():
        tx, rx = csp.channel(1)
        await tx.asend(1)
        tx.close()
        assert await all_of(rx) == [1]
        assert await all_of(rx) == []
        rx.close()
        with pytest.raises(csp.EndClosed):
            await all_of(rx)
        tx, rx = csp.channel(1)
        task = asyncio.create_task(all_of(rx))
        await turns(lambda: _core.waiting(rx))
        tx.poison("no")
        with pytest.raises(csp.Poisoned):
            await task

    run(main)


def test_sends_end_with_their_channel():
    async def main():
        tx, rx = csp.channel(1)
        await tx.asend(1)
        task = asyncio.create_task(tx.asend(2))
        await turns(lambda: _core.waiting(tx))
        rx.close()
        with pytest.raises(csp.Closed):
            await task
        with pytest.raises(csp.Closed):
            await tx.asend(3)

    run(main)


def test_ends_are_given_away_when_they_are_sent():
    async def main():
        tx, rx = csp.channel(1)
        gift, other = csp.channel(1)
        await tx.asend([gift])
        with pytest.raises(csp.Moved):
            gift.send(1)
        again, _other = csp.channel(1)
        task = asyncio.create_task(tx.asend(again))
        await turns(lambda: _core.waiting(tx))
        with pytest.raises(csp.Moved, match="being given away"):
            await tx.asend(again)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        again.send(1)  # it was not sent
        (received,) = await rx.arecv()
        await received.asend("hello")
        assert other.recv() == "hello"

    run(main)


def test_what_cannot_be_sent_is_refused():
    async def main():
        tx, rx = csp.channel(0)
        with pytest.raises(csp.NotShareable):
            await tx.asend(i for i in ())
        assert _core.waiting(tx) == 0
        del rx

    run(main)


# ---- cancellation ----------------------------------------------------------


@pytest.mark.parametrize("capacity", [0, 1])
def test_a_cancelled_receive_takes_nothing(capacity):
    async def main():
        tx, rx = csp.channel(capacity)
        task = asyncio.create_task(rx.arecv())
        await turns(lambda: _core.waiting(rx))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert _core.waiting(rx) == 0
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.001):
                await rx.arecv()
        assert _core.waiting(rx) == 0
        aside = Aside(tx.send, 1)
        assert await rx.arecv() == 1
        aside.result()

    run(main)


def test_what_a_cancelled_task_was_woken_for_goes_to_the_next():
    async def main():
        tx, rx = csp.channel(1)
        first = asyncio.create_task(rx.arecv())
        await turns(lambda: _core.waiting(rx) == 1)
        second = asyncio.create_task(rx.arecv())
        await turns(lambda: _core.waiting(rx) == 2)
        tx.send(1)
        first.cancel()
        assert await second == 1
        assert first.cancelled()

    run(main)


def test_a_cancellation_after_a_rendezvous_is_for_the_next_await():
    async def main():
        tx, rx = csp.channel(0)
        sent = []

        async def send():
            await tx.asend(1)
            sent.append(1)
            await asyncio.sleep(60)  # sleeps: to be cancelled

        task = asyncio.create_task(send())
        await turns(lambda: _core.waiting(tx))
        assert rx.recv_nowait() == 1  # it was sent, but has not run
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert sent == [1]
        assert task.cancelling() == 1

    run(main)


def test_a_task_that_has_sent_is_not_cancelled_any_more():
    async def main():
        tx, rx = csp.channel(0)
        task = asyncio.create_task(tx.asend(1))
        await turns(lambda: _core.waiting(tx))
        assert rx.recv_nowait() == 1
        task.cancel()
        assert await task is None

    run(main)


def test_a_timeout_that_comes_too_late_is_none():
    async def main():
        tx, rx = csp.channel(0)

        async def send():
            async with asyncio.timeout(60) as timeout:
                waits.append(timeout)
                await tx.asend(1)
            return asyncio.current_task().cancelling()

        waits = []
        task = asyncio.create_task(send())
        await turns(lambda: _core.waiting(tx))
        assert rx.recv_nowait() == 1
        waits[0].reschedule(0)
        assert await task == 0
        await asyncio.sleep(0)

    run(main)


def test_only_tasks_that_wait_leave_a_rendezvous_full():
    async def main():
        tx, rx = csp.channel(0)
        task = asyncio.create_task(rx.arecv())
        await turns(lambda: _core.waiting(rx))
        with pytest.raises(csp.Full):
            tx.send_nowait(1)
        aside = Aside(tx.send, 2)
        assert await task == 2
        aside.result()

    run(main)


def test_an_event_loop_may_end_while_a_task_waits():
    tx, rx = csp.channel(1)

    async def main():
        task = asyncio.create_task(rx.arecv())
        await turns(lambda: _core.waiting(rx))
        return task  # asyncio.run cancels it

    asyncio.run(main())
    assert _core.waiting(rx) == 0
    loop = asyncio.new_event_loop()
    task = loop.create_task(rx.arecv())
    loop.run_until_complete(asyncio.sleep(0))
    assert _core.waiting(rx) == 1
    loop.close()
    task._log_destroy_pending = False  # it is what this test is about
    del task, loop
    gc.collect()
    assert _core.waiting(rx) == 0
    tx.send(1)
    assert rx.recv() == 1


# ---- misuse ----------------------------------------------------------------


def test_an_awaitable_is_closed_by_its_future():
    class Future(asyncio.Future):
        def done(self):
            while waiting:
                waiting.pop().close()
            return super().done()

    class Loop(asyncio.SelectorEventLoop):
        def create_future(self):
            return Future(loop=self)

    async def main():
        waiting.append(rx.arecv())
        waiting[0].send(None)
        tx.send(1)
        await turns(lambda: not waiting)

    waiting = []
    tx, rx = csp.channel(1)
    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(main())
    assert rx.recv_nowait() == 1


def test_an_event_loop_may_call_at_once_what_it_is_to_call_later():
    class Loop(asyncio.SelectorEventLoop):
        def call_later(self, delay, callback, *args, context=None):
            callback(*args)
            return super().call_later(0, int)

    async def main():
        _tx, rx = csp.channel(1)
        with pytest.raises(TimeoutError), csp.deadline(0.01):
            await rx.arecv()

    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(main())


def test_an_event_loop_does_not_sleep_while_it_sleeps():
    def select(selector, timeout):
        with pytest.raises(RuntimeError, match="sleeps already"):
            loop.sleep(select, selector, timeout, False)  # sleeps: not
        return []

    async def main():
        return _aio.running_loop()

    with asyncio.Runner() as runner:
        loop = runner.run(main())
        for _ in range(2):
            assert loop.sleep(select, None, 0, False) == []  # sleeps: not


def test_what_is_never_awaited_is_told():
    tx, rx = csp.channel(1, name="c")
    with pytest.warns(RuntimeWarning, match=r"asend\(\) of channel 'c' was"):
        tx.asend(1)
    with pytest.warns(RuntimeWarning, match=r"arecv\(\) of channel 'c' was"):
        rx.arecv()
    assert len(rx) == 0


def test_an_awaitable_is_awaited_once():
    async def main():
        tx, rx = csp.channel(1)
        once = tx.asend(1)
        await once
        with pytest.raises(RuntimeError, match="cannot reuse"):
            await once
        assert await rx.arecv() == 1

    run(main)


def test_an_awaitable_is_awaited_by_one_task():
    async def wait(once):
        return await once

    async def main():
        tx, rx = csp.channel(1)
        once = rx.arecv()
        first = asyncio.create_task(wait(once))
        await turns(lambda: _core.waiting(rx))
        with pytest.raises(RuntimeError, match="another task"):
            await once
        await tx.asend(1)
        assert await first == 1

    run(main)


@pytest.mark.parametrize(
    "use",
    [lambda a: a.send(None), lambda a: a.throw(OSError), lambda a: a.close()],
)
def test_an_awaitable_is_not_used_by_what_it_calls(use):
    class Pickled:
        def __reduce__(self):
            with pytest.raises(ValueError, match="just now"):
                use(once)
            return int, ()

    async def wait():
        await once

    async def main():
        tx.send(1)
        waiting = asyncio.create_task(wait())
        await turns(lambda: _core.waiting(tx))
        assert await rx.arecv() == 1
        await waiting
        assert await rx.arecv() == 0

    tx, rx = csp.channel(1)
    once = tx.asend(Pickled())
    run(main)


def test_an_awaitable_that_is_let_go_of_waits_no_more():
    async def main():
        _tx, rx = csp.channel(1)
        ways = [csp.aselect(None, rx), rx.arecv(), rx.arecv()]
        for once in ways:
            once.send(None)
        assert _core.waiting(rx) == 3
        ways.pop().close()
        with pytest.raises(ZeroDivisionError):
            ways.pop().throw(ZeroDivisionError)
        assert _core.waiting(rx) == 1
        del once
        ways.pop()
        gc.collect()
        assert _core.waiting(rx) == 0

    run(main)


def test_a_task_that_waits_lives_as_long_as_its_event_loop():
    async def main():
        tx, rx = csp.channel(1)
        got = []

        async def wait():
            got.append(await rx.arecv())

        asyncio.create_task(wait())  # noqa: RUF006
        await turns(lambda: _core.waiting(rx))
        gc.collect()
        await tx.asend(1)
        await turns(lambda: got == [1])

    run(main)


def test_waiting_needs_an_event_loop():
    _tx, rx = csp.channel(1)
    with pytest.raises(RuntimeError, match="no running event loop"):
        rx.arecv().send(None)


def test_coroutine_functions_of_asyncio_take_them():
    async def main():
        tx, rx = csp.channel(1)
        assert await asyncio.wait_for(
            asyncio.gather(rx.arecv(), tx.asend(1)), 10
        ) == [1, None]
        task = asyncio.create_task(rx.arecv(), name="t")
        await turns(lambda: _core.waiting(rx))
        assert "Await" in repr(task)
        task.cancel()

    run(main)


# A third of the messages: a million in `make soak`.
STORM = 333_334 if SCALE >= 20 else count(3000, 100)


@pytest.mark.parametrize("capacity", [0, 1, 64])
def test_a_storm_of_cancellations_loses_nothing(capacity):
    done = run_isolated("aio_storm.py", str(capacity), str(STORM), str(SEED))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("operation", ["arecv", "asend", "aselect"])
def test_error_says_which_case_only_if_there_were_several(operation):
    async def main():
        tx, rx = csp.channel(1)
        await tx.asend(1)
        _never, idle = csp.channel(1)
        waits = {
            "arecv": idle.arecv,
            "asend": lambda: tx.asend(2),
            "aselect": lambda: csp.aselect(None, (tx, 2)),
        }
        end = idle if operation == "arecv" else tx
        task = asyncio.ensure_future(waits[operation]())
        await turns(lambda: _core.waiting(end))
        end.poison("why")
        with pytest.raises(csp.Poisoned) as caught:
            await task
        several = {"index": 1, "end": end} if operation == "aselect" else {}
        assert {
            name: value
            for name, value in vars(caught.value).items()
            if name in ("index", "end")
        } == several
        del rx

    run(main)


# ---- being stopped ---------------------------------------------------------


def start_loop(kind):
    _tx, rx = csp.channel(1)
    told, tells = csp.channel(2)
    process = csp.spawn(jobs.run_loop, kind, rx, told)
    assert tells.recv(DEADLINE) == "waits"
    return process, tells, _tx


@pytest.mark.parametrize(
    "kind", ["arecv", "aselect", "iterate", "group", "sleep"]
)
def test_event_loop_of_a_process_is_stopped_and_its_tasks_clear_up(kind):
    process, tells, _tx = start_loop(kind)
    process.stop(DEADLINE)
    assert list(tells) == ["clears up"]
    with pytest.raises(csp.Stopped):
        process.result()


def test_event_loop_whose_tasks_do_not_end_is_interrupted():
    process, tells, _tx = start_loop("stubborn")
    process.stop(DEADLINE)
    assert list(tells) == ["clears up"]
    assert not process.alive


@pytest.mark.parametrize(
    ("kind", "waits"), [("arecv", True), ("aselect", False), ("sleep", False)]
)
def test_process_waits_while_only_channels_can_wake_its_event_loop(kind, waits):
    process, _tells, _tx = start_loop(kind)
    if waits:
        until(lambda: process._thread.waiting)
    assert process._thread.waiting == waits
    process.stop(DEADLINE)


def test_thread_with_an_event_loop_does_not_outlive_its_process():
    _tx, rx = csp.channel(1)
    csp.spawn(jobs.leave_loop_in_thread, rx).join(DEADLINE)


# ---- aselect and deadlines -------------------------------------------------


def test_aselect_takes_what_is_ready():
    async def main():
        tx, rx = csp.channel(1)
        full, _rest = csp.channel(1)
        await full.asend(0)
        await tx.asend(5)
        got = await csp.aselect(None, (full, 1), rx, priority=True)
        assert (got.index, got.end, got.value, got.closed) == (2, rx, 5, False)
        assert await csp.aselect(rx, default="none") == "none"
        with pytest.raises(TypeError, match="takes no timeout"):
            await csp.aselect(rx, default="none", timeout=1)

    run(main)


@pytest.mark.parametrize("timeout", [None, float("inf")])
@pytest.mark.parametrize("cases", [0, 1, 2])
def test_aselect_of_nothing_that_could_be_ready_is_refused(cases, timeout):
    never = (None, csp.after(float("inf")))[:cases]

    async def main():
        with pytest.raises(ValueError, match="ever be ready"), csp.deadline(30):
            await csp.aselect(*never, timeout=timeout)
        with pytest.raises(TimeoutError):
            await csp.aselect(*never, timeout=0)

    run(main)


@pytest.mark.parametrize("capacity", [0, 1])
def test_aselect_waits_for_the_first_case(capacity):
    async def main():
        tx, rx = csp.channel(capacity)
        _other_tx, other = csp.channel(1)
        task = asyncio.create_task(csp.aselect(other, None, rx))
        await turns(lambda: _core.waiting(rx))
        await tx.asend("x")
        got = await task
        assert (got.index, got.value) == (2, "x")
        assert _core.waiting(other) == 0

    run(main)


def test_aselect_gives_away_only_what_it_sends():
    async def main():
        tx, rx = csp.channel(0)
        other, other_rx = csp.channel(0)
        gift, kept = csp.channel(1)
        task = asyncio.create_task(csp.aselect((tx, gift), (other, gift)))
        await turns(lambda: _core.waiting(other))
        received = await asyncio.to_thread(other_rx.recv)
        assert (await task).index == 1
        with pytest.raises(csp.Moved):
            gift.send(1)
        received.send(2)
        assert kept.recv() == 2
        task = asyncio.create_task(csp.aselect((tx, received), rx))
        await turns(lambda: _core.waiting(tx))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        received.send(3)

    run(main)


def test_aselects_of_two_tasks_meet_at_a_rendezvous():
    async def main():
        a_tx, a_rx = csp.channel(0)
        b_tx, b_rx = csp.channel(0)
        for i in range(200):
            one = asyncio.create_task(csp.aselect((a_tx, i), b_rx))
            two = asyncio.create_task(csp.aselect((b_tx, i), a_rx))
            results = [await one, await two]
            assert sorted(got.value is None for got in results) == [False, True]
            assert {got.index for got in results} == {0, 1}

    run(main)


def test_aselect_tells_of_ends_and_errors():
    async def main():
        tx, rx = csp.channel(1)
        task = asyncio.create_task(csp.aselect(None, rx))
        await turns(lambda: _core.waiting(rx))
        tx.close()
        got = await task
        assert (got.index, got.closed) == (1, True)
        tx, rx = csp.channel(1)
        task = asyncio.create_task(csp.aselect(None, rx))
        await turns(lambda: _core.waiting(rx))
        tx.poison("why")
        with pytest.raises(csp.Poisoned) as poisoned:
            await task
        assert poisoned.value.index == 1
        with pytest.raises(TypeError, match=r"case 0 of a?select"):
            await csp.aselect(5)
        with pytest.raises(ValueError, match="no case that could ever"):
            await csp.aselect(None)
        with pytest.raises(ValueError, match="must not be negative"):
            await csp.aselect(rx, timeout=-1)

    run(main)


def test_aselect_times_out():
    async def main():
        _tx, rx = csp.channel(0)
        for timeout in [0, 0.01]:
            began = asyncio.get_running_loop().time()
            with pytest.raises(TimeoutError):
                await csp.aselect(rx, None, timeout=timeout)
            assert asyncio.get_running_loop().time() - began >= timeout
        assert _core.waiting(rx) == 0

    run(main)


def test_timers_are_cases_of_aselect():
    async def main():
        _tx, rx = csp.channel(0)
        timer = csp.after(0.01)
        got = await csp.aselect(rx, timer)
        assert (got.index, got.end, got.value) == (1, timer, None)
        tick = csp.tick(0.005)
        for _ in range(3):
            assert (await csp.aselect(tick, timer)).end is tick
        assert _core.waiting(rx) == 0

    run(main)


def test_the_end_of_a_process_is_a_case_of_aselect():
    async def main():
        tx, rx = csp.channel(1)
        process = csp.spawn(peers.echo, rx, tx.clone())
        task = asyncio.create_task(csp.aselect(process))
        await asyncio.sleep(0)
        tx.poison()
        assert (await task).end is process
        with pytest.raises(csp.Poisoned):
            process.result()

    run(main)


def test_deadlines_hold_in_tasks():
    async def main():
        tx, rx = csp.channel(1)
        with csp.deadline(0.01):
            await tx.asend(1)
            with pytest.raises(TimeoutError):
                await tx.asend(2)
            assert await rx.arecv() == 1
            with pytest.raises(TimeoutError):
                await rx.arecv()
            with pytest.raises(TimeoutError):
                await csp.aselect(rx)
        task = asyncio.create_task(rx.arecv())
        await turns(lambda: _core.waiting(rx))
        await tx.asend(3)
        assert await task == 3

    run(main)
