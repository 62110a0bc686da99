# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Values of a depth of 1,000,000 are encoded and decoded in threads with
stacks of 64 KiB.

They are made and dropped in the main thread: CPython itself needs more stack
for that on 3.13, and on 3.14 leaks what is dropped so near to a stack's end.
"""

import gc
import threading

import intercsp as csp

DEEP = 1_000_000


def deep(kind, n):
    value = kind()
    for _ in range(n):
        value = {1: value} if kind is dict else kind((value,))
    return value


def depth(value):
    n = 0
    while value:
        value = value[1] if type(value) is dict else value[0]
        n += 1
    return n


def in_thread(function, *args):
    got = []
    thread = threading.Thread(target=lambda: got.append(function(*args)))
    thread.start()
    thread.join()
    return got[0]


def refused(tx, value):
    try:
        tx.send(value)
    except csp.NotShareable as error:
        return str(error)


def main():
    gc.disable()  # for speed
    threading.stack_size(64 * 1024)
    tx, rx = csp.channel(1)
    for kind, n in ((tuple, DEEP), (list, DEEP), (dict, DEEP // 5)):
        value = deep(kind, n)
        in_thread(tx.send, value)
        got = in_thread(rx.recv)
        assert depth(value) == depth(got) == n
    for n in (10, 100):  # hashed in the decoding thread
        in_thread(tx.send, {deep(tuple, n): 1})
        ((key, _one),) = in_thread(rx.recv).items()
        assert depth(key) == n
    assert "module: cannot be pickled" in refused(tx, csp)  # imports pickle
    value = [csp]
    for _ in range(DEEP // 5):
        value = [value]
    assert "module: cannot be pickled" in in_thread(refused, tx, value)
    ring = value = []
    for _ in range(DEEP // 5):
        value = [value]
    ring.append(value)
    assert "contains itself" in in_thread(refused, tx, value)
    ring.clear()
    # a path names keys: their text takes stack, too
    assert "module" in in_thread(refused, tx, {deep(tuple, 99): csp})
    assert len(tx) == 0


main()
