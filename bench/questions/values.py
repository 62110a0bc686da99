# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""What run.py asks of values and frozen graphs."""

from .question import OURS, Question, Target, at_most

MILLION = "1,000,000 nodes"
FROZEN = "intercsp, frozen"
DUMPS = "to make it: pickle.dumps"

QUESTIONS = {
    "values": Question(
        "a value in a Python channel: one send and one receive in one thread",
        [
            "values.py intercsp",
            "values.py interpreters",
            "values.py processes",
            "values.py moves",
        ],
        [
            *(
                Target(name, f"{name}: {OURS}", 350)
                for name in ("bytes of 1 KiB", "tuple of 10 ints")
            ),
            *(
                Target(
                    f"1,000 dicts, {who} / {OURS}",
                    f"1,000 dicts: {who}",
                    3,
                    (f"1,000 dicts: {OURS}",),
                    at_least=True,
                )
                for who in ("interpreters", "processes")
            ),
            Target(
                f"bytes of 100 MiB, {OURS} / interpreters",
                f"bytes of 100 MiB: {OURS}",
                0.5,
                ("bytes of 100 MiB: interpreters",),
            ),
            *(
                Target(name, name, 5000)
                for name in (
                    "move() of 100 MiB",
                    "move() of a Buffer",
                    "share() of an array",
                )
            ),
        ],
        rounds=3,
        quick=(" intercsp", " interpreters", " processes"),
    ),
    "nested": Question(
        "a nested graph of tuples, str and int, to another worker, who answers",
        [
            f"graphs.py {kind}"
            for kind in (
                *("intercsp", "frozen", "freeze", "interpreters"),
                *("simple", "pipe", "pipes", "processes"),
            )
        ],
        rounds=5,
        steady=1.5,
    ),
    "frozen": Question(
        "a graph of a million objects: to send, to make, to keep, to use",
        [
            "frozen.py send",
            "frozen.py interpreters",
            "frozen.py processes",
            "frozen.py walk",
            "frozen.py freeze",
            "frozen.py memory",
            "frozen.py look-up",
        ],
        [
            Target("at once", f"{MILLION}: {OURS}", 5.5),
            *(
                Target(
                    f"{peer} / frozen",
                    f"{MILLION}: {peer}",
                    10_000,
                    (f"{MILLION}: {OURS}",),
                    at_least=True,
                )
                for peer in ("interpreters.Queue", "multiprocessing.Pipe")
            ),
            at_most(1 / 0.95, "a walk: own objects", row=f"a walk: {FROZEN}"),
            at_most(0.5, DUMPS, row=f"to make it: {OURS}"),
            at_most(1, DUMPS, row=f"to make it: {OURS}, small pages"),
            at_most(1.15, "memory: own objects", row=f"memory: {FROZEN}"),
            *(
                at_most(1, f"{what}: a dict", row=f"{what}: {OURS}")
                for what in ("look-up by its keys", "look-up by equal keys")
            ),
        ],
        rounds=3,
    ),
}
