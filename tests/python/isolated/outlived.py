# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Ends whose objects outlive their interpreter, since somebody has leaked a
reference to them, are closed when it goes: of a process, of an interpreter
that the standard library made, and of the main interpreter at last."""

import _interpreters
import sys
import threading
from pathlib import Path

import intercsp as csp
from intercsp import _core

LEAK = """
import sys
sys.path[:] = {path!r}
import ctypes
import intercsp as csp
ends = csp.channel(1)
for end in ends:
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(end))
"""


def leak(end):
    import ctypes

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(end))


def of_a_process():
    for side in (0, 1):
        pair = csp.channel(1)
        csp.spawn(leak, pair[side]).join()
        try:
            pair[0].send(1, 5) if side else pair[1].recv(5)
        except csp.Closed:
            continue
        raise AssertionError


def of_an_interpreter_of_others():
    made = _interpreters.create()
    error = _interpreters.exec(made, LEAK.format(path=sys.path))
    assert error is None, error.errdisplay
    # its finalization walks over these ends: it must neither crash nor hang
    _interpreters.destroy(made)


def main():
    sys.path.insert(0, str(Path(__file__).parents[1]))
    of_a_process()
    thread = threading.Thread(target=of_an_interpreter_of_others)
    thread.start()
    thread.join()
    leak(csp.channel(1)[0])
    assert not _core.threads()


if __name__ == "__main__":
    main()
