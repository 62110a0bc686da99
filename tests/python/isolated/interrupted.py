# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""The main thread is interrupted (Ctrl-C) in the wait that the argument names,
with processes that wait and one that computes."""

import os
import signal
import sys
import threading
import time

import intercsp as csp
from intercsp import _core, _exit


def wait(rx):
    rx.recv()


def compute(tx):
    tx.send("computing")
    while True:
        pass


def start(spawn):
    tx, never = csp.channel(1)
    report, reports = csp.channel(1)
    processes = [spawn(wait, never.clone()), spawn(compute, report)]
    reports.recv()
    return tx, never, processes


def join():
    _tx, _rx, processes = start(csp.spawn)
    print("ready", flush=True)
    for p in processes:
        p.join()


def result():
    _tx, _rx, processes = start(csp.spawn)
    print("ready", flush=True)
    processes[1].result()


def recv():
    _tx, never, _processes = start(csp.spawn)
    print("ready", flush=True)
    never.recv()


def body():
    with csp.group() as g:
        _tx, never, _processes = start(g.spawn)
        print("ready", flush=True)
        never.recv()


def exit():
    with csp.group() as g:
        tx, _never, _processes = start(g.spawn)
        csp.Process.join = say_and_join
    tx.close()


def say_and_join(process):
    # not earlier: it could come before the first line of __exit__
    print("ready", flush=True)
    process._thread.join()


def sleep_long(tx):
    tx.send("sleeping")
    while True:
        try:
            time.sleep(1000)  # sleeps: C code that cannot be interrupted
        except BaseException:
            continue


def twice():
    """A group that cannot end is left by a second Ctrl-C."""
    tx, rx = csp.channel(1)
    with csp.group() as g:
        g.spawn(sleep_long, tx, name="sleeper")
        rx.recv()
        threading.Thread(target=interrupt_join).start()
        print("ready", flush=True)
        threading.Event().wait()


def interrupt_join():
    """Send Ctrl-C when the main thread waits for the stopped members."""
    joining = threading.Event()
    has_ended = _exit.has_ended

    def say_and_look(thread, timeout):
        if threading.current_thread() is threading.main_thread():
            joining.set()
        return has_ended(thread, timeout)

    _exit.has_ended = say_and_look
    joining.wait()
    os.kill(os.getpid(), signal.SIGINT)


def main():
    try:
        globals()[sys.argv[1]]()
    except KeyboardInterrupt as error:
        print(type(error).__name__)
        if sys.argv[1] in ("body", "exit"):
            assert not _core.threads(), _core.threads()
        if sys.argv[1] != "twice":
            _exit.wind_down(_core.threads())
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
