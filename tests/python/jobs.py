# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Functions that the tests of processes and groups run in processes. Imports
only what all of them need, as each new interpreter does so again."""

import os
import sys
import time

import intercsp as csp


class Odd(Exception):
    """Cannot be made again from its args."""

    def __init__(self, a, b):
        super().__init__(a)


def give_back(*args):
    return args


def nothing():
    pass


def double(rx, tx):
    for x in rx:
        tx.send(2 * x)


def collect(rx):
    return list(rx)


def send_one(tx, value):
    tx.send(value)


def wait_on(rx):
    rx.recv()


def fail(text):
    raise LookupError(text)


def fail_oddly():
    raise Odd(1, 2)


def fail_with_note():
    error = ValueError("noted")
    error.add_note("a note")
    raise error from KeyError("why")


def fail_when(rx):
    rx.recv()
    fail("when told")


def exit_with(code):
    sys.exit(code)


def unsendable():
    return [1, {"x": csp}]


def raise_base():
    raise GeneratorExit("odd")


def path_and_argv():
    return sys.path, sys.argv


def warn():
    """How many of one warnings are shown."""
    import warnings

    with warnings.catch_warnings(record=True) as caught:
        warnings.warn("a message", UserWarning, stacklevel=1)
    return len(caught)


def compute(tx):
    """Say that it runs, then compute for ever."""
    tx.send("computing")
    while True:
        pass


def compute_stubbornly(tx):
    """Swallow a few interrupts."""
    left = 3
    tx.send("computing")
    while left:
        try:
            while True:
                pass
        except BaseException:
            left -= 1


def read_pipe(fd, tx):
    """Wait in C code, where nothing of ours can end it."""
    tx.send("reading")
    os.read(fd, 1)


def cancelled_twice(rx):
    """Whether a later wait raises Cancelled too."""
    try:
        rx.recv()
    except csp.Cancelled:
        try:
            rx.recv(60)
        except csp.Cancelled:
            return "twice"
    return "not"


def receive_whatever_happens(rx, told):
    """Go on receiving after every Exception; tell of anything else."""
    while True:
        try:
            rx.recv()
        except Exception:
            continue
        except BaseException as error:
            told.send_nowait(type(error).__name__)
            raise


def spawn_and_return(rx, tx):
    """Leave a child behind, which gets what comes and sends it doubled."""
    csp.spawn(double, rx, tx)


def spawn_and_wait(rx, name):
    csp.spawn(wait_on, rx, name=name).join()


def run_group(rx, tx):
    """A group in a process."""
    with csp.group() as g:
        numbers, middle = csp.channel(1)
        g.feed(rx, numbers)
        g.spawn_many(double, middle, tx, count=2)


def wait_in_group(rx, waiting):
    """A group whose member and body wait for ever, unless stopped."""
    _tx, never = csp.channel(1)
    with csp.group() as g:
        g.spawn(wait_on, rx, name="inner")
        waiting.send("waiting")
        never.recv()


def take_first(rx):
    """Take one value and leave the rest."""
    return rx.recv()


def imported(names):
    return [name for name in names if name in sys.modules]


class OddText(Exception):
    """Its text is of a subclass of str, and it cannot be pickled."""

    class Text(str):
        pass

    def __str__(self):
        return self.Text("plain enough")

    def __reduce__(self):
        raise SystemExit("not to be pickled")


def fail_with_odd_text():
    raise OddText


def send_depth(value):
    """Send through the end in the innermost list how deep that is."""
    n = 0
    while type(value[0]) is list:
        value = value[0]
        n += 1
    value[0].send(n)


class Falsy(Exception):
    """An exception that is false."""

    def __bool__(self):
        return False


def fail_falsely():
    raise Falsy("not nothing")


class Exits(Exception):
    """Ends whoever makes it again from its pickle."""

    def __reduce__(self):
        return sys.exit, (3,)


def fail_exiting():
    raise Exits


def swallow(tx):
    """Ignore being stopped for a while."""
    tx.send("begun")
    for _ in range(5):
        try:
            while True:
                pass
        except csp.Cancelled:
            continue


def give_back_all(*args, **kwargs):
    return args, kwargs


def clear_up_after(tx, seconds):
    """Whether what clears up after C code is interrupted at once, too."""
    try:
        tx.send("begun")
        time.sleep(seconds)  # sleeps: C code that does not return soon
        while True:
            pass
    except csp.Cancelled:
        begun = time.monotonic()
    try:
        while time.monotonic() < begun + 0.01:
            pass
    except csp.Cancelled:
        return "interrupted"
    return "clean"


class Counter:
    """An object that is pickled."""

    def __init__(self, start):
        self.n = start

    def add(self, k, times=1):
        return self.n + k * times

    __call__ = add


def send_all(tx, values):
    for value in values:
        tx.send(value)


def call_each(rx, tx):
    for (function,) in rx:
        tx.send(function(2))


def name_here(rx):
    import threading

    return rx.recv(), threading.current_thread().name


def run_guests(rx):
    """A thread of a process."""
    return csp.spawn(name_here, rx, name="inner", thread=True).result()


def leave_guest(name):
    """End with a thread that waits."""
    _tx, rx = csp.channel(1)
    csp.spawn(wait_on, rx, name=name, thread=True)
    return _tx


def run_loop(kind, rx, told):
    """An event loop that is to be stopped: told what its tasks clear up."""
    import asyncio

    async def wait():
        if kind == "arecv":
            await rx.arecv()
        elif kind == "aselect":
            await csp.aselect(rx, timeout=1000)
        elif kind == "iterate":
            async for _ in rx:
                pass
        elif kind == "group":
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(rx.arecv())
                tasks.create_task(asyncio.Event().wait())
        else:
            await csp.aselect(rx, csp.after(0.001))
            await asyncio.sleep(1000)  # sleeps: until cancelled

    async def main():
        asyncio.get_running_loop().call_later(0.005, told.send, "waits")
        try:
            await wait()
        finally:
            await asyncio.sleep(0.001)  # sleeps: clears up
            told.send("clears up")
            if kind == "stubborn":
                while True:
                    try:
                        await asyncio.Event().wait()
                    except asyncio.CancelledError:
                        pass

    asyncio.run(main())


def leave_loop_in_thread(rx):
    """Ends while an event loop in another of its threads sleeps."""
    import asyncio
    import threading

    asleep = threading.Event()

    async def main():
        await csp.aselect(rx, csp.after(0.001))
        asyncio.get_running_loop().call_later(0.005, asleep.set)
        await asyncio.sleep(1000)  # sleeps: until cancelled

    def run():
        try:
            asyncio.run(main())
        except csp.Cancelled:
            pass

    threading.Thread(target=run).start()
    asleep.wait()


def fail_at_9(x):
    if x == 9:
        fail("nine")
    return x


def import_in_vain(module):
    """As a package does that has something to say on top."""
    try:
        __import__(module)
    except ImportError as error:
        raise type(error)(f"{module} in vain") from error
    raise ImportError("in vain")


def wait_in_select(rx):
    csp.select(rx, csp.after(1000))


def wait_in_asyncio(rx, told):
    run_loop("aselect", rx, told)


def fail_with_end(rx, _tx):
    fail_when(rx)


def die_when_asked(rx):
    """A server that fails with an end for the answer."""
    rx.recv()
    tx = rx.recv()
    raise LookupError(tx.name)


def run_program():
    import subprocess

    done = subprocess.run(
        [sys.executable, "-c", "print(input())"],
        input="through\n",
        capture_output=True,
        text=True,
    )
    return done.stdout


def loop_whatever_happens(tx):
    """Go on after every Exception, and whatever else is no Exception."""
    tx.send("computing")
    while True:
        try:
            int("x")
        except Exception:
            pass


def lateness(seconds):
    """How much later than after so long each wait times out: pairs of a name
    and seconds."""
    import asyncio
    import time

    tx, rx = csp.channel(1)
    full, _keep = csp.channel(1)
    full.send(0)
    process = csp.spawn(wait_on, rx.clone(), thread=True)

    async def arecv():
        end = time.monotonic() + seconds
        try:
            with csp.deadline(seconds):
                await rx.arecv()
        except TimeoutError:
            late.append(("arecv", time.monotonic() - end))

    def bound():
        with csp.deadline(seconds):
            rx.recv()

    def selector():
        with csp.Selector(rx) as cases:
            cases.wait(seconds)

    late = []
    for name, wait in [
        ("recv", lambda: rx.recv(seconds)),
        ("send", lambda: full.send(1, seconds)),
        ("select", lambda: csp.select(rx, timeout=seconds)),
        ("after", lambda: csp.select(rx, csp.after(seconds))),
        ("selector", selector),
        ("deadline", bound),
        ("join", lambda: process.join(seconds)),
    ]:
        end = time.monotonic() + seconds
        try:
            wait()
        except TimeoutError:
            pass
        late.append((name, time.monotonic() - end))
    asyncio.run(arecv())
    tx.close()
    process.join()
    return late


asked = None


def call_asked():
    return asked() if asked else Asker()


class Asker:
    """Becomes what asked() returns where there is one."""

    def __reduce__(self):
        return call_asked, ()


def return_asker():
    return Asker()
