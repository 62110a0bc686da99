#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""A bank: an actor keeps the accounts, tellers move money, a supervisor helps.

The accounts live in an interpreter of their own, and one message is worked off
after the other: no lock is needed, and no money is lost. When the bank fails,
it is started again, with the accounts that it hands over.
"""

import random
from typing import Any

import intercsp as csp

Accounts = dict[str, int]


class Bank(csp.Actor):
    def __init__(self, accounts: Accounts) -> None:
        self.accounts = dict(accounts)

    def transfer(self, source: str, target: str, amount: int) -> bool:
        if self.accounts[source] < amount:
            return False
        self.accounts[source] -= amount
        self.accounts[target] += amount
        return True

    def audit(self) -> Accounts:
        return self.accounts

    def rob(self) -> None:
        raise RuntimeError("hands up")

    def hand_over(self) -> Accounts:
        """What the next one gets when this one fails."""
        return self.accounts

    def take_over(self, accounts: Accounts) -> None:
        self.accounts = accounts


def teller(bank: Any, seed: int, transfers: int) -> int:
    """Transfers money at random, in an interpreter of its own."""
    choose = random.Random(seed)
    done = 0
    for _ in range(transfers):
        source, target = choose.sample(["ann", "bob", "cid"], 2)
        done += bank.transfer(source, target, choose.randrange(100))
    return done


def main() -> None:
    start = {"ann": 500, "bob": 300, "cid": 200}
    with csp.supervise("one_for_one") as supervisor:
        bank = supervisor.start(Bank, start)
        with csp.group("tellers") as g:
            tellers = [g.spawn(teller, bank, seed, 100) for seed in range(3)]
        told = bank.monitor()
        bank.rob.cast()  # nobody waits for an answer, so this ends the actor
        accounts = bank.audit()  # of the one in its place
        reason = told.recv()
    assert sum(accounts.values()) == sum(start.values())
    assert accounts != start
    assert isinstance(reason, RuntimeError)
    done = sum(teller.result() for teller in tellers)
    print(f"{done} transfers, one robbery, and still {accounts}")


if __name__ == "__main__":
    main()
