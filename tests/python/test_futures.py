# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""intercsp.futures.InterpreterPoolExecutor: what concurrent.futures promises,
and what is ours."""

import asyncio
import concurrent.futures
import functools
import logging
import random
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import intercsp as csp
from intercsp import _compat, _core, futures
from intercsp.futures import BrokenInterpreterPool, InterpreterPoolExecutor
from support import SANITIZED, Aside, count, run_isolated, until

DEADLINE = 30.0


# ---- what workers do ----


def add(a: Any, b: Any = 1) -> Any:
    return a + b


def fail(text: str) -> None:
    try:
        {}["key"]
    except KeyError as error:
        raise ValueError(text) from error


def end_by(kind: str) -> None:
    raise {"exit": SystemExit, "interrupt": KeyboardInterrupt}[kind](3)


def wait_for(rx: csp.RecvChannel) -> Any:
    return rx.recv(DEADLINE)


def started_and_wait(started: csp.SendChannel, rx: csp.RecvChannel) -> Any:
    started.send(None)
    return rx.recv(DEADLINE)


def interpreter() -> int:
    return _core.current_thread()


def name(key: str) -> Any:
    return vars(sys.modules["__main__"]).get(key)


def set_name(key: str, value: object) -> None:
    setattr(sys.modules["__main__"], key, value)


def big(n: int) -> bytes:
    return bytes(n)


def lock() -> Any:
    return threading.Lock()


class Odd(Exception):
    """It can be pickled, and not be unpickled."""

    def __init__(self, a: int, b: int) -> None:
        super().__init__(f"{a} and {b}")


def raise_odd() -> None:
    raise Odd(1, 2)


def stopped() -> None:
    """The worker that runs this is stopped by its pool's owner."""
    _tx, rx = csp.channel(1)
    rx.recv()


def pool_in_pool(n: int) -> list[int]:
    with InterpreterPoolExecutor(2) as pool:
        return list(pool.map(add, range(n)))


def left_open(n: int) -> int:
    pool = InterpreterPoolExecutor(1)
    return int(pool.submit(add, n).result())


def leave_busy(started: csp.SendChannel, rx: csp.RecvChannel) -> None:
    pool = InterpreterPoolExecutor(1)
    pool.submit(started_and_wait, started, rx)


def leave_replacing() -> None:
    pool = InterpreterPoolExecutor(1, max_tasks_per_child=1)
    called: list[Any] = []

    def call(future: Any) -> None:
        called.append(future.result())
        if len(called) == 4:
            print("4 called", flush=True)

    for n in range(4):
        pool.submit(add, n).add_done_callback(call)


def through(tx: csp.SendChannel) -> None:
    tx.send("through")


def send_shared(value: int) -> None:
    vars(sys.modules["__main__"])["shared_tx"].send(value)


class Adder:
    def __init__(self, n: int) -> None:
        self.n = n

    def __call__(self, m: int) -> int:
        return 10 * self.n * m

    def __eq__(self, other: object) -> bool:  # so it has no hash
        return self is other

    def add(self, m: int) -> int:
        return self.n + m


@pytest.fixture
def pool() -> Iterator[InterpreterPoolExecutor]:
    with InterpreterPoolExecutor(2) as made:
        yield made
    futures._pools.discard(made)
    vars(made).clear()  # pytest keeps it for a while


# ---- as concurrent.futures has it ----


def test_calls_give_results_and_exceptions(pool: Any) -> None:
    assert pool.submit(add, 1, b=2).result() == 3
    assert pool.submit(Adder(3).add, 4).result() == 7
    assert pool.submit(lambda a: a * 2, 5).result() == 10
    failed = pool.submit(fail, "why")
    with pytest.raises(ValueError, match="why") as caught:
        failed.result(DEADLINE)
    assert "in fail" in str(caught.value.__cause__)
    assert isinstance(failed.exception(), ValueError)
    for kind, error in ("exit", SystemExit), ("interrupt", KeyboardInterrupt):
        with pytest.raises(error):
            pool.submit(end_by, kind).result()


def test_what_cannot_travel_is_an_exception_of_the_future(pool: Any) -> None:
    with pytest.raises(csp.NotShareable):
        pool.submit(add, threading.Lock()).result()
    with pytest.raises(csp.NotShareable):
        pool.submit(lock).result()
    with pytest.raises(csp.RemoteError, match="1 and 2"):
        pool.submit(raise_odd).result()
    with pytest.raises(TypeError):
        pool.submit(3).result()
    assert pool.submit(add, 1).result() == 2


