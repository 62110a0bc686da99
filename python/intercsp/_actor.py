# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Actors: objects that live in interpreters of their own.

An actor is a process that takes messages from its mailbox, a channel, one at
a time. A message is (method, args, kwargs, reply): reply is a send end for the
answer, or None. A method called "" stands for what a reference does by itself:
its first argument says what. Arguments that must be pickled are in a channel of
their own, with a receive end in the place of args: so if they cannot be made in
the actor's interpreter, that is an error of the one call.

A reference has a send end of the mailbox. So an actor ends by itself when its
last reference has gone, and a call that it does not answer, because it has
ended, is seen by its caller: the reply's send end went with it.
"""

from __future__ import annotations

from . import _core
from ._core import Cancelled, Closed, Error, RecvChannel, SendChannel
from ._process import Process, spawn

TYPE_CHECKING = False  # as typing has it, without the cost of its import
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Any, ClassVar

_OWN = ("alive", "close", "monitor", "name", "stop")  # of references


class ActorEnded(Error):
    """The actor has ended, and answers no more."""


class Actor:
    """The base of classes whose objects live in interpreters of their own::

        class Counter(csp.Actor):
            def __init__(self, start):
                self.n = start

            def add(self, k):
                self.n += k
                return self.n

        counter = Counter.start(10)
        assert counter.add(5) == 15

    start() makes the object there, and returns a reference, an ActorRef, whose
    methods are the public methods of the class. Messages of one sender are
    worked off in order, one after the other. An exception of a call goes to the
    caller, and the actor goes on; one of a cast, which nobody waits for, ends
    the actor, and so does what is no Exception, such as SystemExit.

    An actor ends when its last reference has gone and its messages are worked
    off. If it has a method called ended, that is called then, also after an
    exception. Under supervise(), hand_over() of one that fails returns what
    take_over() of the one in its place gets.
    """

    #: How many messages may wait; then who sends one waits.
    mailbox: ClassVar[float] = 1024

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name in _OWN:
            if name in cls.__dict__:
                raise TypeError(
                    f"{cls.__qualname__}.{name} would hide what references "
                    "have by that name: choose another"
                )

    @classmethod
    def start(cls, *args: Any, **kwargs: Any) -> Any:
        """Make cls(*args, **kwargs) in a new interpreter: an ActorRef.

        Waits until it is made, and raises what __init__ raises. Ends and
        references among the arguments travel as they do in messages.
        """
        tx, rx = new_mailbox(cls)
        made, making = _core.channel(1)
        process = spawn(run, cls, args, kwargs, rx, made, name=cls.__qualname__)
        wait_until_made(process, making)
        return ActorRef(tx, cls.__qualname__, methods_of(cls))


def new_mailbox(cls: Any) -> tuple[SendChannel, RecvChannel]:
    """For an actor of this class; takes no pickles."""
    return _core.channel(cls.mailbox, name=cls.__qualname__, strict=True)


def methods_of(cls: type) -> frozenset[str]:
    """What references to objects of cls can call."""
    return frozenset(
        name
        for name in dir(cls)
        if not name.startswith("_")
        and name not in ("start", "ended", "hand_over", "take_over")
        and callable(getattr(cls, name))
    )


def wait_until_made(process: Process, making: RecvChannel) -> None:
    """Wait until the actor in a process is made; raise why it is not."""
    try:
        making.recv()
    except Closed:
        process.result()
        raise ActorEnded(f"actor {process.name!r} has ended at once") from None
    except BaseException:
        process._thread.stop()
        raise


# ---- references ----


class ActorRef:
    """A reference to an actor, made by Actor.start().

    Its methods are those of the actor: `ref.add(5)` sends a message and waits
    for the answer. It can be sent: the receiver has a reference of its own.
    References are counted: the actor ends when the last one was closed or
    collected. Equal if they are to the same actor.
    """

    __slots__ = ("__weakref__", "_mailbox", "_methods", "_name")

    def __init__(
        self, mailbox: SendChannel, name: str, methods: frozenset[str]
    ) -> None:
        self._mailbox = mailbox
        self._name = name
        self._methods = methods

    @property
    def name(self) -> str:
        """The name of the actor's class."""
        return self._name

    @property
    def alive(self) -> bool:
        """Whether it takes messages: it has not ended, or will be restarted."""
        return not self._mailbox.finished

    def close(self) -> None:
        """Let go of the actor; using this reference raises EndClosed then."""
        self._mailbox.close()

    def stop(self) -> None:
        """Let the actor end, once it has worked off what was sent before.

        Does not wait. Nothing happens if it has ended.
        """
        try:
            self._mailbox.send(("", ("stop",), {}, None))
        except Closed:
            return

    def monitor(self) -> RecvChannel:
        """A receive end that tells how the actor ends.

        It receives None (the actor ended by itself), or the exception that
        ended it; it is closed without that if the actor was stopped from
        outside, or had ended before.
        """
        tx, rx = _core.channel(1)
        try:
            self._mailbox.send(("", ("monitor", tx), {}, None))
        except Closed:
            tx.close()
        return rx

    def __getattr__(self, name: str) -> Method:
        if name in self._methods:
            return Method(self, name)
        raise AttributeError(
            f"actor {self._name!r} has no public method {name!r}"
        )

    def __dir__(self) -> list[str]:
        return sorted({*_OWN, *self._methods})

    def __enter__(self) -> ActorRef:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ActorRef):
            return NotImplemented
        return self._mailbox.same_channel(other._mailbox)

    def __hash__(self) -> int:
        return hash(self._mailbox.id)

    def __reduce__(self) -> Any:
        return ActorRef, (self._mailbox.clone(), self._name, self._methods)

    def __repr__(self) -> str:
        return f"<intercsp.ActorRef {self._name!r} id={self._mailbox.id}>"


