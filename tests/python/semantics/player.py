# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Plays a row: gives one step after the other to the actors, and compares
what they answer.

An end is used by one interpreter at a time. Where a row is played between two,
ends that occur in one step are at one place; those that a peer uses are there,
the others here; where there are no peers, receive ends are there. Whoever does
a step does it where its ends are: I am here and there.
"""

import re
import time

from .act import make
from .steps import Step

PATIENCE = 10.0
PEERS = ("peer", "peer2", "peer3")
FAILED = re.compile(r"[A-Z]{3,}\b(?<!\bOK)|case \d [A-Z]{3,}")


def split(text):
    """Who does it, whether until it waits, and the step."""
    who, _, rest = text.partition(" ")
    if who not in PEERS:
        return "me", False, text
    return who, rest.startswith("parks "), rest.removeprefix("parks ")


# ---- places ----------------------------------------------------------------


def groups(row):
    """The ends that must be at one place, and who uses them."""
    found = []
    for text in [*row.before, *row.do]:
        who, _parks, step = split(text)
        if step in ("-", "answers"):
            continue
        names = Step(step, "-").names()
        if step.startswith(("add ", "wait", "free", "remove ")):
            names.add(f"selector of {who}")
        users = {who}
        for group in [g for g in found if g[0] & names]:
            found.remove(group)
            names, users = names | group[0], users | group[1]
        found.append((names, users))
    return found


def there(row):
    """The names of what is there."""
    found = groups(row)
    peers = any(users - {"me"} for _names, users in found)
    return set().union(
        *(
            names
            for names, users in found
            if (users - {"me"} if peers else any("rx" in n for n in names))
        )
    )


# ---- a row -----------------------------------------------------------------


class Player:
    """The row that is being played, on one stage or on two."""

    def __init__(self, row, here, there_):
        self.here, self.there = here, there_
        self.names_there = there(row) if there_ else set()
        self.at = {}  # the stage where each actor does its step
        self.pending = []  # peers whose step was not asked for
        self.given_up = []
        self.is_slow_to_meet = "0" in row.cap.split() and (
            here.loop is not None
            or any("parks wait" in text for text in row.before)
        )
        self.texts = {}

    def stages(self):
        return [s for s in (self.here, self.there) if s]

    def place(self, names):
        return self.there if names & self.names_there else self.here

    def make_channels(self, row):
        if row.cap == "-":
            return
        for text, name, before in zip(
            row.cap.split(), "abc", ("", "b.", "c."), strict=False
        ):
            ends = make(text, name)
            rx = "hub" if text.startswith("hub:") else "rx"
            names = (f"{before}tx", f"{before}{rx}")
            for name, end in zip(names, ends, strict=True):
                self.place({name}).put(name, end)

    # ---- steps

    def patience(self, text, deadline, expected):
        """The deadline of a step of mine. At a rendezvous one who only tries
        may come too early: a task that receives is told of a sender, who
        finds no room until then; and a Selector has its cases registered a
        moment before it waits."""
        tries = deadline in ("now", "spin") and " within " not in text
        if tries and self.is_slow_to_meet and expected != "TIMEOUT":
            return "500ms"
        return deadline

    def start(self, who, text, deadline):
        step = Step(text, deadline)
        names = step.names()
        if step.verb in ("add", "remove", "wait", "free", "cases"):
            names.add(f"selector of {who}")
        self.at[who] = self.place(names)
        self.texts[who] = text
        self.at[who].start(who, text, deadline)
        return step

    def begin(self, who, parks, text):
        """Let a peer begin a step; if parks, wait until it waits."""
        if who in self.pending:
            self.expect(who, None)
        self.pending.append(who)
        if not parks:
            self.start(who, text, "forever")
            return
        stage, wanted = self.wanted(who, text)
        self.start(who, text, "forever")
        until = time.monotonic() + PATIENCE
        while any(count() < n for count, n in wanted):
            assert stage.busy(who), (
                f"{who} does not park: {text}: gives {self.answer(who)}"
            )
            assert time.monotonic() < until, f"{who} does not park: {text}"
            time.sleep(0.00002)  # sleeps: between two looks

    def wanted(self, who, text):
        """The stage of a step, and for each of its ends a count of waiters
        with the number that tells that the step waits."""
        step = Step(text, "-")
        names = step.offers()
        stage = self.place({*names, f"selector of {who}"})
        wanted = []
        if step.verb == "wait":
            names = stage.offered(who)
        for name in set(names):
            count = self.count_for(stage, name)
            n = names.count(name) + (0 if step.verb == "wait" else count())
            wanted.append((count, n))
        return stage, wanted

    def count_for(self, stage, name):
        if stage.is_hub(name):
            return lambda: sum(s.senders() for s in self.stages())
        return lambda: stage.waiting(name)

    def answer(self, who):
        if who in self.pending:
            self.pending.remove(who)
        return self.at[who].answer(who)

    def expect(self, who, expected):
        """What an actor answers is right: any that it may be. Without an
        expectation: it has succeeded."""
        answer = self.answer(who)
        if expected is None:
            assert not FAILED.match(answer), (
                f"{who}: {self.texts[who]}: gives {answer}"
            )
            return
        assert {*answer.split(" or ")} & {*expected.split(" or ")}, (
            f"{who}: {self.texts[who]}: gives {answer}, not {expected}"
        )

    def play(self, texts, deadline, gives):
        for text, expected in zip(texts, gives, strict=True):
            who, parks, step = split(text)
            if step == "answers":
                self.expect(who, expected)
            elif who != "me":
                self.begin(who, parks, step)
            elif text != "-":
                wait = self.patience(text, deadline, expected)
                self.start("me", text, wait)
                self.expect("me", expected)

    def check(self, text):
        who, _parks, rest = split(text)
        if who != "me" and rest == "waits":
            assert self.at[who].busy(who), f"{who} does not wait"
            self.given_up.append(who)
        elif who != "me":
            self.expect(who, rest)
        else:
            question, _, answer = text.rpartition(" ")
            self.start("me", question, "now")
            self.expect("me", answer)

    def call_back(self):
        """Those who wait, do wait: poison reaches them."""
        for who in self.given_up:
            self.at[who].give_up(who)
        for who in self.given_up:
            answer = self.answer(who)
            assert 'POISONED "given up"' in answer, (
                f"{who}: {self.texts[who]}: gives {answer}, and should wait"
            )
        assert not self.pending, f"nobody asks {self.pending}"

    def release(self):
        """End the row; a failed one may have left actors that wait."""
        for who, stage in self.at.items():
            if stage.busy(who):
                stage.give_up(who)
        for stage in self.stages():
            stage.end()


def play(row, here, there_=None):
    """Play a row on one stage, or between two."""
    player = Player(row, here, there_)
    try:
        player.make_channels(row)
        player.play(row.before, "now", [None] * len(row.before))
        player.play(row.do, row.deadline, row.gives)
        for text in row.after:
            player.check(text)
        player.call_back()
    finally:
        player.release()
