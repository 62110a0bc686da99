# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""What a C program does with its interpreters (python/embed/interp.c).

The first half runs in the main interpreter, where nothing else does; interp.c
calls it. The second runs in each interpreter: it works off requests, which
the C program sends without any Python.

A request is (what, reply, ...), reply a send end for the answer, two values:
True and what is returned, or False and (type, text, traceback). A value in a
request is to be received from an end, and a text of the C program is bytes,
decoded as names of files are: so what is wrong with either is the error of that
request alone.
"""

from __future__ import annotations

import sys
import time

from . import _core, _exit
from ._core import Closed, RecvChannel, SendChannel

TYPE_CHECKING = False  # as typing has it, without the cost of its import
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from ._process import Process

_WAITING = 1024  # requests at most

# ---- in the main interpreter ----

_processes: dict[int, tuple[Process, SendChannel]] = {}  # by id of requests


def start(name: str | None) -> int:
    """Make an interpreter: the id of the channel for its requests."""
    from ._process import spawn

    tx, rx = _core.channel(_WAITING, name=name or "requests")
    process = spawn(serve, rx, name=name, daemon=True)
    _processes[tx.id] = process, tx
    return tx.id


def adopted(number: int) -> None:
    """The C program has a send end of its own."""
    _processes[number][1].close()


def explain(number: int) -> None:
    """Raise why an interpreter could not begin."""
    process, _ = _processes[number]
    process.result()


def stop(number: int) -> None:
    _processes[number][0]._thread.stop()


def interrupt(number: int) -> bool:
    thread = _processes[number][0]._thread
    return thread.interrupt() or not thread.alive


def end(number: int, seconds: float) -> int:
    """End an interpreter: 0, it has; 1, by force; 2, it is stuck."""
    if number not in _processes:  # Ctrl-C came when it had ended
        return 0
    process, _ = _processes[number]
    status = 0
    try:
        process.join(seconds)
    except TimeoutError:
        status = 1
        if _exit.wind_down([process._thread], time.monotonic() + 1.0):
            return 2
    del _processes[number]
    return status


def end_all(seconds: float) -> bool:
    """Stop all interpreters: whether all have ended."""
    until = time.monotonic() + seconds
    threads = [process._thread for process, _ in _processes.values()]
    if _exit.wind_down(threads, until):
        return False
    _processes.clear()
    return True


# ---- in an interpreter of its own ----


def serve(requests: RecvChannel) -> None:
    """Work off requests until there is nobody who could send one."""
    plugin = _Plugin()
    for what, reply, *details in requests:
        try:
            answer = (True, getattr(plugin, what)(*map(_decoded, details)))
        except _core.Cancelled:
            raise
        except BaseException as error:
            plugin.raised += 1
            answer = (False, _described(error))
        _answer(reply, answer)
        del what, reply, details, answer  # and the ends in them


def _decoded(detail: bytes | RecvChannel) -> str | RecvChannel:
    import os

    return os.fsdecode(detail) if isinstance(detail, bytes) else detail


def _answer(reply: SendChannel, answer: tuple[bool, Any]) -> None:
    try:
        with reply:
            try:
                reply.send_many(answer)
            except _core.NotShareable as error:
                reply.send_many((False, _described(error)))
    except Closed:  # nobody waits for it any more
        return


def _described(error: BaseException) -> tuple[str, str, str]:
    import traceback

    here = error.__traceback__  # of serve()
    inner = None if here is None else here.tb_next
    while inner is not None and inner.tb_frame.f_globals is globals():
        inner = inner.tb_next
    lines = traceback.format_exception(type(error), error, inner)
    return type(error).__name__, str(error), "".join(lines)


class _Plugin:
    """What was loaded, and the answers to requests, by their names."""

    def __init__(self) -> None:
        self.calls = 0
        self.raised = 0
        self._bound: dict[str, Any] = {}
        self._module: ModuleType | None = None

    def bind(self, name: str, value: RecvChannel) -> None:
        self.calls += 1
        self._bound[name] = value.recv()
        if self._module is not None:
            setattr(self._module, name, self._bound[name])

    def load(self, what: str) -> None:
        import importlib

        self.calls += 1
        if what.endswith(".py"):
            self._module = self._run(what)
            return
        self._module = importlib.import_module(what)
        for name, value in self._bound.items():
            setattr(self._module, name, value)

    def call(self, function: str, args: RecvChannel) -> Any:
        self.calls += 1
        return self._find(function)(*(args.recv() or ()))

    def measure(self) -> tuple[int, ...]:
        import gc

        threading = sys.modules.get("threading")
        others = threading.active_count() - 1 if threading else 0
        # not sys.getallocatedblocks(), which is of all interpreters
        objects = len(gc.get_objects())
        return time.thread_time_ns(), objects, self.calls, self.raised, others

    def _run(self, path: str) -> ModuleType:
        """The file as a module that others can import by its name, too."""
        import os
        from importlib import util

        name = os.path.basename(path).removesuffix(".py")
        spec = util.spec_from_file_location(name, os.path.abspath(path))
        if spec is None or spec.loader is None:
            raise ImportError(f"cannot load {path!r}")
        module = util.module_from_spec(spec)
        module.__dict__.update(self._bound)
        before = sys.modules.get(name)
        sys.modules[name] = module
        try:
            # not a .pyc, which tells a change within a second from none
            with open(path, "rb") as file:
                code = compile(file.read(), spec.origin or path, "exec")
            exec(code, module.__dict__)
        except BaseException:
            if before is None:
                del sys.modules[name]
            else:
                sys.modules[name] = before
            raise
        return module

    def _find(self, function: str) -> Any:
        import importlib

        head, _, name = function.rpartition(".")
        if head:
            return getattr(importlib.import_module(head), name)
        if self._module is None:
            raise LookupError(f"nothing was loaded that has {function!r}")
        return getattr(self._module, function)