class Method:
    """A method of an actor, as its references have it.

    Calling it waits for the answer, as long as csp.deadline() allows. Raises
    what the method raises, and ActorEnded.
    """

    __slots__ = ("_name", "_ref")

    def __init__(self, ref: ActorRef, name: str) -> None:
        self._ref = ref
        self._name = name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.ask(*args, **kwargs).result()

    def cast(self, *args: Any, **kwargs: Any) -> None:
        """Send the message; nobody waits for an answer.

        Waits for room in the mailbox. Raises ActorEnded.
        """
        self._send(args, kwargs, None)

    def ask(self, *args: Any, **kwargs: Any) -> Ask:
        """Send the message, and return what will have the answer.

        Waits for room in the mailbox. Raises ActorEnded.
        """
        reply, rx = _core.channel(1)
        self._send(args, kwargs, reply)
        return Ask(rx, f"{self._ref._name}.{self._name}()")

    def _send(
        self,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        reply: SendChannel | None,
    ) -> None:
        mailbox = self._ref._mailbox
        try:
            try:
                mailbox.send((self._name, args, kwargs, reply))
            except _core.NotShareable:
                pickled = _pickled(mailbox.name, args, kwargs)
                mailbox.send((self._name, pickled, None, reply))
        except Closed:
            raise ActorEnded(f"actor {self._ref._name!r} has ended") from None

    def __repr__(self) -> str:
        return f"<intercsp method {self._ref._name}.{self._name}>"


def _pickled(name: str, *parts: Any) -> RecvChannel:
    """A channel with what cannot be sent without pickling."""
    tx, rx = _core.channel(1, name=name)
    with tx:
        tx.send(parts)
    return rx


class Ask:
    """An answer that is on its way: result(), await, or a case of select()."""

    __slots__ = ("__weakref__", "_answer", "_call", "_rx")

    def __init__(self, rx: RecvChannel, call: str) -> None:
        self._rx = rx
        self._call = call
        self._answer: tuple[bool, Any] | None = None

    @property
    def done(self) -> bool:
        """Whether result() would not wait."""
        return (
            self._answer is not None or len(self._rx) > 0 or self._rx.finished
        )

    def result(self, timeout: float | None = None) -> Any:
        """Wait for the answer; raises what the method raised.

        Waits at most timeout seconds (None: for ever), then raises
        TimeoutError. ActorEnded: the actor has ended without an answer.
        """
        if self._answer is None:
            try:
                self._answer = self._rx.recv(timeout)
            except Closed:
                raise self._ended() from None
        return self._value()

    def __await__(self) -> Generator[Any, Any, Any]:
        if self._answer is None:
            try:
                self._answer = yield from self._rx.arecv().__await__()
            except Closed:
                raise self._ended() from None
        return self._value()

    def __csp_case__(self) -> RecvChannel:
        """What select() waits for."""
        return self._rx

    def __csp_result__(self, answer: Any) -> Any:
        """What select() makes of it."""
        if answer is not None:
            self._answer = answer
        elif self._answer is None:
            raise self._ended()
        return self._value()

    def _value(self) -> Any:
        assert self._answer is not None
        good, value = self._answer
        if good:
            return value
        try:
            raise value.with_traceback(None)
        finally:
            del self, value

    def _ended(self) -> ActorEnded:
        return ActorEnded(
            f"{self._call}: the actor has ended before it answered"
        )

    def __repr__(self) -> str:
        state = "done" if self.done else "waiting"
        return f"<intercsp.Ask {self._call} {state}>"


