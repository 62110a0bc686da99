# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Groups: members end together, errors, feeds, clones, Ctrl-C."""

import asyncio
import contextlib
import functools
import gc
import sys
import threading
import time
from pathlib import Path

import pytest

import intercsp as csp
import jobs
from intercsp import _compat, _core
from programs import interrupt
from support import DEADLINE, ISOLATED, SANITIZED, SCALE, SEED, until


@contextlib.contextmanager
def failing(name=None):
    """A group that fails: the group, and its errors when it has ended."""
    errors = []
    try:
        with csp.group(name) as g:
            yield g, errors
    except BaseExceptionGroup as error:
        failure = error
    else:
        pytest.fail("the group has not failed")
    errors.extend(failure.exceptions)
    assert repr(name or "group") in failure.message
    assert failure.__suppress_context__


def kinds(errors):
    return [type(e) for e in errors]


# ---- a group that does its work --------------------------------------------


def test_network_ends_by_itself():
    tx, numbers = csp.channel(2)
    doubles, rx = csp.channel(2)
    with csp.group() as g:
        processes = g.spawn_many(jobs.double, numbers, doubles, count=3)
        g.feed(range(100), tx)
        assert sorted(rx) == [2 * i for i in range(100)]
    assert all(not p.alive for p in processes)


def test_group_joins_its_members():
    tx, rx = csp.channel(1)
    with csp.group() as g:
        process = g.spawn(jobs.collect, rx)
        g.feed("abc", tx)
    assert not process.alive
    assert process.result(0) == ["a", "b", "c"]


def test_group_without_members_is_nothing():
    threads = threading.active_count()
    with csp.group() as g:
        assert isinstance(g, csp.Group)
    assert threading.active_count() == threads


def test_feed_of_an_iterator_that_receives():
    tx, rx = csp.channel(1)
    middle, last = csp.channel(1)
    with csp.group() as g:
        g.feed(range(5), tx)
        g.feed((x + 1 for x in rx), middle)
        assert list(last) == [1, 2, 3, 4, 5]


def test_members_can_be_added_by_the_iterator_of_a_feed():
    tx, rx = csp.channel(1)
    results, answers = csp.channel(4)

    def numbers(g):
        for i in range(3):
            a, b = csp.channel(1)
            g.spawn(jobs.double, b, results.clone())
            with a:
                a.send(i)
            yield i
        results.close()

    with csp.group() as g:
        g.spawn(jobs.collect, rx)
        g.feed(numbers(g), tx)
        assert sorted(answers) == [0, 2, 4]


def test_member_that_a_feed_adds_when_all_others_have_ended_is_joined():
    tx, _rx = csp.channel(1)
    orders, told = csp.channel(1)
    added = []

    def numbers(g, first):
        first.join(DEADLINE)
        yield 1
        added.append(g.spawn(jobs.collect, told))

    with csp.group() as g:
        first = g.spawn(jobs.nothing)
        g.feed(numbers(g, first), tx)
        g.feed([1, 2], orders)
    assert not added[0].alive
    assert added[0].result(0) == [1, 2]


def test_group_ends_whoever_holds_a_failed_feed():
    tx, _rx = csp.channel(1)
    away, _carried = csp.channel(1)
    away.send(tx)
    saved = []
    for end, error in ((tx, csp.Moved), (_rx, TypeError), (None, TypeError)):
        with csp.group() as g:
            g.spawn(jobs.nothing)
            with pytest.raises(error) as caught:
                g.feed([1], end)
            saved.append(caught.value)  # its traceback holds frames
        assert not g._watcher.alive
    assert not _rx.closed
    saved.clear()


def test_group_runs_in_a_process():
    tx, rx = csp.channel(1)
    back, answers = csp.channel(1)
    with csp.group() as g:
        g.spawn(jobs.run_group, rx, back)
        g.feed(range(10), tx)
        assert sorted(answers) == [2 * i for i in range(10)]


# ---- calls side by side ----------------------------------------------------


