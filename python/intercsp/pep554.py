# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The intercsp developers
"""Channels as PEP 554 has them.

For programs that were written for one of its texts, or for the channels of
CPython's test package. Who waits is woken instead of polling, and timeouts are
exact. New programs are better off with intercsp.channel(), whose channels end
by themselves.
"""

from __future__ import annotations

import operator
from contextlib import contextmanager

from . import _core
from ._box import (
    CHANNEL,
    CLOSED,
    OPEN,
    RECV,
    SEND,
    UNBOUND,
    UNBOUND_ERROR,
    UNBOUND_KEEP,
    UNBOUND_REMOVE,
    UnboundItem,
    cannot_send,
    policy_of,
    received,
    unbound_of,
)

TYPE_CHECKING = False  # as typing has it, without the cost of its import
if TYPE_CHECKING:
    from collections.abc import Buffer, Iterator
    from typing import Any, ClassVar, Self

__all__ = [
    "UNBOUND",
    "UNBOUND_ERROR",
    "UNBOUND_KEEP",
    "UNBOUND_REMOVE",
    "ChannelClosedError",
    "ChannelEmptyError",
    "ChannelError",
    "ChannelNotEmptyError",
    "ChannelNotFoundError",
    "ChannelReleasedError",
    "ItemInterpreterDestroyed",
    "NotReceivedError",
    "RecvChannel",
    "SendChannel",
    "create",
    "create_channel",
    "is_shareable",
    "list_all",
    "list_all_channels",
]

is_shareable = _core.is_shareable


class ChannelError(RuntimeError):
    """Something is wrong with a channel."""


class ChannelNotFoundError(ChannelError):
    """No channel has this number."""


class ChannelClosedError(ChannelError):
    """The channel was closed."""


class ChannelReleasedError(ChannelClosedError):
    """This interpreter has released this end."""


class ChannelEmptyError(ChannelError):
    """There is nothing to be received."""


class ChannelNotEmptyError(ChannelError):
    """It cannot be closed, as something is to be received."""


class NotReceivedError(ChannelError):
    """Never raised: what is sent without waiting is kept."""


class ItemInterpreterDestroyed(ChannelError):
    """The interpreter that has sent the object is gone, and it with it."""


def create(
    *, unbounditems: UnboundItem = UNBOUND
) -> tuple[RecvChannel, SendChannel]:
    """A new channel: its (RecvChannel, SendChannel).

    unbounditems: what becomes of what was sent when the interpreter that has
    sent it ends. UNBOUND: recv() returns UNBOUND in its place; UNBOUND_ERROR:
    recv() raises ItemInterpreterDestroyed; UNBOUND_REMOVE: it is removed;
    UNBOUND_KEEP: it stays.
    """
    box = _core.box(CHANNEL, 0, policy_of(unbounditems))
    return RecvChannel._of(box), SendChannel._of(box)


create_channel = create


def list_all() -> list[tuple[RecvChannel, SendChannel]]:
    """The ends of all channels of this module that were not closed."""
    found = [_core.find_box(CHANNEL, id) for id in _core.box_ids(CHANNEL)]
    boxes = [box for box in found if box is not None]
    return [(RecvChannel._of(box), SendChannel._of(box)) for box in boxes]


list_all_channels = list_all


@contextmanager
def _errors(end: _End) -> Iterator[None]:
    """The exceptions of this module in place of the package's."""
    try:
        yield
    except _core.EndClosed:
        error = f"{end!r} was released by this interpreter"
        raise ChannelReleasedError(error) from None
    except _core.Closed:
        raise ChannelClosedError(f"{end!r} is closed") from None
    except _core.NotShareable as refusal:
        raise cannot_send(refusal) from refusal.__cause__


class _End:
    """What both ends have; equal are those of one side of one channel.

    The channel exists as long as any interpreter has an end of it.
    """

    __slots__ = ("__weakref__", "_found", "_id")
    _side: ClassVar[int]
    _id: int
    _found: _core.Box | None

    def __new__(cls, id: int) -> Self:
        """The end of the channel with this number, which need not exist."""
        self = super().__new__(cls)
        self._id = operator.index(id)
        self._found = _core.find_box(CHANNEL, self._id)
        return self

    @classmethod
    def _of(cls, box: _core.Box) -> Self:
        self = super().__new__(cls)
        self._id = box.id
        self._found = box
        return self

    @property
    def _box(self) -> _core.Box:
        if self._found is None:
            self._found = _core.find_box(CHANNEL, self._id)
        if self._found is None:
            raise ChannelNotFoundError(f"no channel has the number {self._id}")
        return self._found

    def __repr__(self) -> str:
        return f"{type(self).__name__}(id={self._id})"

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._id == other._id

    def __hash__(self) -> int:
        return hash(self._id)

    def __reduce__(self) -> Any:
        return type(self), (self._id,)

    def __csp_reduce__(self) -> Any:
        if self._found is None:
            return self.__reduce__()
        return type(self)._of, (self._found,)

    @property
    def id(self) -> int:
        """The number of the channel, never used twice."""
        return self._id

    @property
    def interpreters(self) -> list[int]:
        """The numbers of the interpreters that have used this end."""
        return self._box.users(self._side)

    def release(self) -> bool:
        """Cut this interpreter off from this end; False if it was before.

        When all that have used the channel have done so, it is closed.
        """
        return self._box.release(self._side)