def link(one: ActorRef, other: ActorRef, /) -> None:
    """Let two actors end together: if one fails, or is stopped from outside,
    the other ends with ActorEnded. One that ends by itself does not count."""
    one._mailbox.send(("", ("link", other.monitor(), other.name), {}, None))
    other._mailbox.send(("", ("link", one.monitor(), one.name), {}, None))


# ---- in the actor's interpreter ----


def run(
    cls: type,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    mailbox: RecvChannel,
    made: SendChannel,
    handing: SendChannel | None = None,
    state: tuple[Any, ...] = (),
) -> str:
    """The process of an actor; returns ENDED if the actor ends by itself.

    handing: where to send what the actor hands over if it does not; state: what
    one before it has handed over.
    """
    actor = cls(*args, **kwargs)
    if state:
        actor.take_over(*state)
    made.send(None)
    made.close()
    _Life(actor, mailbox).live(handing)
    return ENDED


ENDED = "ended by itself"


class _Life:
    """An actor at work."""

    def __init__(self, actor: Any, mailbox: RecvChannel) -> None:
        self._actor = actor
        self._mailbox = mailbox
        self._monitors: list[SendChannel] = []
        self._links: dict[RecvChannel, str] = {}
        self._stopped = False

    def live(self, handing: SendChannel | None) -> None:
        error = self._work()
        # Not while it is handled: it would be the context of what is raised
        # where it cannot be sent, which is to be sent then.
        try:
            try:
                if error is not None and handing is not None:
                    self._hand_over(handing)
            finally:
                self._tell(error)
        finally:
            if error is not None:
                raise error

    def _work(self) -> BaseException | None:
        """Take messages until the end; what has ended it if not itself."""
        try:
            while not self._stopped:
                message = self._next()
                if message is None:
                    break
                self._take(*message)
        except BaseException as error:
            return error
        return None

    def _next(self) -> Any:
        """The next message; None: there are no references any more."""
        while self._links:  # what is linked may end meanwhile
            chosen = _core.select(self._mailbox, *self._links)
            if chosen.index == 0:
                return chosen.value
            name = self._links.pop(chosen.end)
            if chosen.closed or chosen.value is not None:
                text = f"actor {name!r}, which this one is linked to, has ended"
                raise ActorEnded(text) from chosen.value
        try:
            return self._mailbox.recv()
        except Closed:
            return None

    def _take(
        self,
        name: str,
        args: Any,
        kwargs: Any,
        reply: SendChannel | None,
    ) -> None:
        if not name:
            self._command(*args)
            return
        method: Callable[..., Any] = getattr(self._actor, name)
        if reply is None:
            _call(method, args, kwargs)
            return
        try:
            answer = (True, _call(method, args, kwargs))
        except Exception as error:
            answer = (False, error)
        _answer(reply, answer, lambda refusal: (False, refusal))

    def _command(self, what: str, *details: Any) -> None:
        if what == "stop":
            self._stopped = True
        elif what == "monitor":
            self._monitors.append(details[0])
        elif what == "link":
            self._links[details[0]] = details[1]

    def _hand_over(self, handing: SendChannel) -> None:
        hand_over = getattr(self._actor, "hand_over", None)
        if hand_over is not None:
            handing.send_nowait(hand_over())

    def _tell(self, error: BaseException | None) -> None:
        """Tell those who want to know that the actor ends."""
        try:
            if hasattr(self._actor, "ended"):
                self._actor.ended()
        finally:
            for tx in self._monitors:
                if not isinstance(error, Cancelled):
                    _answer(tx, error, lambda refusal: refusal)
                tx.close()


def _call(method: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    if kwargs is None:
        args, kwargs = args.recv()
    return method(*args, **kwargs)


def _answer(
    tx: SendChannel,
    answer: Any,
    instead: Callable[[_core.NotShareable], Any],
) -> None:
    """Send an answer, or what says why it cannot be sent, and close tx; who
    asked may have gone."""
    try:
        with tx:
            try:
                tx.send(answer)
            except _core.NotShareable as refusal:
                tx.send(instead(refusal))
    except Closed:
        return
