# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""What each verb does, through the public interface.

There is one text for all ways to wait: what an actor does is a coroutine, and
the ways to send, receive and select are handed to it. Where they are those of
threads, it never suspends.
"""

import re
import time
from contextlib import nullcontext

import intercsp as csp

# ---- ways to wait ----------------------------------------------------------


class Calls:
    """Operations of threads. Some ms are a timeout, or a deadline()."""

    def __init__(self, by_deadline):
        self.by_deadline = by_deadline

    def bound(self, timeout):
        """A context, and the timeout that is left for the call."""
        if timeout and self.by_deadline:
            return csp.deadline(timeout), None
        return nullcontext(), timeout

    async def send(self, end, value, timeout):
        context, left = self.bound(timeout)
        with context:
            end.send(value, timeout=left)

    async def recv(self, end, timeout):
        context, left = self.bound(timeout)
        with context:
            return end.recv(timeout=left)

    def bound_select(self, cases, timeout):
        """The same; but a deadline() does not make it right to wait for what
        never comes."""
        if not any(cases):
            return nullcontext(), timeout
        return self.bound(timeout)

    async def select(self, cases, priority, timeout):
        context, left = self.bound_select(cases, timeout)
        with context:
            return csp.select(*cases, timeout=left, priority=priority)


class Awaits(Calls):
    """Operations of tasks. asend() and arecv() know deadlines only, and a
    task that tries need not await."""

    async def send(self, end, value, timeout):
        if timeout == 0:
            end.send(value, timeout=0)
            return
        with csp.deadline(timeout):
            await end.asend(value)

    async def recv(self, end, timeout):
        if timeout == 0:
            return end.recv(timeout=0)
        with csp.deadline(timeout):
            return await end.arecv()

    async def select(self, cases, priority, timeout):
        if timeout == 0:
            return csp.select(*cases, timeout=0, priority=priority)
        context, left = self.bound_select(cases, timeout)
        with context:
            return await csp.aselect(*cases, timeout=left, priority=priority)


def run(coroutine):
    """The result of what never suspends."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("it suspends")


# ---- answers ---------------------------------------------------------------


def said(value):
    if isinstance(value, csp.RecvChannel):
        return "rx"
    if isinstance(value, csp.SendChannel | csp.SendHub):
        return "tx"
    if isinstance(value, str):
        return f'"{value}"'
    return "none" if value is None else str(value)


def status(error, on_hub=False):
    """What an exception is called in the table."""
    if isinstance(error, csp.Poisoned):
        # a hub's send end has no reason to tell
        return "POISONED" + ("" if on_hub else f" {said(error.reason)}")
    for kind, name in [
        (csp.EndClosed, "ENDCLOSED"),
        (csp.Moved, "MOVED"),
        (csp.Closed, "CLOSED"),
        (csp.Full, "FULL"),
        (csp.Empty, "EMPTY"),
        (TimeoutError, "TIMEOUT"),
    ]:
        if isinstance(error, kind):
            return name
    return "INVAL" if type(error) is ValueError else repr(error)


# ---- actors ----------------------------------------------------------------


