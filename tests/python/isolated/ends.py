# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Programs that end with processes left: the argument says which."""

import atexit
import os
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import intercsp as csp
from intercsp import _exit

kept = []  # what is alive until the very end


def wait_and_answer(rx, tx):
    tx.send(rx.recv())


def deadlock_of_two(**options):
    a, b = csp.channel(1), csp.channel(1)
    one = csp.spawn(wait_and_answer, a[1], b[0], name="one", **options)
    two = csp.spawn(wait_and_answer, b[1], a[0], name="two", **options)
    while not (one._thread.waiting and two._thread.waiting):
        time.sleep(0.001)  # sleeps: between two looks


def print_late(rx):
    """Print only after the main thread has left."""
    for _ in rx:
        pass
    end = time.monotonic() + 0.3
    while time.monotonic() < end:
        pass
    print("worked")


def at_work():
    tx, rx = csp.channel(1)
    kept.append(tx)
    csp.spawn(print_late, rx)


def print_sum(rx):
    print(sum(rx))


def fed():
    tx, rx = csp.channel(8)
    kept.append(tx)
    csp.spawn(print_sum, rx)
    for i in range(4):
        tx.send(i)


def daemon():
    tx, rx = csp.channel(1)
    kept.append(tx)
    csp.spawn(compute, tx.clone(), daemon=True)
    rx.recv()
    csp.spawn(print_sum, rx, daemon=True)
    print("left")


def deadlock():
    deadlock_of_two()
    print("left")


def threads_at_work():
    tx, rx = csp.channel(1)
    csp.spawn(print_late, rx, thread=True)
    tx.close()


def threads_deadlock():
    deadlock_of_two(thread=True)
    print("left")


def thread_daemon():
    tx, rx = csp.channel(1)
    kept.append(tx)
    csp.spawn(compute, tx.clone(), daemon=True, thread=True)
    rx.recv()
    csp.spawn(print_sum, rx, daemon=True, thread=True)
    print("left")


def sys_exit():
    deadlock_of_two()
    sys.exit(3)


def error():
    deadlock_of_two()
    raise RuntimeError("mine")


def os_exit():
    deadlock_of_two()
    os._exit(5)


def nothing():
    pass


def just_started():
    for _ in range(3):
        csp.spawn(nothing)


def send_text(rx, tx):
    for _ in rx:
        tx.send("from the process")


def thread():
    """Another thread of the main interpreter still uses a process."""
    tx, rx = csp.channel(1)
    back, answers = csp.channel(1)
    csp.spawn(send_text, rx, back)
    exiting = threading.Event()
    at_exit(exiting.set)

    def use():
        exiting.wait()
        tx.send("question")
        print(answers.recv())
        tx.close()

    threading.Thread(target=use).start()


def spawn_late_printer(rx):
    csp.spawn(print_late, rx)


def nested():
    tx, rx = csp.channel(1)
    kept.append(tx)
    csp.spawn(spawn_late_printer, rx)


def exit_inside():
    """sys.exit() in a process ends that process only."""
    process = csp.spawn(sys.exit, 9)
    process.join()
    print("left")


def spawn_too_late():
    def late():
        try:
            csp.spawn(nothing)
        except csp.Error as error:
            print(type(error).__name__)

    atexit.register(late)  # runs after what a first process registers
    csp.spawn(nothing).join()


def call_at_exit(function):
    """Call function in another thread, when the main thread has ended."""
    exiting = threading.Event()

    def act():
        exiting.wait()
        function()

    threading.Thread(target=act).start()
    at_exit(exiting.set)


def length(text):
    return len(text)


def thread_spawns_late():
    csp.spawn(nothing).join()
    call_at_exit(lambda: print(csp.spawn(length, "nine char").result()))


def longer_than_quiet():
    time.sleep(4 * _exit.QUIET)  # sleeps: waits for what others tell it


def idle_thread_feeds():
    """A thread may always come back from where it is."""
    _exit.QUIET = 0.1
    tx, rx = csp.channel(1)
    csp.spawn(print_sum, rx)

    def feed():
        for i in range(4):
            longer_than_quiet()
            tx.send(i)
        tx.close()

    call_at_exit(feed)


def slow_feed():
    """So may that of a group which nobody ends."""
    _exit.QUIET = 0.1
    tx, rx = csp.channel(1)
    csp.spawn(print_sum, rx)

    def numbers():
        for i in range(4):
            longer_than_quiet()
            yield i

    kept.append(csp.group())
    kept[0].__enter__()
    kept[0].feed(numbers(), tx)


def waiting_thread():
    """A thread that nobody would wake is no reason to go on."""
    csp.spawn(nothing).join()
    tx, rx = csp.channel(1)
    kept.append(tx)

    def wait():
        try:
            rx.recv()
        except csp.Error as error:
            print(type(error).__name__)

    threading.Thread(target=wait).start()


def idle_pool():
    """Nor is one of a pool without work."""
    pool = ThreadPoolExecutor(1)
    kept.append(pool)
    pool.submit(nothing).result()
    deadlock_of_two()
    print("left")


def sleep_long(tx):
    tx.send("sleeping")
    while True:
        try:
            time.sleep(1000)  # sleeps: C code that cannot be interrupted
        except BaseException:
            continue


def stuck():
    tx, rx = csp.channel(1)
    csp.spawn(sleep_long, tx, name="sleeper", daemon=True)
    rx.recv()
    print("left")


def interrupted_again_and_again():
    """Whatever a Ctrl-C hits at exit, no interpreter is left alive."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    stuck()

    def interrupt():
        while True:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.02)  # sleeps: any moment will do

    at_exit(threading.Thread(target=interrupt, daemon=True).start)


def compute(tx):
    tx.send("computing")
    while True:
        pass


def computing():
    tx, rx = csp.channel(1)
    csp.spawn(compute, tx)
    rx.recv()
    at_exit(lambda: print("exiting", flush=True))


def at_exit(function):
    """Call function just before the exit recipe runs."""
    threading._register_atexit(function)


if __name__ == "__main__":
    globals()[sys.argv[1]]()
