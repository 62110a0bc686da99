# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Programs that fork: forked.py CASE."""

import os
import signal
import subprocess
import sys
import threading
import time
import warnings

import intercsp as csp


def wait_on(rx):
    rx.recv()


def say(*words):
    print(*words, flush=True)


def in_child(function):
    """Run it in a child of os.fork(), which ends as programs do."""
    pid = os.fork()
    if pid == 0:
        function()
        sys.exit(0)
    _, status = os.waitpid(pid, 0)
    say("child ended with", os.waitstatus_to_exitcode(status))


def processes_live():
    """fork() is refused, and what executes a program is not."""
    tx, rx = csp.channel(1)
    process = csp.spawn(wait_on, rx)
    for fork in (os.fork, os.forkpty):
        try:
            fork()
        except RuntimeError as error:
            say(type(error).__name__, "intercsp" in str(error))
    subprocess.run([sys.executable, "-c", "print('run')"], check=True)
    tx.send(1)
    process.join()
    in_child(lambda: say("forked when they had ended"))


def channels_live():
    """A channel of the parent is refused in the child, at once."""
    tx, rx = csp.channel(2)
    tx.send(1)

    def use():
        for call in (
            lambda: tx.send(2),
            rx.recv,
            lambda: rx.recv(0),
            rx.recv_nowait,
            lambda: list(rx),
            lambda: csp.select(rx),
            lambda: next(csp.Selector(rx)),
        ):
            try:
                say("not refused", call())
            except csp.Error as error:
                say(type(error).__name__, "parent process" in str(error))

    in_child(use)
    say("here", rx.recv())


def others_wait():
    """Forks while threads begin and end waits all the time: a child finds no
    lock taken by one of those, which it does not have."""
    _tx, rx = csp.channel(0)
    over = threading.Event()

    def begin_and_end():
        while not over.is_set():
            for timeout in (0, 0.0001):
                try:
                    rx.recv(timeout)
                except TimeoutError:
                    pass
            thread = threading.Thread(target=recv_in_vain, args=(rx,))
            thread.start()
            thread.join()

    threads = [threading.Thread(target=begin_and_end) for _ in range(3)]
    for thread in threads:
        thread.start()
    warnings.simplefilter("ignore", DeprecationWarning)  # there are threads
    for number in range(int(sys.argv[2])):
        pid = os.fork()
        if pid == 0:
            signal.alarm(30)
            _own_tx, own_rx = csp.channel(1)
            recv_in_vain(own_rx)
            thread = threading.Thread(target=recv_in_vain, args=(own_rx,))
            thread.start()
            thread.join()
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        if status:
            print("child", number, "ended with", status)
            break
    over.set()
    for thread in threads:
        thread.join()


def recv_in_vain(rx):
    try:
        rx.recv(0.0001)
    except TimeoutError:
        pass


def child_has_its_own():
    """The child can make channels and start processes."""

    def use():
        tx, rx = csp.channel(1)
        tx.send("own")
        say(rx.recv())
        process = csp.spawn(wait_on, rx)
        tx.send(2)
        process.join(30)
        say("joined")

    csp.channel(1)
    in_child(use)


def until_released(data):
    while True:
        try:
            return data.append(1)
        except BufferError:
            time.sleep(0.001)  # sleeps: between two looks


def memory_lent():
    """What was shared before is released in the child, too, while a thread of
    the parent sees to that there."""
    warnings.simplefilter("ignore", DeprecationWarning)  # that thread
    parents, childs = bytearray(1), bytearray(1)
    tx, rx = csp.channel(2)
    tx.send_many([csp.share(parents), csp.share(childs)])
    views = rx.recv_many(2)

    def use():
        signal.alarm(30)
        views.clear()
        until_released(childs)
        say("released")

    del views[0]
    until_released(parents)
    in_child(use)


def graphs_live():
    """Those of the parent are the child's as well, and it makes others."""
    opened = csp.freeze([["opened", {"k": 2.5}], {1}])
    other = csp.freeze([["not opened", 2.5]])
    assert opened.root[0][0] == "opened"
    before = csp.frozen_stats().graphs

    def use():
        nonlocal other
        say(opened.root, other.view[0][0], other.root[0][1])
        own = csp.freeze(["own"])
        say(own.root, len(csp.frozen_stats().graphs))

    in_child(use)
    say(opened.root, csp.frozen_stats().graphs == before)


if __name__ == "__main__":
    globals()[sys.argv[1]]()
