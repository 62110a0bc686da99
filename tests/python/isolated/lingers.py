# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""The program ends while it has memory of processes that have ended: one is
read, one lies in a channel, one has a reader that ends with the program."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import intercsp as csp
import peers


def share(tx):
    tx.send(csp.share(bytearray(b"shared")))


if __name__ == "__main__":
    kept = []
    for what in ("read", "buffered", "read elsewhere"):
        tx, rx = csp.channel(1)
        csp.spawn(share, tx).join()
        if what == "read":
            view = rx.recv()
        elif what == "read elsewhere":
            gone_tx, gone = csp.channel(1)
            csp.spawn(peers.keep_one_by_one, rx, gone)
            kept.append(gone_tx)
        else:
            kept.append(rx)
    print(bytes(view).decode())
