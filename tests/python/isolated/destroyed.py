# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""An interpreter that the standard library made starts a process, which waits
on a channel of that interpreter; then the interpreter is destroyed. Prints
what the process got."""

import _interpreters
import os
import sys
import threading
from pathlib import Path

from intercsp import _core

CODE = """
import sys
sys.path[:] = {path!r}
import intercsp as csp
import peers
tx, rx = csp.channel(1)
csp.spawn(peers.write_how_it_ended, rx, {fd})
"""


def work(fd):
    made = _interpreters.create()
    _interpreters.exec(made, CODE.format(path=sys.path, fd=fd))
    while not any(thread.waiting for thread in _core.threads()):
        pass
    _interpreters.destroy(made)


def main():
    sys.path.insert(0, str(Path(__file__).parents[1]))
    reader, writer = os.pipe()
    thread = threading.Thread(target=work, args=(writer,))
    thread.start()
    thread.join()
    print(os.read(reader, 100).decode())
    assert not _core.threads()
    assert _core.live()["channels"] == 0


if __name__ == "__main__":
    main()
