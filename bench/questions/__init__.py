# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""What run.py asks, in the order in which it does."""

from . import channels, core, curves, pools, values
from .question import Question

QUESTIONS: dict[str, Question] = {
    **core.QUESTIONS,
    **channels.QUESTIONS,
    **values.QUESTIONS,
    **pools.QUESTIONS,
    **curves.QUESTIONS,
}
SINCE = {  # what older Pythons cannot run
    "calls.py interpreters": (3, 14),
    "frozen.py interpreters": (3, 14),
    "graphs.py interpreters": (3, 14),
    "parts.py interpreters": (3, 14),
    "pools.py interpreters": (3, 14),
    "scaling.py interpreters": (3, 14),
    "sizes.py interpreters": (3, 14),
    "traffic.py interpreters": (3, 14),
    "values.py interpreters": (3, 14),
    "waiting.py interpreters": (3, 14),
    "workers.py interpreters": (3, 14),
}