def test_par_returns_the_results_in_order():
    tx, rx = csp.channel(0)

    # neither can end without the other
    def calls():
        return (jobs.collect, rx), (jobs.send_all, tx, [1, 2]), (len, "four")

    assert csp.par(*calls()) == [[1, 2], None, 4]
    assert csp.par() == []


def test_par_raises_what_a_call_raises_and_stops_the_others():
    _tx, rx = csp.channel(1)
    with pytest.raises(ExceptionGroup, match="'par'") as caught:
        csp.par((jobs.wait_on, rx), (jobs.fail, "one of two"))
    assert kinds(caught.value.exceptions) == [LookupError]


@pytest.mark.parametrize("call", [jobs.nothing, (), ("text",), [len, "x"]])
def test_par_of_what_is_no_call_starts_nothing(call):
    tx, rx = csp.channel(1)
    with pytest.raises(TypeError, match="is needed, not"):
        csp.par((jobs.collect, rx), call)
    assert not rx.closed
    tx.close()


# ---- what is given away ----------------------------------------------------


def test_feed_is_given_the_end():
    tx, rx = csp.channel(1)
    with csp.group() as g:
        g.feed([1], tx)
        with pytest.raises(csp.Moved, match=r"clone\(\)"):
            tx.send(2)
        with pytest.raises(csp.Moved):
            g.feed([2], tx)
        assert list(rx) == [1]


def test_feed_that_cannot_begin_takes_nothing():
    tx, rx = csp.channel(1)
    with csp.group() as g, pytest.raises(TypeError, match="iterable"):
        g.feed(7, tx)
    tx.send(1)
    assert rx.recv() == 1


def test_spawn_many_clones_ends_and_gives_away_the_originals():
    tx, rx = csp.channel(1)
    done, finished = csp.channel(8)
    with csp.group() as g:
        processes = g.spawn_many(
            jobs.give_back, [tx, {"k": (done,)}], done.clone(), count=3
        )
        with pytest.raises(csp.Moved):
            tx.send(1)
        with pytest.raises(csp.Moved):
            done.send(1)
    ids = set()
    for p in processes:
        (mine, nested), other = p.result()
        assert mine.same_channel(rx)
        assert nested["k"][0].same_channel(finished)
        assert other.same_channel(finished)
        ids.add(id(mine))
    assert len(ids) == 3
    assert not rx.finished
    del g, processes, p, mine, nested, other
    gc.collect()
    with pytest.raises(csp.Closed):
        rx.recv(DEADLINE)


@pytest.mark.parametrize("thread", [False, True])
def test_spawn_many_clones_ends_among_variables_of_the_function(thread):
    tx, rx = csp.channel(4)
    ends = {"list": [tx]}
    processes = csp.spawn_many(
        lambda n: ends["list"][0].send(n), 7, count=3, thread=thread
    )
    for process in processes:
        process.result(DEADLINE)
    assert tx.closed is not thread  # threads use the variable itself
    tx.close()
    assert list(rx) == [7, 7, 7]


def test_spawn_many_clones_ends_that_are_keys():
    tx, rx = csp.channel(1)
    with csp.group() as g:
        processes = g.spawn_many(jobs.give_back, {(tx, 1): "x"}, count=2)
    for p in processes:
        ((end, _),) = p.result()[0]
        assert end.same_channel(rx)


def test_spawn_many_of_one_is_spawn():
    tx, rx = csp.channel(1)
    with csp.group() as g:
        (process,) = g.spawn_many(jobs.collect, rx, count=1, name="one")
        tx.close()
    assert process.name == "one-1"


@pytest.mark.parametrize("count", [0, -1])
def test_spawn_many_of_none_is_refused(count):
    with csp.group() as g, pytest.raises(ValueError, match="count"):
        g.spawn_many(jobs.nothing, count=count)


def test_failed_spawn_many_keeps_the_ends():
    tx, rx = csp.channel(1)
    with csp.group() as g:
        with pytest.raises(csp.NotShareable):
            g.spawn_many(jobs.give_back, tx, rx, csp, count=3)
        with pytest.raises(csp.Moved):
            g.spawn_many(jobs.give_back, tx, tx, count=3)
        with pytest.raises(csp.NotShareable):
            g.spawn_many(type(len), tx, count=3)
    tx.send(1)
    assert rx.recv() == 1
    tx.close()
    with pytest.raises(csp.Closed):
        rx.recv(0)


