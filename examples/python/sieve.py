#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""The sieve of Hoare and McIlroy: a chain of processes, one for each prime.

The first number that comes to a sieve is a prime. It tells that, starts the
next sieve, and passes on what its prime does not divide.

    2, 3, 4 ... --> [2] --3, 5, 7, 9 ...--> [3] --5, 7, 11 ...--> [5] ...

Here the processes are threads of one interpreter: as long as each has so
little to do, interpreters of their own would bring nothing. Leave out
`thread=True`, and they are that.
"""

import intercsp as csp


def sieve(numbers: csp.RecvChannel, primes: csp.SendChannel) -> None:
    for prime in numbers:
        primes.send(prime)
        tx, rest = csp.channel(16)
        csp.spawn(sieve, rest, primes, thread=True)  # primes is given away
        for n in numbers:
            if n % prime:
                tx.send(n)
        tx.close()


def main(limit: int = 100) -> None:
    numbers_tx, numbers = csp.channel(16)
    primes_tx, primes = csp.channel(16)
    with csp.group("sieve") as g:
        g.spawn(sieve, numbers, primes_tx, thread=True)
        g.feed(range(2, limit), numbers_tx)
        found = list(primes)  # ends when the last sieve has ended
    assert found == [
        n for n in range(2, limit) if all(n % p for p in range(2, n))
    ]
    print(*found)


if __name__ == "__main__":
    main()