def test_what_cannot_be_sent_is_known_by_all_names(pool: Any) -> None:
    foreign = _compat.ForeignNotShareable
    with pytest.raises(foreign, match=r"argument \[1\]: _thread.lock"):
        pool.submit(add, 1, threading.Lock()).result()
    with pytest.raises(foreign, match=r"argument \['b'\]: _thread.lock"):
        pool.submit(add, 1, b=threading.Lock()).result()
    with pytest.raises(foreign, match=r"argument \[0\]: _thread.lock"):
        list(pool.map(add, [threading.Lock()]))
    with pytest.raises(foreign, match=r"^_thread\.lock"):
        pool.submit(lock).result()
    held = threading.Lock()
    with pytest.raises(csp.NotShareable, match="variable 'held'"):
        pool.submit(lambda: held).result()


@pytest.mark.parametrize("chunksize", [1, 2])
def test_map_calls_whatever_can_be_called(pool: Any, chunksize: int) -> None:
    for function, results in (
        (functools.partial(add, 3), [4, 5, 6]),
        (functools.partial(add, b=2), [3, 4, 5]),
        (Adder(4).add, [5, 6, 7]),
        (Adder(4), [40, 80, 120]),
        (int.bit_length, [1, 2, 2]),
        ((10).__add__, [11, 12, 13]),
        (lambda n: -n, [-1, -2, -3]),
        (str, ["1", "2", "3"]),
        (abs, [1, 2, 3]),
    ):
        found = pool.map(function, [1, 2, 3], chunksize=chunksize)
        assert list(found) == results, function
        assert pool.submit(function, 1).result() == results[0]


def test_scripts_are_refused_at_once(pool: Any) -> None:
    with pytest.raises(TypeError, match="scripts"):
        pool.submit("print()")
    with pytest.raises(TypeError, match="scripts"):
        InterpreterPoolExecutor(1, initializer="print()")
    with pytest.raises(ValueError, match="max_workers"):
        InterpreterPoolExecutor(0)


@pytest.mark.parametrize("chunksize", [1, 7])
def test_map_keeps_the_order(pool: Any, chunksize: int) -> None:
    found = pool.map(add, range(50), range(50), chunksize=chunksize)
    assert list(found) == [2 * n for n in range(50)]
    assert list(pool.map(add, [], chunksize=chunksize)) == []
    found = pool.map(divide, [1, 2, 0, 4], chunksize=chunksize)
    assert [next(found), next(found)] == [1.0, 0.5]
    with pytest.raises(ZeroDivisionError):
        next(found)
    assert list(found) == []
    with pytest.raises(ValueError, match="chunksize"):
        pool.map(add, [1], chunksize=0)


def divide(n: int) -> float:
    return 1 / n


def test_map_is_bounded_by_its_buffer(pool: Any) -> None:
    taken: list[int] = []

    def numbers() -> Iterator[int]:
        for n in range(20):
            taken.append(n)
            yield n

    found = pool.map(add, numbers(), buffersize=3)
    assert len(taken) == 3
    assert next(found) == 1
    assert len(taken) == 4
    assert list(found) == list(range(2, 21))


def test_timeouts_and_cancelling(pool: Any) -> None:
    tx, rx = csp.channel(4)
    started, has_started = csp.channel(2)
    running = [
        pool.submit(started_and_wait, started.clone(), rx.clone())
        for _ in range(2)
    ]
    for _ in running:
        has_started.recv(DEADLINE)
    waiting = pool.submit(add, 1)
    assert running[0].running()
    assert not waiting.running()
    assert not running[0].cancel()
    with pytest.raises(TimeoutError):
        running[0].result(0.02)
    for passed in -1, float("nan"):
        with pytest.raises(TimeoutError):
            running[0].result(passed)
        with pytest.raises(TimeoutError):
            running[0].exception(passed)
        with pytest.raises(TimeoutError):
            list(pool.map(add, [1], timeout=passed))
    with pytest.raises(TimeoutError):
        list(pool.map(add, [1], timeout=0.02))
    assert waiting.cancel()
    assert waiting.cancelled()
    with pytest.raises(concurrent.futures.CancelledError):
        waiting.result()
    tx.send_many([1, 2])
    assert {f.result() for f in running} == {1, 2}
    assert not running[0].cancel()


def test_callbacks_wait_and_as_completed(pool: Any) -> None:
    called: list[Any] = []
    future = pool.submit(add, 1)
    future.add_done_callback(lambda f: called.append(f.result()))
    until(lambda: called == [2])
    future.add_done_callback(called.append)
    assert called == [2, future]
    sent = [pool.submit(add, n) for n in range(20)]
    done = concurrent.futures.as_completed(sent, DEADLINE)
    assert sorted(f.result() for f in done) == list(range(1, 21))
    tx, rx = csp.channel(1)
    slow = pool.submit(wait_for, rx)
    first = concurrent.futures.FIRST_COMPLETED
    quick = pool.submit(add, 1)
    ended, left = concurrent.futures.wait([slow, quick], DEADLINE, first)
    assert (ended, left) == ({quick}, {slow})
    tx.send(None)
    assert not concurrent.futures.wait([slow], DEADLINE).not_done