def test_argument_inside_itself_is_refused():
    tx, _rx = csp.channel(1)
    inside = [tx]
    inside.append(inside)
    with csp.group() as g, pytest.raises(csp.NotShareable):
        g.spawn_many(jobs.give_back, inside, count=2)
    inside.clear()


# ---- when a group takes members --------------------------------------------


def test_group_takes_members_only_inside_the_with_statement():
    g = csp.group("outside")
    for _ in range(2):
        with pytest.raises(csp.Error, match="'outside'"):
            g.spawn(jobs.nothing)
        tx, _rx = csp.channel(1)
        with pytest.raises(csp.Error, match="'outside'"):
            g.feed([], tx)
        assert not tx.closed
        if not g._members.was_opened:
            with g:
                pass
    with pytest.raises(csp.Error, match="entered before"), g:
        pass


def test_group_that_stops_takes_no_members():
    _tx, rx = csp.channel(1)
    with failing() as (g, errors):
        waiter = g.spawn(jobs.wait_on, rx)
        g.spawn(jobs.fail, "first")
        waiter.join(DEADLINE)
        g.spawn(jobs.nothing)
    assert kinds(errors) == [LookupError, csp.Error]


# ---- errors ----------------------------------------------------------------


def test_first_error_stops_the_rest():
    _tx, rx = csp.channel(1)
    report, reports = csp.channel(1)
    with failing("demo") as (g, errors):
        waiter = g.spawn(jobs.wait_on, rx)
        computer = g.spawn(jobs.compute, report)
        assert reports.recv(DEADLINE) == "computing"
        g.spawn(jobs.fail, "the cause")
    assert kinds(errors) == [LookupError]
    cause = errors[0].__cause__
    assert "in fail" in str(cause)
    for p in (waiter, computer):
        with pytest.raises(csp.Stopped):
            p.result(0)


def test_error_is_noticed_while_the_body_waits():
    tx, rx = csp.channel(1)
    orders, told = csp.channel(1)
    with failing() as (g, errors):
        g.spawn(jobs.compute, tx)
        assert rx.recv(DEADLINE) == "computing"
        g.spawn(jobs.fail_when, told)
        orders.send("go")
        assert list(rx) == []  # ends as the computing process is stopped
    assert kinds(errors) == [LookupError]


def test_error_of_the_body_stops_the_members():
    _tx, rx = csp.channel(1)
    with failing() as (g, errors):
        waiter = g.spawn(jobs.wait_on, rx)
        raise KeyError("mine")
    assert kinds(errors) == [KeyError]
    with pytest.raises(csp.Stopped):
        waiter.result(0)


def test_errors_of_members_and_body_come_together():
    tx, rx = csp.channel(1)
    with failing() as (g, errors):
        p = g.spawn(jobs.fail_when, rx)
        tx.send("go")
        p.join(DEADLINE)
        raise KeyError("mine")
    assert kinds(errors) == [LookupError, KeyError]


def test_all_errors_are_in_the_group():
    tx, rx = csp.channel(2)
    with failing() as (g, errors):
        processes = g.spawn_many(jobs.fail_when, rx, count=2)
        until(lambda: all(p._thread.waiting for p in processes))
        # Both have a value before either can be stopped.
        tx.send("go")
        tx.send("go")
    assert kinds(errors) in ([LookupError], [LookupError] * 2)


def test_error_that_is_no_exception_is_a_remote_error():
    with failing() as (g, errors):
        g.spawn(jobs.exit_with, 3)
    assert kinds(errors) == [csp.RemoteError]
    assert "SystemExit: 3" in str(errors[0])


def test_error_that_is_false_is_an_error():
    with failing() as (g, errors):
        g.spawn(jobs.fail_falsely)
    assert kinds(errors) == [jobs.Falsy]


