# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Moves temporaries to a process and back; prints how many were moved, and how
many were copied, here."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import intercsp as csp
import peers
from intercsp import _core

if __name__ == "__main__":
    tx, there = csp.channel(4)
    back, rx = csp.channel(4)
    process = csp.spawn(peers.move_back, there, back)
    for i in range(100):
        tx.send(csp.move(os.urandom(5000 + i)))
        assert len(rx.recv(30)) == 5000 + i
    tx.close()
    process.join(30)
    print(*_core.moves())
