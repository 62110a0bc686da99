# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""What the workers of executors.py and pools.py do. Each function imports what
it needs: concurrent.futures.InterpreterPoolExecutor passes on its code only."""


def nothing(n: int) -> int:
    return n


def nap(seconds: float) -> None:
    import time

    time.sleep(seconds)


def produce(size: int) -> bytes:
    """Each page is written, as by one who has something to say."""
    return b"x" * size


def time_to_produce(size: int) -> int:
    """Nanoseconds."""
    import time

    start = time.perf_counter_ns()
    data = b"x" * size
    took = time.perf_counter_ns() - start
    del data
    return took


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