def test_error_that_exits_when_it_is_made_again_leaves_nobody_behind():
    tx, rx = csp.channel(1)
    with failing() as (g, errors):
        other = g.spawn(jobs.swallow, tx)
        rx.recv(DEADLINE)
        g.spawn(jobs.fail_exiting)
    assert kinds(errors) == [csp.RemoteError]
    assert "jobs.Exits" in str(errors[0])
    assert not other.alive


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_body_that_is_left_for_good_leaves_bare(kind):
    _tx, rx = csp.channel(1)
    error = kind("bare")
    caught = None
    try:
        with csp.group() as g:
            waiter = g.spawn(jobs.wait_on, rx)
            g.spawn(jobs.fail, "not shown")
            raise error
    except kind as e:
        caught = e
    assert caught is error
    assert not waiter.alive


def test_member_that_was_stopped_is_no_error():
    _tx, rx = csp.channel(1)
    with csp.group() as g:
        process = g.spawn(jobs.wait_on, rx)
        process.stop()
    with pytest.raises(csp.Stopped):
        process.result()


# ---- feeds that end early --------------------------------------------------


def test_error_of_a_feed_is_an_error_of_the_group():
    def numbers():
        yield 1
        raise ZeroDivisionError

    tx, rx = csp.channel(1)
    with failing() as (g, errors):
        g.feed(numbers(), tx)
        assert list(rx) == [1]
    assert kinds(errors) == [ZeroDivisionError]


def test_feed_without_receivers_is_an_error():
    tx, rx = csp.channel(1)
    with failing() as (g, errors):
        g.spawn(jobs.take_first, rx)
        g.feed(range(10), tx)
    assert kinds(errors) == [csp.Closed]


def test_feed_whose_receivers_failed_is_not_the_error():
    tx, rx = csp.channel(1)
    with failing() as (g, errors):
        g.spawn(jobs.fail_when, rx)
        g.feed(range(10), tx)
    assert kinds(errors) == [LookupError]


def test_feed_that_waits_for_room_ends_with_the_group():
    tx, _rx = csp.channel(1)
    with failing() as (g, errors):
        g.feed(range(10), tx)
        raise KeyError
    assert kinds(errors) == [KeyError]


# ---- a group in a process that is stopped ----------------------------------


def test_stop_of_a_process_stops_its_group():
    _tx, rx = csp.channel(1)
    waiting, reports = csp.channel(1)
    process = csp.spawn(jobs.wait_in_group, rx, waiting)
    assert reports.recv(DEADLINE) == "waiting"
    process.stop(DEADLINE)
    assert not any(t.name == "inner" for t in _core.threads())
    with pytest.raises(csp.Stopped):
        process.result(0)


# ---- what cannot be started ------------------------------------------------


def test_watcher_that_could_not_be_started_is_started_with_the_next(
    monkeypatch,
):
    start = _compat.Thread.start
    refusals = ["once"]

    def refuse(self, *args):
        if refusals:
            refusals.pop()
            raise RuntimeError("can't start new thread")
        start(self, *args)

    monkeypatch.setattr(_compat.Thread, "start", refuse)
    _tx, rx = csp.channel(1)
    with failing() as (g, errors):
        with pytest.raises(RuntimeError, match="can't start"):
            g.spawn(jobs.wait_on, rx)
        assert not rx.closed
        g.spawn(jobs.wait_on, rx)
        g.spawn(jobs.fail, "stops the others")
    assert kinds(errors) == [LookupError]


# ---- Ctrl-C ----------------------------------------------------------------


def test_ctrl_c_once_more_leaves_a_group_that_cannot_be_stopped():
    began = time.monotonic()
    out, err, status = interrupt(
        ISOLATED / "interrupted.py", "twice", after="ready"
    )
    assert out == "KeyboardInterrupt\n"
    assert "could not be stopped at exit: 'sleeper'" in err
    assert status == 70
    assert time.monotonic() - began < DEADLINE


