# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""A plugin that does well: one answer at the end."""

import statistics


def run(events, results):
    numbers = list(events)
    results.send(("summer", sum(numbers), statistics.fmean(numbers)))
