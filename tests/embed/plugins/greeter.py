# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""A plugin as C programs load it."""

import intercsp as csp

greeting = globals().get("greeting", "hello")


def greet(name):
    return f"{greeting} {name}"


def fail(text):
    raise LookupError(text)


def freeze(*parts):
    return csp.freeze([parts, "some text of it"])


def thaw(frozen):
    return frozen.root


def relay(rx, tx):
    """Send on what comes, and say how much it was."""
    n = 0
    with tx:
        for value in rx:
            tx.send(value)
            n += 1
    return n


def keep(n):
    """Have n objects more."""
    globals()["kept"] = [[] for _ in range(n)]


def loop():
    while True:
        pass


def close_and_loop(tx):
    tx.close()
    loop()


def swallow():
    import intercsp as csp

    while True:
        try:
            while True:
                pass
        except Exception:
            continue
        except csp.Cancelled:
            raise


def wait(rx):
    return rx.recv()


def stick(seconds):
    import time

    time.sleep(seconds)  # sleeps: nothing interrupts that


def leave(status):
    raise SystemExit(status)


def refuse():
    return (i for i in ())


def name_of(number):
    (info,) = [c for c in csp.channels() if c.id == number]
    return info.name


def open_channel():
    tx, globals()["opened"] = csp.channel(1)
    globals()["kept_open"] = tx
    return tx.id


def receive():
    with globals()["kept_open"], globals()["opened"] as rx:
        return rx.recv()


class Fragile:
    """Can be pickled, and not be made again."""

    def __reduce__(self):
        return fail, ("of the pickle",)


def fragile():
    return Fragile()
