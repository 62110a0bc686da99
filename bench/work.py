# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""What workers do, of pools.py, calls.py, parts.py and workers.py. A function
imports what it needs: concurrent.futures.InterpreterPoolExecutor passes on its
code only."""

from __future__ import annotations

TYPE_CHECKING = False  # as typing has it, without the cost of its import
if TYPE_CHECKING:
    from typing import Any


def nothing(n: int) -> int:
    return n


def nap(seconds: float) -> float:
    import time

    time.sleep(seconds)
    return seconds


def meet(arrived: str, leave: str, modules: tuple[str, ...]) -> int:
    """Say that this worker is here, and wait for the others; who it is."""
    import _thread

    for name in modules:
        __import__(name)
    with open(arrived, "wb", buffering=0) as pipe:
        pipe.write(b"x")
    with open(leave, "rb", buffering=0) as pipe:
        pipe.read(1)
    return _thread.get_native_id()


def produce(size: int) -> bytes:
    """No two MiB of it are the same."""
    import random
    import sys
    import time

    part = random.Random(size).randbytes(1 << 20)
    data = b"".join(part[i:] + part[:i] for i in range(size >> 20))
    sys.produced = time.perf_counter_ns(), size  # type: ignore[attr-defined]
    return data


def produced() -> tuple[int, int]:
    """When this worker had produced, by the clock of all, and the checksum."""
    import random
    import sys
    import zlib

    when, size = sys.produced  # type: ignore[attr-defined]
    part = random.Random(size).randbytes(1 << 20)
    checksum = 0
    for i in range(size >> 20):
        checksum = zlib.crc32(part[:i], zlib.crc32(part[i:], checksum))
    return when, checksum


def nbody(steps: int) -> float:
    bodies = [
        [0.0, 0.0, 0.0, 0.0, 39.47],
        [4.84, -1.16, 0.6, 2.81, 0.037],
        [8.34, 4.12, -1.01, 1.82, 0.011],
        [12.89, -15.11, 1.08, 0.86, 0.0017],
    ]
    for _ in range(steps):
        for i, a in enumerate(bodies):
            for b in bodies[i + 1 :]:
                dx, dy = a[0] - b[0], a[1] - b[1]
                force = 0.001 / (dx * dx + dy * dy + 0.01) ** 1.5
                a[2] -= dx * b[4] * force
                a[3] -= dy * b[4] * force
                b[2] += dx * a[4] * force
                b[3] += dy * a[4] * force
        for body in bodies:
            body[0] += 0.001 * body[2]
            body[1] += 0.001 * body[3]
    return bodies[0][0]


def primes(limit: int) -> int:
    import math

    return sum(
        all(n % d for d in range(2, math.isqrt(n) + 1)) for n in range(2, limit)
    )


def factorial(n: int) -> int:
    total = 0
    for _ in range(20):
        product = 1
        for factor in range(2, n):
            product *= factor
        total += product.bit_length()
    return total


def pbkdf2(rounds: int) -> str:
    """In C, without the GIL."""
    import hashlib

    return hashlib.pbkdf2_hmac("sha256", b"word", b"salt", rounds).hex()


# They say who they are, and wait.


def wait_on_queues(ready: Any, end: Any) -> None:
    import _thread

    ready.put(_thread.get_native_id())
    end.get()


def wait_on_channels(ready: Any, end: Any) -> None:
    import _thread

    ready.send(_thread.get_native_id())
    for _ in end:
        pass
