# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Programs that are interrupted (Ctrl-C) while they run."""

import signal
import subprocess
import sys
from pathlib import Path

from support import DEADLINE


def interrupt(
    program: Path, *args: str, after: str, on_stderr: bool = False
) -> tuple[str, str, int]:
    """Run program, and interrupt it when it has written the line after.

    Returns the rest of its output, its errors, and its exit status.
    """
    # Whoever runs the tests may ignore SIGINT, which is inherited.
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        process = subprocess.Popen(
            [sys.executable, "-W", "error", program, *args],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    finally:
        signal.signal(signal.SIGINT, before)
    with process:
        try:
            stream = process.stderr if on_stderr else process.stdout
            assert stream is not None
            line = next((s for s in stream if after in s), None)
            assert line is not None, f"it ended without writing {after!r}"
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=DEADLINE)
            return out, err, process.returncode
        finally:
            process.kill()