class Interrupt:
    """Raises KeyboardInterrupt where a signal handler may run: in the package,
    at the nth entry of a function or return from C."""

    def __init__(self, n):
        self._left = n
        self._here = threading.get_ident()
        self._where = str(Path(csp.__file__).parent)

    def __enter__(self):
        m = sys.monitoring
        m.use_tool_id(m.DEBUGGER_ID, "interrupt")
        for event in (m.events.PY_START, m.events.C_RETURN):
            m.register_callback(m.DEBUGGER_ID, event, self._look)
        m.set_events(m.DEBUGGER_ID, m.events.PY_START | m.events.CALL)
        return self

    def __exit__(self, *_error):
        m = sys.monitoring
        m.set_events(m.DEBUGGER_ID, 0)
        m.free_tool_id(m.DEBUGGER_ID)

    @property
    def is_done(self):
        return self._left <= 0

    def _look(self, code, *_details):
        if threading.get_ident() != self._here:
            return
        if code.co_name == "__del__" or self._where not in code.co_filename:
            return
        self._left -= 1
        if self._left == 0:
            raise KeyboardInterrupt


def run_interrupted(n):
    """A group whose main thread is interrupted at the nth moment; whether
    there was one."""
    tx, rx = csp.channel(2)
    gate, told = csp.channel(1)
    with Interrupt(n) as interrupt:
        try:
            with csp.group() as g:
                g.spawn_many(jobs.collect, rx, count=2)
                g.feed(range(3), tx)
                g.spawn(jobs.collect, told)
                gate.close()
        except KeyboardInterrupt:
            assert interrupt.is_done
    gate.close()
    assert not _core.threads()
    return interrupt.is_done


@pytest.mark.skipif(SANITIZED, reason="hundreds of interpreters")
def test_ctrl_c_at_any_moment_leaves_no_member_behind():
    step = 1 if SCALE > 1 else 3  # another third of the moments in each run
    n = 1 + SEED % step
    while run_interrupted(n):
        n += step
    assert n > 50


def test_group_that_is_dropped_stops_its_members():
    _tx, rx = csp.channel(1)
    g = csp.group()
    g.__enter__()
    process = g.spawn(jobs.wait_on, rx)
    del g
    gc.collect()
    process.join(DEADLINE)


def test_deep_arguments_are_cloned_without_recursion():
    deep = []
    tx, rx = csp.channel(4)
    value = deep
    for _ in range(50_000):
        value = [value]
    deep.append(tx)
    with csp.group() as g:
        g.spawn_many(jobs.send_depth, value, count=2)
    tx.close()
    assert list(rx) == [50_000, 50_000]


# ---- what is over, is over soon ----------------------------------------------


def test_one_that_fails_ends_a_group_that_waits_in_every_way():
    slow = 10 if SANITIZED else 1
    _tx, rx = csp.channel(1)
    full, _rx = csp.channel(1)
    meet, _met = csp.channel(0)
    go, told = csp.channel(1)
    ready, in_loop = csp.channel(1)
    full.send(0)
    keep = csp.channel(1)[0]
    with failing() as (g, errors):
        others = [
            g.spawn(jobs.wait_on, rx.clone()),
            g.spawn(jobs.wait_on, rx.clone(), thread=True),
            g.spawn(jobs.send_one, full, 1),
            g.spawn(jobs.send_one, meet, 1),
            g.spawn(jobs.wait_in_select, rx.clone()),
            g.spawn(jobs.wait_in_asyncio, rx.clone(), ready),
            g.spawn(jobs.spawn_and_wait, rx.clone(), "child"),
        ]
        g.spawn(jobs.fail_when, told)
        until(lambda: len([t for t in _core.threads() if t.waiting]) >= 7)
        assert in_loop.recv(DEADLINE) == "waits"
        go.send("go")
        began = time.monotonic()
    assert time.monotonic() - began < slow
    assert kinds(errors) == [LookupError]
    assert "in fail_when" in str(errors[0].__cause__)
    assert not any(p.alive for p in others)
    assert not _core.threads()
    del keep


def test_closed_beside_its_cause_is_no_error():
    tx, rx = csp.channel(1)
    orders, told = csp.channel(1)
    with failing() as (g, errors):
        g.spawn(jobs.fail_with_end, told, tx)
        orders.send("go")
        rx.recv()  # raises Closed
    assert kinds(errors) == [LookupError]


def _is_empty(end):
    return len(end) == 0