def test_many_threads_ask_for_the_same_result(pool: Any) -> None:
    tx, rx = csp.channel(1)
    future = pool.submit(wait_for, rx)
    asking = [Aside(future.result) for _ in range(4)]
    tx.send("all")
    assert [a.result() for a in asking] == ["all"] * 4


def test_futures_are_waited_for_in_every_way_at_once(
    rng: random.Random,
) -> None:
    """wait() hung when states changed while it counted them."""

    def use(pool: Any, seed: int) -> int:
        choices, cancelled = random.Random(seed), 0
        for round in range(count(150)):
            sent = [pool.submit(add, n) for n in range(choices.randrange(12))]
            if choices.random() < 0.3:
                cancelled += sum(f.cancel() for f in sent[::2])
            way = choices.randrange(4)
            if way == 0:
                assert not concurrent.futures.wait(sent, DEADLINE).not_done
            elif way == 1:
                for future in sent:
                    future.add_done_callback(id)
            elif way == 2:
                list(concurrent.futures.as_completed(sent, DEADLINE))
            for n, future in enumerate(sent):
                if not future.cancelled():
                    assert future.result(DEADLINE) == n + 1, round
        return cancelled

    with InterpreterPoolExecutor(2) as pool:
        users = [Aside(use, pool, rng.getrandbits(32)) for _ in range(4)]
        for user in users:
            user.result(2 * DEADLINE)


def test_shutdown_waits_cancels_and_refuses() -> None:
    tx, rx = csp.channel(1)
    started, has_started = csp.channel(1)
    pool = InterpreterPoolExecutor(1)
    running = pool.submit(started_and_wait, started, rx)
    has_started.recv(DEADLINE)
    cancelled = [pool.submit(add, n) for n in range(3)]
    pool.shutdown(wait=False, cancel_futures=True)
    assert all(f.cancelled() for f in cancelled)
    with pytest.raises(RuntimeError):
        pool.submit(add, 1)
    with pytest.raises(RuntimeError):
        pool.map(add, [1])
    tx.send("done")
    pool.shutdown()
    assert running.result() == "done"
    assert not pool._workers


def test_shutdown_does_what_was_sent() -> None:
    pool = InterpreterPoolExecutor(2)
    sent = [pool.submit(add, n) for n in range(50)]
    pool.shutdown()
    assert [f.result() for f in sent] == list(range(1, 51))


def test_an_initializer_runs_once_in_each_worker() -> None:
    with InterpreterPoolExecutor(
        1, initializer=set_name, initargs=("color", "red")
    ) as pool:
        assert pool.submit(name, "color").result() == "red"
        pool.submit(set_name, "color", "blue").result()
        assert pool.submit(name, "color").result() == "blue"


def test_an_initializer_that_fails_breaks_the_pool(caplog: Any) -> None:
    with InterpreterPoolExecutor(2, initializer=fail, initargs=("no",)) as pool:
        with caplog.at_level(logging.CRITICAL, "concurrent.futures"):
            with pytest.raises(BrokenInterpreterPool):
                pool.submit(add, 1).result(DEADLINE)
            with pytest.raises(BrokenInterpreterPool):
                pool.submit(add, 1)
        assert "ValueError: no" in caplog.text
    args = (threading.Lock(),)
    with InterpreterPoolExecutor(2, initializer=add, initargs=args) as pool:
        with caplog.at_level(logging.CRITICAL, "concurrent.futures"):
            with pytest.raises(BrokenInterpreterPool):
                pool.submit(add, 1).result(DEADLINE)
        assert "NotShareableError: argument" in caplog.text
        caplog.clear()  # tracebacks hold the pool
    assert issubclass(
        BrokenInterpreterPool, concurrent.futures.thread.BrokenThreadPool
    )


def test_asyncio_uses_it() -> None:
    async def main(pool: Any) -> Any:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(pool)
        one = await loop.run_in_executor(None, add, 1)
        two = await asyncio.gather(
            *(loop.run_in_executor(pool, add, n) for n in range(5))
        )
        return one, two, await pool.submit(add, 6)

    with InterpreterPoolExecutor(2) as pool:
        assert asyncio.run(main(pool)) == (2, [1, 2, 3, 4, 5], 7)


def test_pools_are_made_in_workers(pool: Any) -> None:
    assert pool.submit(pool_in_pool, 5).result(DEADLINE) == [1, 2, 3, 4, 5]
    assert pool.submit(left_open, 5).result(DEADLINE) == 6


def test_a_process_that_leaves_a_busy_pool_can_be_stopped() -> None:
    _tx, rx = csp.channel(1)
    started, has_started = csp.channel(1)
    process = csp.spawn(leave_busy, started, rx)
    has_started.recv(DEADLINE)
    process.stop(DEADLINE)
    assert not process.alive


