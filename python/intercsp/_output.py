# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""stdout and stderr of a process: whole lines, whoever else writes.

Each interpreter has buffers of its own for the same two descriptors. Those
that Python makes are written when they are full, in the middle of a line. So a
process has others, which write what is complete, one process at a time; the
rest of a line follows with its end, or when it is flushed.
"""

from __future__ import annotations

import atexit
import io
import sys

from ._core import write_out

TYPE_CHECKING = False  # as typing has it, without the cost of its import
if TYPE_CHECKING:
    from typing import TextIO

_SIZE = 8192  # bytes, as Python's own buffers


class _Lines(io.BufferedIOBase):
    """A buffer that is written up to the end of a line."""

    def __init__(self, fd: int, name: str) -> None:
        self._fd = fd
        self._held = bytearray()
        self.name = name
        self.mode = "wb"

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._fd

    def isatty(self) -> bool:
        import os

        return os.isatty(self._fd)

    def write(self, data: bytes | bytearray | memoryview) -> int:  # type: ignore[override]
        with memoryview(data) as view:
            size = view.nbytes
        self._held += data
        if len(self._held) >= _SIZE:
            self._write(self._held.rfind(b"\n") + 1)
        return size

    def flush(self) -> None:
        self._write(len(self._held))

    def _write(self, end: int) -> None:
        if end:
            out = bytes(self._held[:end])
            del self._held[:end]  # before it is written: once is enough
            write_out(self._fd, out)


def set_up() -> None:
    """Replace sys.stdout and sys.stderr of this interpreter, until it ends.

    Whoever keeps them, to the very end of the interpreter, would keep an object
    of a Python class, and so all memory of the interpreter.
    """
    for name in ("stdout", "stderr"):
        old: TextIO | None = getattr(sys, f"__{name}__")
        if not isinstance(old, io.TextIOWrapper):
            continue  # the program has none
        new = io.TextIOWrapper(
            _Lines(old.fileno(), old.name),
            encoding=old.encoding,
            errors=old.errors,
            newline="\n",
            line_buffering=old.line_buffering,
            write_through=old.write_through,
        )
        setattr(sys, name, new)
        setattr(sys, f"__{name}__", new)
        atexit.register(_put_back, name, old, new)


def _put_back(name: str, old: TextIO, new: io.TextIOWrapper) -> None:
    for attribute in (name, f"__{name}__"):
        if getattr(sys, attribute, None) is new:
            setattr(sys, attribute, old)
    new.detach()  # after a flush; the threading module may keep the stream
