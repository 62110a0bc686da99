#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Wait for the first of several things: a reading, an alarm, or silence.

Two sensors send at their own pace. One breaks down, and is noticed because
nothing comes from it any more; the other ends.
"""

import intercsp as csp


def sensor(readings: csp.SendChannel, broken: csp.RecvChannel) -> None:
    """Sends a reading now and then; falls silent after the third."""
    for n in range(3):
        csp.select(csp.after(0.01))  # sleeps, but can be stopped
        readings.send(20.0 + n)
    try:
        broken.recv()  # silent, until nobody wants to hear more
    except csp.Closed:
        return


def watch(readings: csp.RecvChannel, patience: float) -> tuple[float, int]:
    """The highest reading, and how many there were until silence."""
    highest, count = float("-inf"), 0
    while True:
        got = csp.select(readings, csp.after(patience))
        if got.end is not readings or got.closed:
            return highest, count
        highest, count = max(highest, got.value), count + 1


def main() -> None:
    readings_tx, readings = csp.channel(4)
    repair, broken = csp.channel(1)
    with csp.group("sensors") as g:
        g.spawn(sensor, readings_tx, broken)
        # The first reading may take long: the interpreter has to start.
        first = readings.recv()
        highest, count = watch(readings, patience=0.5)
        repair.close()
    assert first == 20.0
    assert count <= 2  # fewer on a machine that is too busy for the sensor
    print(f"{count + 1} readings, at most {highest}, then half a second none")


if __name__ == "__main__":
    main()