def test_a_process_that_leaves_a_pool_does_what_was_sent(capfd: Any) -> None:
    csp.spawn(leave_replacing).result(DEADLINE)
    assert capfd.readouterr().out == "4 called\n"


# ---- ours ----


def test_only_as_many_workers_as_have_work_are_started(pool: Any) -> None:
    for n in range(5):
        assert pool.submit(add, n).result() == n + 1
    assert len(pool._workers) == 1
    tx, rx = csp.channel(2)
    sent = [pool.submit(wait_for, rx.clone()) for _ in range(2)]
    tx.send_many([1, 2])
    assert {f.result() for f in sent} == {1, 2}
    assert len(pool._workers) == 2


def test_futures_are_cases_of_a_select(pool: Any) -> None:
    tx, rx = csp.channel(1)
    slow, quick = pool.submit(wait_for, rx), pool.submit(add, 1)
    got = csp.select(slow, quick, timeout=DEADLINE)
    assert (got.index, got.closed) == (1, True)
    assert quick.result() == 2
    tx.send(3)
    assert csp.select(slow, timeout=DEADLINE).closed
    assert slow.result() == 3


def test_ends_are_given_to_tasks_and_shared_by_workers() -> None:
    tx, rx = csp.channel(4)
    shared = {"color": "green", "shared_tx": tx}
    with InterpreterPoolExecutor(2, shared=shared, warm=True) as pool:
        assert len(pool._workers) == 2
        assert pool.submit(name, "color").result() == "green"
        pool.submit(send_shared, 1).result()
        given = tx.clone()
        pool.submit(through, given).result()
        assert given.closed
    tx.close()
    assert list(rx) == [1, "through"]  # nobody else has an end


def test_ends_inside_what_workers_begin_with_are_cloned_for_each() -> None:
    tx, rx = csp.channel(4)
    with InterpreterPoolExecutor(
        2,
        initializer=lambda ends: ends["all"][0].send_many([1, 2]),
        initargs=({"all": [tx]},),
        shared={"also": [tx]},
        warm=True,
    ):
        assert sorted(rx.recv(DEADLINE) for _ in range(4)) == [1, 1, 2, 2]
    tx.close()
    assert list(rx) == []
    with pytest.raises(csp.NotShareable, match="lock"):
        InterpreterPoolExecutor(2, shared={"held": threading.Lock()})


def test_pools_that_are_dropped_end() -> None:
    threads = threading.active_count()

    def use() -> Any:
        pool = InterpreterPoolExecutor(1, max_tasks_per_child=9)
        called, has_called = csp.channel(1)
        pool.submit(add, 1).add_done_callback(lambda _f: called.send(None))
        has_called.recv(DEADLINE)
        future = pool.submit(add, 1)
        assert future.result() == 2
        return future

    future = use()
    until(lambda: not _core.threads())
    until(lambda: threading.active_count() == threads)
    assert future.result() == 2


def test_workers_are_replaced_after_so_many_tasks() -> None:
    with InterpreterPoolExecutor(1, max_tasks_per_child=2) as pool:
        sent = [pool.submit(interpreter) for _ in range(6)]
        seen = [f.result(DEADLINE) for f in sent]
    assert seen[0] == seen[1] != seen[2] == seen[3] != seen[4] == seen[5]


def test_a_worker_that_is_stopped_is_replaced() -> None:
    with InterpreterPoolExecutor(1) as pool:
        future = pool.submit(stopped)
        until(future.running)
        next_one = pool.submit(add, 1)
        pool._workers[0].stop()
        with pytest.raises(BrokenInterpreterPool):
            future.result(DEADLINE)
        assert next_one.result(DEADLINE) == 2


def test_large_results_are_not_copied(pool: Any) -> None:
    pool.submit(add, 1).result()
    size = 1 << 20
    data = pool.submit(big, size).result()
    assert len(data) == size
    moved = pool.submit(_core.moves).result()
    assert moved[0] >= (not SANITIZED)


@pytest.mark.skipif(SANITIZED, reason="it keeps what was freed")
def test_pools_leave_nothing() -> None:
    done = run_isolated("pools.py", "cycles", str(count(20, 5)))
    assert (done.returncode, done.stdout) == (0, "flat\n"), done.stderr


@pytest.mark.parametrize(
    "how", ["idle", "busy", "queued", "waited", "many", "replaced"]
)
def test_pools_left_open_end_with_the_program(how: str) -> None:
    done = run_isolated("pools.py", how)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{how} ends\n"


def test_a_job_refuses_keywords_that_are_no_dict() -> None:
    tx, rx = csp.channel(1)
    tx.send(_core.Task())
    job = rx.recv()
    with pytest.raises(TypeError, match="a dict"):
        job.run(int, (), [1], None)
    assert job.state == 0
