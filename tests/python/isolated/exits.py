# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Programs that end badly: what they leave behind, and how they end.

Before it ends the program prints "leaving" and the time of the monotonic
clock. WHICH chooses among the ways to wait that it leaves.

usage: exits.py LEFT END WHICH
"""

import asyncio
import os
import signal
import sys
import threading
import time

import intercsp as csp
from intercsp import _core

kept = []  # what is alive until the very end


def until(condition):
    while not condition():
        time.sleep(0.0005)  # sleeps: between two looks


# ---- ways to wait ----------------------------------------------------------


def recv(rx, tx, *_rest):
    rx.recv()


def iterate(rx, tx, *_rest):
    list(rx)


def send(rx, tx, *_rest):
    while True:
        tx.send(1)


def select(rx, tx, *_rest):
    csp.select(rx, csp.after(1000))


def selector(rx, tx, *_rest):
    with csp.Selector(rx) as cases:
        list(cases)


def join(rx, tx, *rest):
    csp.spawn(recv, rx, tx, *rest).join()


def group(rx, tx, *rest):
    with csp.group() as g:
        g.spawn(recv, rx, tx, *rest)


def arecv(rx, tx, *_rest):
    async def main():
        await rx.arecv()

    asyncio.run(main())


def asend(rx, tx, *_rest):
    async def main():
        while True:
            await tx.asend(1)

    asyncio.run(main())


def aselect(rx, tx, *_rest):
    async def main():
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(csp.aselect(rx))
            tasks.create_task(rx.arecv())

    asyncio.run(main())


def compute(rx, tx, *_rest):
    while True:
        sum(range(100))


WAITS = [recv, iterate, send, selector, join, group, arecv, asend, aselect]
BUSY = [select, compute]  # what waits with a timeout is at work


def quietly(function, rx, tx):
    try:
        function(rx, tx)
    except (csp.Error, csp.Cancelled):
        pass


def chosen(functions, n):
    """n of them; together the runs have all."""
    which = int(sys.argv[3])
    return [functions[(n * which + i) % len(functions)] for i in range(n)]


def ends():
    """Ends on which to wait for ever, and those that keep them so."""
    tx, rx = csp.channel(1)
    full, full_rx = csp.channel(1)
    full.send(0)
    return rx, full, tx, full_rx


def waits(rx, tx):
    return _core.waiting(rx) or _core.waiting(tx)


# ---- what is left ----------------------------------------------------------


def spawn_some(functions, spawn=csp.spawn, keep=False):
    """Processes that only wait; if keep, for what this interpreter has."""
    for function in functions:
        all_ends = ends()
        given = 2 if keep else 4
        kept.extend(all_ends[given:])
        spies = [end.clone() for end in all_ends[:2]]
        kept.extend(spies)
        spawn(function, *all_ends[:given])
        if function in WAITS:
            until(lambda: waits(*spies))  # noqa: B023


def processes(end):
    """They wait for what nobody will send or take."""
    spawn_some(chosen(WAITS, 2))
    end()


def servants(end):
    """They wait for the main interpreter."""
    spawn_some(chosen(WAITS, 2), keep=True)
    end()


def daemons(end):
    spawn_some(
        chosen(WAITS + BUSY, 3), lambda *args: csp.spawn(*args, daemon=True)
    )
    end()


def open_group(end):
    """Nobody ends the group."""
    g = csp.group()
    kept.append(g.__enter__())
    spawn_some(chosen(WAITS, 2), g.spawn)
    end()


def open_pool(end):
    """Nobody shuts the pool down."""
    from intercsp.futures import InterpreterPoolExecutor

    pool = InterpreterPoolExecutor(3)
    kept.append(pool)
    pool.submit(compute_a_little).add_done_callback(id)
    spawn_some(chosen(WAITS, 2), pool.submit, keep=int(sys.argv[3]) % 2 == 0)
    end()


def compute_a_little():
    return sum(range(1000))


def start_threads(functions, daemon):
    for function in functions:
        rx, tx, *others = ends()
        kept.extend(others)
        threading.Thread(
            target=quietly, args=(function, rx, tx), daemon=daemon
        ).start()
        until(lambda: waits(rx, tx))  # noqa: B023


def daemon_threads(end):
    start_threads(chosen(WAITS, 3), daemon=True)
    end()


def threads(end):
    start_threads(chosen(WAITS, 2), daemon=False)
    end()


def event_loop(end):
    """The end comes in the middle of tasks that wait."""

    async def main():
        rx, tx, *others = ends()
        kept.extend(others)
        tasks = [
            asyncio.ensure_future(wait)
            for wait in (rx.arecv(), csp.aselect(rx), tx.asend(1))
        ]
        kept.extend(tasks)
        await asyncio.sleep(0.01)  # sleeps: until they wait
        if end is not is_interrupted:
            end()
        else:  # asyncio's own handler cancels a task, which has to wait
            leave()
            asyncio.get_running_loop().call_soon(
                signal.raise_signal, signal.SIGINT
            )
            await tasks[0]

    spawn_some(chosen([arecv, asend, aselect], 1))
    asyncio.run(main())


class Unfinished:
    def __init__(self):
        self.ends = csp.channel(1)
        self.ends[0].send([1])

    def __del__(self):
        self.ends[1].recv()
        raise LookupError("of a finalizer")


def leave_unfinished(rx, tx, *_rest):
    kept.append(Unfinished())
    recv(rx, tx)


def finalizer(end):
    kept.append(Unfinished())
    kept.append([Unfinished()])
    kept[-1].append(kept[-1])
    spawn_some([leave_unfinished])
    end()


def interpreter(end):
    """Others have made it; it is destroyed while a process waits for it."""
    import _interpreters

    made = _interpreters.create()
    code = (
        f"import sys; sys.path[:] = {sys.path!r}\n"
        "import intercsp as csp, exits\n"
        "ends = csp.channel(1)\n"
        "csp.spawn(exits.tell_closed, ends[1])\n"
    )
    assert _interpreters.exec(made, code) is None
    until(lambda: any(t.waiting for t in _core.threads()))
    _interpreters.destroy(made)
    end()


def tell_closed(rx):
    try:
        rx.recv()
    except csp.Closed:
        pass


def sleep_on(told):
    told.send("begun")
    while True:
        try:
            time.sleep(1000)  # sleeps: C code that cannot be interrupted
        except BaseException:
            continue


def match(told):
    """C code that keeps its GIL."""
    import re

    told.send("begun")
    re.match("(a*)*b", "a" * 40)


def stuck(end):
    told, tells = csp.channel(1)
    (function,) = chosen([sleep_on] * 4 + [match], 1)
    csp.spawn(function, told, name="it", daemon=True)
    tells.recv()
    end()


def main_waits(_end):
    """Ctrl-C ends the wait of the main thread."""
    (function,) = chosen([*WAITS, select], 1)
    all_ends = ends()
    spies = [end.clone() for end in all_ends[:2]]
    kept.extend(spies)

    def interrupt():
        until(lambda: waits(*spies))
        is_interrupted()

    threading.Thread(target=interrupt, daemon=True).start()
    function(*all_ends)


def exit_all(rx, tx):
    rx.recv()
    os._exit(7)


def process_exits(_end):
    """os._exit() of a process ends the program."""
    tx, rx = csp.channel(1)
    kept.append(csp.channel(1))
    csp.spawn(exit_all, rx, kept[0][0].clone())
    spawn_some(chosen(WAITS, 1))
    leave()
    tx.send(0)
    kept[0][1].recv()


# ---- how it ends -----------------------------------------------------------


def leave():
    print("leaving", time.monotonic(), flush=True)


def returns():
    leave()


def exits():
    leave()
    sys.exit(3)


def fails():
    leave()
    raise RuntimeError("mine")


def exits_at_once():
    leave()
    os._exit(5)


def is_interrupted():
    leave()
    os.kill(os.getpid(), signal.SIGINT)
    while threading.current_thread() is threading.main_thread():
        time.sleep(0.01)  # sleeps: SIGINT comes


def main():
    globals()[sys.argv[1]](globals()[sys.argv[2]])


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    main()
