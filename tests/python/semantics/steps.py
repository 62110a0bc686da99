# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""The words of a step."""

import re

# The end that each verb is for: of a side, one of a channel, any, or a hub.
SIDES = {
    "send": "tx",
    "try_send": "tx",
    "send_many": "tx",
    "recv": "rx",
    "try_recv": "rx",
    "recv_many": "rx",
    "clone": "tx",
    "close": "tx",
    "drop": "tx",
    "poison": "tx",
    "state": "tx",
    "subscribe": "hub",
    "hub_len": "hub",
    "hub_dropped": "hub",
    "make": None,
    "select": None,
    "add": None,
    "remove": None,
    "wait": None,
    "free": None,
    "cases": None,
}
END = re.compile(r"(([bc]\.)?(tx|rx)\d?|[abc]|hub)")


def seconds(deadline: str) -> float | None:
    """What a deadline is as a timeout. Python does not tell "spin" from now:
    both are a timeout of 0."""
    if deadline in ("-", "now", "spin"):
        return 0
    return None if deadline == "forever" else int(deadline[:-2]) / 1000


def full_name(word: str, side: str) -> str:
    """The name of an end: a, b and c are that end of theirs which fits."""
    if len(word) > 1:
        return word
    return side if word == "a" else f"{word}.{side}"


class Case:
    """A case of a select: of an end, of a timer, or neither."""

    def __init__(self, text: str) -> None:
        kind, *words = text.split()
        self.end = self.timer = self.value = None
        self.delay = 0.0
        if kind in ("send", "recv"):
            side = "tx" if kind == "send" else "rx"
            named = bool(words) and END.fullmatch(words[0])
            self.end = full_name(words.pop(0), side) if named else side
            if kind == "send":
                (self.value,) = words
        elif kind in ("after", "tick"):
            self.timer = kind
            self.delay = seconds(words[0])
        else:
            assert kind == "none", text


class Step:
    """One thing that an actor does.

    verb; end, its name or None; words, what follows; cases; name, what a new
    end is called; priority; timeout, in seconds.
    """

    def __init__(self, text: str, deadline: str) -> None:
        text, _, within = text.partition(" within ")
        text, _, self.name = text.partition(" as ")
        self.timeout = seconds(within or deadline)
        self.verb, *self.words = text.split()
        self.cases: list[Case] = []
        self.priority = False
        side = SIDES.get(self.verb, "tx")
        self.end = side and self._take_end(side)
        if self.verb in ("select", "add"):
            self._read_cases(text.partition(" ")[2])

    def _take_end(self, side: str) -> str:
        if self.words and END.fullmatch(self.words[0]):
            return full_name(self.words.pop(0), side)
        return side

    def _read_cases(self, text: str) -> None:
        self.priority = text.startswith("priority ")
        text = text.removeprefix("priority ")
        self.cases = [Case(c) for c in text.split(" | ") if c]

    def values(self) -> list[str]:
        """What it sends, as written."""
        if self.verb in ("send", "try_send", "send_many", "poison"):
            return self.words
        return [c.value for c in self.cases if c.value is not None]

    def offers(self) -> list[str]:
        """The names of the ends on which it may wait."""
        ends = [self.end] if self.end else []
        return ends + [c.end for c in self.cases if c.end]

    def names(self) -> set[str]:
        """All ends that have to do with it."""
        given = [v[1:] for v in self.values() if v.startswith("&")]
        names = {*self.offers(), *given}
        return names | {self.name} if self.name else names
