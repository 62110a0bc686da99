# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Keep the two sides of a measure on the two processors that run.py chose."""

import os


def pin(side: int) -> None:
    """Keep this thread on the processor of a side, 0 or 1."""
    cpus = os.environ.get("BENCH_CPUS", "0,1").split(",")
    os.sched_setaffinity(0, {int(cpus[side])})
