"""Calls that another thread may stop: whoever waits on a socket wakes up at once when that is shut down.

Needed where a call can be ended in no other way (a pool of threads); it costs the others two microseconds.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Protocol


class CallStopped(Exception):
    """This process stopped the call itself: nothing was learned about who was called."""


class Holder(Protocol):
    """A connection; the call that used it last is the one that may shut its socket down."""

    held_by: "StoppableCall | None"


class StoppableCall:
    """One call and the socket it waits on; a connection that went on to another call is not touched any more."""

    def __init__(self) -> None:
        self.stopped = False
        self._connection: Holder | None = None
        self._socket: socket.socket | None = None

    def waits_on(self, connection: Holder, sock: socket.socket | None) -> None:
        """From now on it waits on this socket of this connection; raises when it is stopped already."""
        with _lock:
            if self.stopped:
                raise CallStopped
            connection.held_by = self
            self._connection, self._socket = connection, sock

    def stop(self) -> None:
        """Let it end now. Idempotent."""
        with _lock:
            self.stopped = True
            if self._socket is not None and self._connection is not None and self._connection.held_by is self:
                with suppress(OSError):  # closed meanwhile
                    self._socket.shutdown(socket.SHUT_RDWR)


_lock = threading.Lock()
_open: dict[str, StoppableCall] = {}
_here = threading.local()


@contextmanager
def stoppable(name: str) -> Iterator[None]:
    """Calls inside, on this thread, end when any thread stops `name`."""
    _open[name] = _here.call = StoppableCall()
    try:
        yield
    finally:
        _here.call = None
        _open.pop(name, None)


def stop(name: str) -> bool:
    """Stop what runs under `name`; whether there was something."""
    call = _open.get(name)
    if call is not None:
        call.stop()
    return call is not None


@contextmanager
def noticing_stop() -> Iterator[None]:
    """Raise `CallStopped` when the call inside was stopped, whatever it ended with."""
    call = present_call()
    try:
        yield
    except Exception as error:
        if call is not None and call.stopped:
            raise CallStopped from error
        raise
    if call is not None and call.stopped:
        raise CallStopped


def present_call() -> StoppableCall | None:
    """The stoppable call of this thread."""
    call: StoppableCall | None = getattr(_here, "call", None)
    return call
