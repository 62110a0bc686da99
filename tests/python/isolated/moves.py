# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Moves 100 temporaries, and 100 objects that a variable still names, which
must stay as they are; prints how many were moved, and how many copied, here.

usage: moves.py HOW

HOW is "there": to a process, which moves them back; "here": within this
interpreter; "traced": here, and tracemalloc begins while half of them are under
way.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import intercsp as csp
import peers
from intercsp import _core


def send(tx, size):
    """One that moves, one that does not; what that must stay."""
    tx.send(csp.move(os.urandom(size)))
    known = os.urandom(size).hex()
    same = bytes(known, "ascii")
    tx.send([csp.move(known)])
    return size, known, same


def check(rx, size, known, same):
    assert len(rx.recv(30)) == size
    assert rx.recv(30)[0].encode() == same
    assert known.encode() == same, "it has changed"


def to_and_fro(tx, rx):
    for i in range(100):
        sent = send(tx, 5000 + i)
        check(rx, *sent)


def there():
    tx, far = csp.channel(4)
    back, rx = csp.channel(4)
    process = csp.spawn(peers.move_back, far, back)
    to_and_fro(tx, rx)
    tx.close()
    process.join(30)


def here():
    to_and_fro(*csp.channel(4))


def traced():
    import tracemalloc

    tx, rx = csp.channel(200)
    sent = [send(tx, 5000 + i) for i in range(50)]
    tracemalloc.start()
    sent += [send(tx, 5000 + i) for i in range(50)]
    for each in sent[:75]:
        check(rx, *each)
    tracemalloc.stop()
    for each in sent[75:]:
        check(rx, *each)


if __name__ == "__main__":
    {"there": there, "here": here, "traced": traced}[sys.argv[1]]()
    print(*_core.moves())
