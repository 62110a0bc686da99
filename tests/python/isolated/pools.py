# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Programs that end with pools open; how many cycles of pools cost.

Usage: pools.py idle|busy|queued|waited|many|replaced
       pools.py cycles COUNT
"""

import gc
import os
import sys
import time
from pathlib import Path

from intercsp import _core
from intercsp.futures import InterpreterPoolExecutor


def work(seconds: float) -> float:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass
    return seconds


def say(how: str) -> None:
    print(how, "ends", flush=True)


def end(how: str) -> None:
    pool = InterpreterPoolExecutor(2)
    keep.append(pool)
    if how == "idle":
        pool.submit(say, how).result()
    elif how == "busy":
        pool.submit(work, 0.1)
        pool.submit(say, how)
    elif how == "queued":
        for _ in range(20):
            pool.submit(work, 0.01)
        pool.submit(say, how)
    elif how == "waited":
        future = pool.submit(say, how)
        future.add_done_callback(id)
        keep.append(future)
    elif how == "many":
        for _ in range(5):
            keep.append(InterpreterPoolExecutor(1))
            keep[-1].submit(work, 0.0)
        pool.submit(say, how)
    elif how == "replaced":
        pool = InterpreterPoolExecutor(1, max_tasks_per_child=1)
        keep.append(pool)
        for n in range(4):
            future = pool.submit(work, 0.0)
            future.add_done_callback(
                lambda f, n=n: say(how) if n == 3 and f.result() == 0 else None
            )


def rss_kib() -> int:
    text = Path("/proc/self/status").read_text()
    return int(text.partition("VmRSS:")[2].split()[0])


def cycle() -> None:
    with InterpreterPoolExecutor(1) as pool:
        future = pool.submit(work, 0.0)
        future.add_done_callback(id)
        assert future.result() == 0.0


def cycles(count: int) -> None:
    for _ in range(10):
        cycle()
    gc.collect()
    before = rss_kib(), _core.live()
    for _ in range(count):
        cycle()
    gc.collect()
    grown = rss_kib() - before[0]
    print(f"{grown / count:.1f} KiB each", file=sys.stderr)
    assert _core.live() == before[1], (_core.live(), before[1])
    assert not _core.threads()
    assert len(os.listdir("/proc/self/task")) == 1
    # 3.13 keeps the memory of each interpreter by itself
    assert grown < 4096 + 20 * count or sys.version_info < (3, 14)
    print("flat")


keep: list[object] = []

if __name__ == "__main__":
    if sys.argv[1] == "cycles":
        cycles(int(sys.argv[2]))
    else:
        end(sys.argv[1])
