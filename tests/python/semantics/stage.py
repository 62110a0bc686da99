# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""A stage: the ends and actors of a row that are in one interpreter.

Here is one of this interpreter; There is one of a process, by messages.
"""

import asyncio
import gc
import threading
from concurrent.futures import ThreadPoolExecutor

import intercsp as csp
from intercsp import _core

from .act import Actor, Awaits, Calls, run
from .steps import Step

PATIENCE = 10.0  # seconds that a step may take

# What has no form for tasks, and may wait: threads do it.
SYNC_ONLY = {"send_many", "recv_many", "wait"}


class Here:
    """Steps are done by threads or, if in_tasks, by tasks of an event loop."""

    def __init__(self, in_tasks, by_deadline):
        self.ends = {}
        self.actors = {}
        self.steps = {}  # what each actor does now: step, future
        self.calls = Calls(by_deadline)
        self.awaits = Awaits(by_deadline)
        self.pool = ThreadPoolExecutor(8)
        self.loop = None
        if in_tasks:
            self.loop = asyncio.new_event_loop()
            self.thread = threading.Thread(target=self.loop.run_forever)
            self.thread.start()

    def put(self, name, end):
        """An end comes to this stage."""
        self.ends[name] = end

    def start(self, name, text, deadline):
        """Let an actor begin a step."""
        step = Step(text, deadline)
        actor = self.actors.setdefault(name, Actor(self.ends))
        on_hub = isinstance(self.ends.get(step.end), csp.SendHub)
        if self.loop and step.verb not in SYNC_ONLY and not on_hub:
            future = asyncio.run_coroutine_threadsafe(
                actor.act(step, self.awaits), self.loop
            )
        else:
            future = self.pool.submit(lambda: run(actor.act(step, self.calls)))
        self.steps[name] = (step, future)

    def busy(self, name):
        """Whether an actor has not answered yet."""
        return not self.steps[name][1].done()

    def answer(self, name):
        """What the step of an actor gives; waits for it."""
        return self.steps[name][1].result(PATIENCE)

    def is_hub(self, name):
        return isinstance(self.ends[name], csp.SendHub)

    def offered(self, name):
        """The names of the ends in the selector of an actor."""
        added = self.actors[name].added
        return [n for n, e in self.ends.items() for a in added if a is e]

    def waiting(self, name):
        """How many operations are parked on the side of an end."""
        return _core.waiting(self.ends[name])

    def senders(self):
        """How many are parked at the other side of the receive ends here, as
        those who send to a hub are."""
        ends = [e for e in self.ends.values() if isinstance(e, csp.RecvChannel)]
        return sum(end.stats().waiting_tx for end in ends)

    def give_up(self, name):
        """Poison all channels for which an actor waits."""
        step, _future = self.steps[name]
        for end in step.offers() or self.ends:
            try:
                self.ends[end].poison("given up")
            except (csp.Error, AttributeError):
                pass

    def end(self):
        """Let go of all. Fails if an actor still waits."""
        for _step, future in self.steps.values():
            future.result(PATIENCE)
        self.pool.shutdown()
        if self.loop:
            self.loop.call_soon_threadsafe(self.loop.stop)
            self.thread.join()
            self.loop.close()
        vars(self).clear()


def serve(asked, answers):
    """Stages in this interpreter, one after the other, as There asks."""
    gc.freeze()
    stage = None
    for what, *args in asked:
        try:
            if what == "begin":
                answer = ("value", None)
                stage = Here(*args)
            else:
                answer = ("value", getattr(stage, what)(*args))
            if what == "end":
                gc.collect()
        except Exception as error:
            answer = ("error", repr(error))
        args = None
        answers.send(answer)


class There:
    """A stage in the interpreter of a process, which is asked by messages."""

    def __init__(self):
        self.ask, asked = csp.channel(1)
        answers, self.answers = csp.channel(1)
        self.process = csp.spawn(serve, asked, answers, name="stage")

    def call(self, what, *args):
        self.ask.send((what, *args))
        kind, answer = self.answers.recv(2 * PATIENCE)
        assert kind == "value", f"there: {answer}"
        return answer

    def __getattr__(self, what):
        return lambda *args: self.call(what, *args)

    def close(self):
        self.ask.close()
        self.process.join(PATIENCE)
