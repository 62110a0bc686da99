# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Pipelines: stages of workers, with a channel between one and the next.

Workers of an ordered stage take turns. Who takes an item takes the turn with
it: the receive end of a channel that closes when the item before was passed
on. He puts a turn of his own in its place, works, waits for the one he took to
close, passes his result on, and closes his own. So each worker has at most one
result that waits, and nobody sorts.
"""

from __future__ import annotations

import contextlib

from . import _core
from ._core import Closed, RecvChannel, SendChannel

TYPE_CHECKING = False  # as typing has it, without the cost of its import
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from ._group import Group


class Stage:
    """A function and its workers; made by stage()."""

    __slots__ = ("function", "name", "ordered", "thread", "workers")

    def __init__(
        self,
        function: Callable[[Any], Any],
        workers: int,
        ordered: bool,
        name: str | None,
        thread: bool,
    ) -> None:
        if not callable(function):
            raise TypeError(f"a function is needed, not {function!r}")
        if workers < 1:
            raise ValueError(f"workers must be at least 1, not {workers}")
        self.function = function
        self.workers = workers
        self.ordered = ordered
        stem = getattr(function, "func", function)  # of a partial
        self.name = name or getattr(stem, "__name__", type(stem).__name__)
        self.thread = thread

    def __repr__(self) -> str:
        how = "" if self.ordered else ", ordered=False"
        return f"<intercsp.Stage {self.name!r}, workers={self.workers}{how}>"


def stage(
    function: Callable[[Any], Any],
    /,
    *,
    workers: int = 1,
    ordered: bool = True,
    name: str | None = None,
    thread: bool = False,
) -> Stage:
    """A stage of a pipeline(): calls function with each item.

    What it returns goes to the next stage, in the order of the items if
    ordered; otherwise as soon as it is there, which keeps workers busier. The
    workers are processes, or threads of this interpreter. Raises TypeError,
    ValueError (workers is less than 1).
    """
    return Stage(function, workers, ordered, name, thread)


def pipeline(source: Iterable[Any], /, *stages: Stage) -> list[Any]:
    """Pass what source yields through the stages: a list of the results.

    ::

        csp.pipeline(names, csp.stage(parse, workers=4), csp.stage(store))

    The source is an iterable, or a RecvChannel, which is given away. Between
    two stages there is room for two items for each worker of the second, so
    none of them runs far ahead. Blocks until all is done; Group.pipeline() has
    results while it runs. The first error of a stage, or of the source, stops
    all; errors come in an ExceptionGroup.
    """
    from ._group import Group

    _check(stages)
    if not isinstance(source, RecvChannel):
        source = iter(source)
    with Group("pipeline") as g:
        return list(g.pipeline(source, *stages))


def start(
    group: Group, source: Iterable[Any], stages: tuple[Stage, ...]
) -> RecvChannel:
    """Start the members of a pipeline; the end that its results come from."""
    _check(stages)
    rx = source
    if not isinstance(rx, RecvChannel):
        rx = _fed(group, source, stages[0].workers if stages else 1)
    for s, following in zip(stages, [*stages[1:], *stages[-1:]], strict=True):
        tx, results = _core.channel(2 * following.workers, name=s.name)
        _start_workers(group, s, rx, tx)
        rx = results
    return rx


def _check(stages: tuple[Stage, ...]) -> None:
    for s in stages:
        if not isinstance(s, Stage):
            raise TypeError(f"a stage() is needed, not {s!r}")


def _fed(group: Group, source: Iterable[Any], workers: int) -> RecvChannel:
    iterator = iter(source)
    tx, rx = _core.channel(2 * workers, name="source")
    group.feed(iterator, tx)
    return rx


def _start_workers(
    group: Group, s: Stage, rx: RecvChannel, tx: SendChannel
) -> None:
    args: tuple[Any, ...] = (s.function, rx, tx)
    work: Callable[..., None] = _work
    if s.ordered and s.workers > 1:
        put, take = _core.channel(1, name=f"{s.name}-turns")
        first, turn = _core.channel(1)
        first.close()
        put.send(turn)
        args, work = (*args, put, take), _work_in_turn
    group.spawn_many(work, *args, count=s.workers, name=s.name, thread=s.thread)


def _work(
    function: Callable[[Any], Any], rx: RecvChannel, tx: SendChannel
) -> None:
    for item in rx:
        tx.send(function(item))


def _work_in_turn(
    function: Callable[[Any], Any],
    rx: RecvChannel,
    tx: SendChannel,
    put: SendChannel,
    take: RecvChannel,
) -> None:
    while True:
        turn = take.recv()
        try:
            item = rx.recv()
        except Closed:
            put.send(turn)  # the others see that, too
            return
        passed_on, mine = _core.channel(1)
        put.send(mine)
        result = function(item)
        with contextlib.suppress(Closed):
            turn.recv()
        turn.close()
        tx.send(result)
        passed_on.close()
