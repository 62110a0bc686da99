# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""A plugin that does well: an answer for each event."""


def run(events, results):
    for event in events:  # until the host has no more
        results.send(("doubler", event * 2))
