# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""A plugin with a fault that shows at its third event."""


def run(events, results):
    for event in events:
        if event == 3:
            raise ValueError(f"cannot digest {event}")
