# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""The table of what channels do (tests/semantics/table.txt), from Python.

table.py reads rows, steps.py the words of a step; act.py does what a step
says, on a stage (stage.py): an interpreter with some of the ends and actors;
player.py conducts, and knows where each end is.

Where Python answers otherwise than C it says so in act.py, under "what Python
says differently".
"""