@pytest.mark.parametrize("thread", [True, False])
def test_client_of_a_server_that_dies_hears_of_it_at_once(thread):
    limit = 1.0 if SANITIZED else 0.01
    seconds = []
    while not seconds or (min(seconds) > limit and len(seconds) < 30):
        ask, asked = csp.channel(1)
        csp.spawn(jobs.die_when_asked, asked, thread=thread)
        tx, answer = csp.channel(1)
        ask.send("ready?")
        ask.send(tx)
        until(functools.partial(_is_empty, ask))
        began = time.monotonic()
        with pytest.raises(csp.Closed):
            answer.recv(DEADLINE)
        seconds.append(time.monotonic() - began)
    assert min(seconds) < limit  # of many, as the machine may be busy


# ---- async with ------------------------------------------------------------


def run(main):
    asyncio.run(asyncio.wait_for(main(), 60))


def test_async_group_joins_while_other_tasks_run():
    async def main():
        tx, rx = csp.channel(1)
        turns = []

        async def tick():
            while not turns or not process.alive:
                await asyncio.sleep(0)
            turns.append(process.alive)
            tx.close()

        async with csp.group() as g:
            process = g.spawn(jobs.collect, rx)
            turns.append("began")
            task = asyncio.create_task(tick())
        assert turns == ["began", True]
        assert process.result(0) == []
        await task

    run(main)


def test_async_group_raises_what_members_and_body_raise():
    async def main():
        _tx, rx = csp.channel(1)
        with pytest.raises(ExceptionGroup) as caught:
            async with csp.group() as g:
                waiter = g.spawn(jobs.wait_on, rx)
                g.spawn(jobs.fail, "mine")
        assert kinds(caught.value.exceptions) == [LookupError]
        with pytest.raises(csp.Stopped):
            waiter.result(0)
        with pytest.raises(ExceptionGroup) as caught:
            async with csp.group() as g:
                g.spawn(jobs.compute, csp.channel(1)[0])
                raise KeyError
        assert kinds(caught.value.exceptions) == [KeyError]
        assert not _core.threads()

    run(main)


@pytest.mark.parametrize("swallows", [False, True])
def test_error_of_a_member_cancels_the_body_of_an_async_group(swallows):
    async def main():
        _tx, rx = csp.channel(1)
        with pytest.raises(ExceptionGroup) as caught:
            async with csp.group() as g:
                g.spawn(jobs.fail, "member")
                try:
                    await rx.arecv()
                except asyncio.CancelledError:
                    if not swallows:
                        raise
        assert [str(e) for e in caught.value.exceptions] == ["member"]
        task = asyncio.current_task()
        assert task.cancelling() == 0
        await asyncio.sleep(0)  # it was cancelled once

    asyncio.run(asyncio.wait_for(main(), DEADLINE))


def test_body_of_an_async_group_that_ends_as_a_member_fails_is_left_alone():
    async def main(delay):
        with pytest.raises(ExceptionGroup):
            async with csp.group() as g:
                member = g.spawn(jobs.fail, "member", thread=True)
                while member.alive:
                    await asyncio.sleep(0)
                for _ in range(delay):
                    await asyncio.sleep(0)
        assert asyncio.current_task().cancelling() == 0
        await asyncio.sleep(0)

    for delay in range(4):
        asyncio.run(main(delay))


@pytest.mark.parametrize("where", ["body", "join"])
def test_cancel_of_a_task_stops_its_group(where):
    async def main():
        _tx, rx = csp.channel(1)
        _other, never = csp.channel(1)

        async def work():
            async with csp.group() as g:
                g.spawn(jobs.wait_on, rx)
                if where == "body":
                    await never.arecv()

        task = asyncio.create_task(work())
        while not any(t.waiting for t in _core.threads()):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not _core.threads()

    run(main)


def test_async_group_ends_with_a_deadline():
    async def main():
        _tx, rx = csp.channel(1)
        with pytest.raises(TimeoutError), csp.deadline(0.05):
            async with csp.group() as g:
                waiter = g.spawn(jobs.wait_on, rx)
        assert not waiter.alive

    run(main)
