# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Programs that end while ends of channels are in use: the argument says how.

What ends.py does with processes, this does with what CPython itself leaves to
the end: threads, finalizers, exit functions, interpreters of others.
"""

import atexit
import random
import sys
import threading
import time

import intercsp as csp
from intercsp import _core

kept = []  # what is alive until the very end


def until(condition):
    while not condition():
        time.sleep(0.0005)  # sleeps: between two looks


def daemon_thread_waits():
    tx, rx = csp.channel(1)
    kept.append(tx)
    threading.Thread(target=rx.recv, daemon=True).start()
    until(lambda: _core.waiting(rx))


def daemon_threads_work():
    """Between the end of the main thread and that of the process they come
    out of waits all the time."""
    tx, rx = csp.channel(1)
    back, echoes = csp.channel(1)

    def send():
        while True:
            tx.send(1)
            echoes.recv()

    def echo():
        for value in rx:
            back.send(value)

    for function in (send, echo, send, echo):
        threading.Thread(target=function, daemon=True).start()
    until(lambda: _core.activity() > 100)


def channel_holds_itself():
    tx, rx = csp.channel(2)
    tx.send(rx)
    tx.send([tx, "nobody will ever receive this"])


class Finalizer:
    def __init__(self):
        self.tx, self.rx = csp.channel(2)

    def __del__(self):
        self.tx.send("late")
        print(self.rx.recv(1))


def finalizer_uses_ends():
    kept.append(Finalizer())


def exit_function_uses_ends():
    tx, rx = csp.channel(2)
    atexit.register(lambda: print(rx.recv(1)))
    atexit.register(tx.send, "later")


def thread_ends_after_main():
    """A thread of the main interpreter is joined by it, as always."""
    tx, rx = csp.channel(1)
    main = threading.main_thread()

    def work():
        main.join()
        tx.send("from the thread")
        tx.close()

    threading.Thread(target=work).start()
    threading.Thread(target=lambda: print(list(rx))).start()


def wait_in_thread(rx, tx):
    """A process that ends while another of its threads waits."""

    def wait():
        try:
            rx.recv()
        except BaseException as error:
            # the ends of this process are closed, or its waits are over
            text = type(error).__name__
        print(text, flush=True)

    threading.Thread(target=wait).start()
    until(lambda: _core.waiting(rx))
    tx.send("waits")


def thread_of_a_process_waits():
    tx, rx = csp.channel(1)
    kept.append(tx)
    told, tells = csp.channel(1)
    process = csp.spawn(wait_in_thread, rx, told)
    assert tells.recv() == "waits"
    process.join(20)
    print("joined")


def interpreter_of_others_is_left():
    """CPython ends it; on 3.14 and 3.15 with a warning."""
    import _interpreters
    import warnings

    warnings.simplefilter("default")  # or the exit status would be another
    other = _interpreters.create()
    code = "import intercsp as csp\nends = csp.channel(2)\nends[0].send(ends)"
    assert _interpreters.exec(other, code) is None


def processes_of_an_interpreter_of_others_are_left():
    """Only that one has started some; who ends it is not known."""
    import _interpreters
    import warnings

    warnings.simplefilter("default")
    other = _interpreters.create()
    code = (
        f"import sys; sys.path[:] = {sys.path!r}\n"
        "import intercsp as csp, shutdown\n"
        "kept = csp.channel(1)\n"
        "csp.spawn(shutdown.wait, kept[1].clone())\n"
        "csp.spawn(shutdown.print_late)\n"
    )
    assert _interpreters.exec(other, code) is None


def print_late():
    end = time.monotonic() + 0.3
    until(lambda: time.monotonic() >= end)
    print("late", flush=True)


def wait(rx):
    rx.recv()


def compute(rx):
    while True:
        sum(range(100))


def allocate(rx):
    while True:
        [[i] for i in range(10_000)]


def wait_quietly(rx):
    try:
        rx.recv()
    except (csp.Closed, csp.EndClosed, csp.Cancelled):
        pass


def wait_in_two_threads(rx):
    threading.Thread(target=wait_quietly, args=(rx.clone(),)).start()
    rx.recv()


def anything():
    """Processes in any state, also in the middle of being made."""
    chance = random.Random(int(sys.argv[2]))
    tx, rx = csp.channel(1)
    kept.append(tx)
    for function in (wait, compute, allocate, wait_in_two_threads):
        if chance.random() < 0.6:
            csp.spawn(function, rx.clone(), daemon=True)
    end = time.monotonic() + chance.random() * 0.075
    until(lambda: time.monotonic() >= end)
    print("left")
    sys.exit(3)


if __name__ == "__main__":
    globals()[sys.argv[1]]()
