# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""A plugin that computes for ever, and looks at its channels no more."""


def run(events, results):
    while True:
        pass