class RecvChannel(_End):
    """The receive end of a channel."""

    __slots__ = ()
    _side = RECV

    def recv(self, timeout: float | None = None) -> Any:
        """Wait for the next object, at most timeout seconds, and take it.

        Raises TimeoutError, ChannelClosedError; ItemInterpreterDestroyed, see
        create().
        """
        with _errors(self):
            item = self._box.get(timeout)
        if item is None:
            raise TimeoutError(f"nothing has come through {self!r} in time")
        return received(item, ItemInterpreterDestroyed, "sent the object")

    def recv_nowait(self, *default: Any) -> Any:
        """Take the next object; the default, if there is none.

        Without a default this raises ChannelEmptyError then.
        """
        if len(default) > 1:
            raise TypeError("recv_nowait() takes one default at most")
        with _errors(self):
            item = self._box.get(0)
        if item is not None:
            return received(item, ItemInterpreterDestroyed, "sent the object")
        if default:
            return default[0]
        raise ChannelEmptyError(f"{self!r} is empty")

    @property
    def is_closed(self) -> bool:
        """Whether nothing can be received any more."""
        return self._box.state == CLOSED

    def close(self, force: bool = False) -> None:
        """Close both ends; force: what is to be received is discarded.

        Raises ChannelNotEmptyError without force, ChannelClosedError.
        """
        with _errors(self):
            if not self._box.close(RECV, force):
                raise ChannelNotEmptyError(f"{self!r} is not empty")


class SendChannel(_End):
    """The send end of a channel."""

    __slots__ = ()
    _side = SEND

    @property
    def unbounditems(self) -> UnboundItem:
        """What send() takes unless told otherwise."""
        return unbound_of(self._box.policy)

    @property
    def is_closed(self) -> bool:
        """Whether nothing can be sent any more."""
        return self._box.state != OPEN

    def send(
        self,
        obj: object,
        timeout: float | None = None,
        *,
        unbounditems: UnboundItem | None = None,
    ) -> None:
        """Send an object, and wait until this very one was received.

        If that has not happened after timeout seconds, it is withdrawn, and
        TimeoutError is raised. ChannelClosedError: the channel was closed
        before; NotShareableError: it cannot be sent. See create() for
        unbounditems.
        """
        policy = policy_of(unbounditems)
        with _errors(self):
            in_time = self._box.deliver(obj, policy, timeout)
        if not in_time:
            raise TimeoutError(f"nobody has received through {self!r} in time")

    def send_nowait(
        self, obj: object, *, unbounditems: UnboundItem | None = None
    ) -> bool:
        """Send an object without waiting: whether somebody waited for it."""
        policy = policy_of(unbounditems)
        with _errors(self):
            return bool(self._box.put(obj, policy, 0))

    def send_buffer(
        self,
        obj: Buffer,
        timeout: float | None = None,
        *,
        unbounditems: UnboundItem | None = None,
    ) -> None:
        """As send(), but what is received is a memoryview of obj's memory."""
        self.send(_shared(obj), timeout, unbounditems=unbounditems)

    def send_buffer_nowait(
        self, obj: Buffer, *, unbounditems: UnboundItem | None = None
    ) -> bool:
        """As send_nowait(); what is received is a memoryview."""
        return self.send_nowait(_shared(obj), unbounditems=unbounditems)

    def close(self, force: bool = False) -> None:
        """Close this end; the other one closes when all has been received.

        force: what is to be received is discarded. Raises ChannelClosedError.
        """
        with _errors(self):
            self._box.close(SEND, force)


def _shared(obj: Buffer) -> Any:
    with memoryview(obj) as view:
        writable = not view.readonly
    return _core.share(obj, writable)


for _end in RecvChannel, SendChannel:
    _core.register_shareable(_end)