class Actor:
    """Does steps, with the ends that lie here (by their names)."""

    def __init__(self, ends):
        self.ends = ends
        self.selector = None
        self.added = []  # the end of each case, by its number

    async def act(self, step, ways):
        """Do a step. Returns the answer; where Python cannot tell which of
        some it is, they are joined by "or"."""
        began = time.monotonic()
        try:
            verb = getattr(self, f"do_{step.verb}", None)
            if verb is not None:
                answer = await verb(step, ways)
            else:
                answer = self.asked(step)
        except Exception as error:
            answer = status(error, self.is_of_hub(step))
            if hasattr(error, "sent"):
                answer += f" sent {error.sent}"
            if step.verb == "select" and hasattr(error, "index"):
                answer = f"case {error.index} {answer}"
        early = step.timeout and time.monotonic() < began + step.timeout
        if answer and answer.startswith("TIMEOUT") and early:
            return answer + " too early"
        return answer or "OK"

    def end_of(self, step):
        return self.ends.get(step.end)

    def is_of_hub(self, step):
        return isinstance(self.end_of(step), csp.SendHub | csp.Hub)

    def value(self, word):
        if word.startswith("&"):
            return self.ends[word[1:]]
        if word.startswith('"'):
            return word[1:-1]
        return None if word == "none" else int(word)

    # ---- one end

    async def do_send(self, step, ways):
        value = self.value(step.words[0])
        await ways.send(self.end_of(step), value, step.timeout)

    async def do_try_send(self, step, ways):
        self.end_of(step).send_nowait(self.value(step.words[0]))

    def received(self, step, value):
        if step.name:
            self.ends[step.name] = value
        return f"value {said(value)}"

    async def do_recv(self, step, ways):
        got = await ways.recv(self.end_of(step), step.timeout)
        return self.received(step, got)

    async def do_try_recv(self, step, ways):
        return self.received(step, self.end_of(step).recv_nowait())

    async def do_send_many(self, step, ways):
        values = [self.value(w) for w in step.words]
        context, left = ways.bound(step.timeout)
        with context:
            self.end_of(step).send_many(values, timeout=left)
        return f"OK sent {len(values)}"

    async def do_recv_many(self, step, ways):
        context, left = ways.bound(step.timeout)
        with context:
            values = self.end_of(step).recv_many(
                int(step.words[0]), timeout=left
            )
        return "values " + " ".join(map(said, values))

    async def do_clone(self, step, ways):
        self.ends[step.name] = self.end_of(step).clone()

    async def do_close(self, step, ways):
        self.end_of(step).close()

    async def do_drop(self, step, ways):
        del self.ends[step.end]

    async def do_poison(self, step, ways):
        self.end_of(step).poison(self.value(step.words[0]))

    async def do_make(self, step, ways):
        make(step.words[0])

    async def do_subscribe(self, step, ways):
        options = capacity_of(step.words[0]) if step.words else {}
        self.ends[step.name] = self.end_of(step).subscribe(**options)

    # ---- select and Selector

    def case(self, case):
        if case.timer:
            return getattr(csp, case.timer)(case.delay)
        if case.value is not None:
            return self.ends[case.end], self.value(case.value)
        return case.end and self.ends[case.end]

    async def do_select(self, step, ways):
        began = time.monotonic()
        cases = [self.case(c) for c in step.cases]
        got = await ways.select(cases, step.priority, step.timeout)
        case = step.cases[got.index]
        if case.timer and time.monotonic() < began + case.delay:
            return "too early"
        assert got.end is (
            cases[got.index][0] if case.value else cases[got.index]
        )
        if got.closed:
            return f"case {got.index} CLOSED"
        if case.end and case.value is None:
            return f"case {got.index} value {said(got.value)}"
        return f"case {got.index} OK"

    async def do_add(self, step, ways):
        case = self.case(step.cases[0])
        if self.selector is None:
            self.selector = csp.Selector(report_closed=True)
        self.selector.add(case)
        self.added.append(case[0] if isinstance(case, tuple) else case)

    async def do_remove(self, step, ways):
        self.selector.remove(self.added[int(step.words[0])])

    async def do_wait(self, step, ways):
        context, left = ways.bound(step.timeout)
        try:
            with context:
                end, value = self.selector.wait(timeout=left)
        except csp.Error as error:
            return self.failed_case(error)
        if value is csp.CLOSED:
            return self.numbered(end, "CLOSED")
        if isinstance(end, csp.RecvChannel):
            return self.numbered(end, f"value {said(value)}")
        return self.numbered(end, "OK")

    def numbered(self, end, answer):
        """The answer, for each case that this end has."""
        cases = [i for i, e in enumerate(self.added) if e is end]
        return " or ".join(f"case {i} {answer}" for i in cases)

    async def do_free(self, step, ways):
        self.selector.close()

    # ---- what Python says differently

    def failed_case(self, error):
        """A Selector without cases has come to its end: Closed at once, where
        C says INVAL, or waits for the deadline. A case that raises tells the
        name of its channel, where C tells the number of the case."""
        channel = re.match("channel '(.*?)'", str(error))
        if channel is None and not len(self.selector):
            return "INVAL or TIMEOUT"
        ends = {e for e in self.added if getattr(e, "name", "") == channel[1]}
        return " or ".join(self.numbered(e, status(error)) for e in ends)

    async def do_state(self, step, ways):
        """Python has end.closed, and the exception that others get."""
        end = self.end_of(step)
        state = "OK"
        try:
            end.clone()
        except csp.Error as error:
            state = status(error)
        assert end.closed is (state != "OK")
        return state

    # ---- questions

    def asked(self, step):
        end = self.end_of(step)
        if step.verb == "len":
            answer = len(end)
        elif step.verb == "finished":
            answer = "yes" if end.finished else "no"
        elif step.verb == "capacity":
            answer = end.capacity
        elif step.verb == "hub_len":
            answer = len(end)
        elif step.verb == "hub_dropped":
            answer = end.dropped
        elif step.verb == "cases":
            answer = len(self.selector)
        else:
            answer = getattr(end.stats(), step.verb)
        return str(answer)


# ---- channels --------------------------------------------------------------


def capacity_of(text):
    """What "2:drop_old" asks for, as arguments."""
    capacity, _, overflow = text.partition(":")
    capacity = csp.UNBOUNDED if capacity == "inf" else int(capacity)
    return {"capacity": capacity, "overflow": overflow or "block"}


def make(text, name=None):
    """The ends of the channel or hub that a column asks for."""
    if text.startswith("hub:"):
        return csp.broadcast(**capacity_of(text[4:]), name=name)
    return csp.channel(**capacity_of(text), name=name)
