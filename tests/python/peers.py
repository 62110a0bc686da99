# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""What tests run in other interpreters. Imports only what all of it needs, as
each new interpreter does so again."""

import intercsp as csp


def act(end, what, args):
    """Do to an end what the method or attribute called what says."""
    if what == "list":
        return list(end)
    attribute = getattr(end, what)
    return attribute(*args) if callable(attribute) else attribute


def serve(end, asked, answers):
    """Do to end what is asked; let go of it when nothing more is."""
    for what, args in asked:
        try:
            answer = ("value", act(end, what, args))
        except Exception as error:
            answer = ("error", type(error).__name__, error.args)
        answers.send(answer)
        del answer


def run_tests(asked, answers):
    """Run test functions here: module, name, arguments, their ends here."""
    import gc
    import importlib
    import traceback

    import pytest  # noqa: F401 - what the test modules import

    import support

    gc.freeze()
    answers.send("ready")
    for module, name, args, far in asked:
        answer = ("passed", "")
        try:
            if far:
                args[far] = support.Here
            getattr(importlib.import_module(module), name)(**args)
        except csp.Cancelled:
            raise
        except BaseException as error:
            skipped = type(error).__name__ == "Skipped"
            answer = (
                "skipped" if skipped else "failed",
                str(error) if skipped else traceback.format_exc(),
            )
        args = None
        gc.collect()
        answers.send(answer)


def echo(rx, tx):
    """Send back whatever comes."""
    for value in rx:
        tx.send(value)


def send_numbered(tx, who, count):
    """Send (who, 0), (who, 1)... up to count."""
    for i in range(count):
        tx.send((who, i))


def send_list(tx, values):
    """Send values one by one."""
    for value in values:
        tx.send(value)


def collect(rx):
    """Everything that comes, as a list."""
    return list(rx)


def tell_thread_and_collect(tx, rx):
    """Send the ident of this thread; then as collect()."""
    import threading

    tx.send(threading.get_ident())
    return list(rx)


def select_and_tell(rx, told):
    """Select for ever; say how that ended."""
    try:
        csp.select(rx, None)
    except BaseException as error:
        told.send_nowait(type(error).__name__)
        raise


def subscribe_and_add_up(hub, answers):
    """Subscribe, and send the sum of everything."""
    rx = hub.subscribe()
    del hub
    answers.send(sum(rx))


def keep_until_the_end(end, gone):
    """Keep an end in a global: only the end of the interpreter closes it."""
    globals()["kept"] = end
    gone.recv()


def send_pair(tx):
    """Send both ends of a channel with a value in it."""
    pair = csp.channel(2)
    pair[0].send("sent before the end")
    tx.send(pair)


def write_how_it_ended(rx, fd):
    """Receive to the end; write the exception's name to a descriptor."""
    import os

    try:
        while True:
            rx.recv()
    except BaseException as error:
        os.write(fd, type(error).__name__.encode())


def leave_a_thread(end, fd):
    """End with an end in a global, and a thread that reads a descriptor."""
    import os
    import threading

    globals()["kept"] = end
    threading.Thread(target=os.read, args=(fd, 1)).start()


def keep_one_by_one(rx, gone):
    """Keep what comes until gone gives something; then let go of it all."""
    kept = list(rx)
    gone.recv()
    kept.clear()


def drop_all(rx):
    for _ in rx:
        pass


def drop_one_and_tell(go, rx, told):
    """Nothing is left of it when that is known."""
    told.send("here")
    go.recv()
    rx.recv()
    told.send("gone")


def send_large(tx, n):
    """Send large things that this interpreter owns, and end."""
    block = bytes(range(256)) * (n // 256)
    tx.send(block)
    tx.send(["x", block])
    tx.send("s" * n)
    tx.send(csp.share(bytearray(block)))


def share_and_end(tx, fd):
    """Share memory, and end with a thread and a function of atexit that write
    to a descriptor."""
    import atexit
    import os
    import threading

    atexit.register(os.write, fd, b"atexit")
    threading.Thread(target=os.write, args=(fd, b"thread ")).start()
    tx.send(csp.share(bytearray(b"shared")))


def large_result(n):
    return [b"r" * n, "r" * n]


def move_back(rx, tx):
    """Send back a copy of whatever comes, moved."""
    for data in rx:
        if type(data) is bytes:
            tx.send(csp.move(bytes(bytearray(data))))
        else:
            tx.send([csp.move("".join([*data[0]]))])


def look_into(asked, answers):
    """Say what a frozen graph has, and where."""
    for graph in asked:
        root = graph.root if isinstance(graph, csp.Frozen) else graph
        part = root["a"] if hasattr(root, "keys") else root[-1]
        answers.send((id(part), repr(root), csp.is_frozen(part)))
        del graph, root, part


def freeze_and_send_parts(asked, answers):
    graph = csp.freeze([["part", "t" * 5000], 2.5])
    answers.send(graph.root[0])
    list(asked)
