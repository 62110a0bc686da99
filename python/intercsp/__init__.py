# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""CSP channels between Python interpreters.

A CPython process can hold many interpreters, each with a GIL of its own, so
that pure Python uses every core. This package starts functions in such
interpreters and lets them talk through channels::

    import intercsp as csp

    def square(numbers, squares):
        for n in numbers:
            squares.send(n * n)

    if __name__ == "__main__":
        tx, numbers = csp.channel(8)
        squares, rx = csp.channel(8)
        with csp.group() as g:
            g.spawn_many(square, numbers, squares, count=2)
            g.feed(range(10), tx)
            print(sorted(rx))

The ends of a channel are given away when they are passed to a process or sent
through a channel; ``end.clone()`` makes one to keep. A channel whose send ends
are all gone is closed: receivers drain it, then their loops end. So a network
like this one ends by itself.

Everything here may be used by any thread of any interpreter, unless a
docstring says otherwise. Timeouts are seconds; None waits for ever; expiry
raises TimeoutError.
"""

import os

from ._core import (
    CLOSED,
    UNBOUNDED,
    Buffer,
    Cancelled,
    ChannelInfo,
    Closed,
    EndClosed,
    Error,
    Frozen,
    FrozenGraph,
    FrozenStats,
    FrozenView,
    Hub,
    Moved,
    NotShareable,
    Poisoned,
    RecvChannel,
    RemoteError,
    Selected,
    Selector,
    SendChannel,
    SendHub,
    Stats,
    StopFailed,
    Stopped,
    Timer,
    Wait,
    after,
    broadcast,
    channel,
    channels,
    freeze,
    frozen_stats,
    is_frozen,
    is_shareable,
    move,
    select,
    share,
    tick,
)
from ._core import version as __version__

TYPE_CHECKING = False  # as typing has it, without the cost of its import
if TYPE_CHECKING:
    from ._actor import Actor, ActorEnded, ActorRef, Ask, link
    from ._aio import aselect
    from ._core import Empty, Full
    from ._deadline import deadline
    from ._explain import explain
    from ._group import Group, group, par
    from ._pipeline import Stage, pipeline, stage
    from ._process import Process, spawn, spawn_many
    from ._supervise import RestartsExceeded, Supervisor, supervise

__all__ = [
    "CLOSED",
    "UNBOUNDED",
    "Actor",
    "ActorEnded",
    "ActorRef",
    "Ask",
    "Buffer",
    "Cancelled",
    "ChannelInfo",
    "Closed",
    "Empty",
    "EndClosed",
    "Error",
    "Frozen",
    "FrozenGraph",
    "FrozenStats",
    "FrozenView",
    "Full",
    "Group",
    "Hub",
    "Moved",
    "NotShareable",
    "Poisoned",
    "Process",
    "RecvChannel",
    "RemoteError",
    "RestartsExceeded",
    "Selected",
    "Selector",
    "SendChannel",
    "SendHub",
    "Stage",
    "Stats",
    "StopFailed",
    "Stopped",
    "Supervisor",
    "Timer",
    "Wait",
    "__version__",
    "after",
    "aselect",
    "broadcast",
    "channel",
    "channels",
    "deadline",
    "explain",
    "freeze",
    "frozen_limit",
    "frozen_stats",
    "group",
    "is_frozen",
    "is_shareable",
    "link",
    "move",
    "par",
    "pipeline",
    "select",
    "share",
    "spawn",
    "spawn_many",
    "stage",
    "supervise",
    "tick",
]

# Bytes of frozen graphs that an interpreter may open before it gets a
# ResourceWarning; None: any number.
frozen_limit: int | None = 1 << 30

# The folder that a script's name is relative to, if it is.
try:
    _began_in = os.getcwd()
except OSError:  # it was removed
    _began_in = ""

# Loaded when first asked for: every process imports this package, and few of
# them start others.
_LAZY = {
    "Empty": "_core",
    "Actor": "_actor",
    "ActorEnded": "_actor",
    "ActorRef": "_actor",
    "Ask": "_actor",
    "RestartsExceeded": "_supervise",
    "Supervisor": "_supervise",
    "link": "_actor",
    "supervise": "_supervise",
    "Full": "_core",
    "Group": "_group",
    "Process": "_process",
    "Stage": "_pipeline",
    "aselect": "_aio",
    "deadline": "_deadline",
    "explain": "_explain",
    "group": "_group",
    "par": "_group",
    "pipeline": "_pipeline",
    "spawn": "_process",
    "spawn_many": "_process",
    "stage": "_pipeline",
}


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # With a name to import, __import__ gives the submodule itself.
    module = __import__(_LAZY[name], globals(), None, [name], 1)
    value = globals()[name] = getattr(module, name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
