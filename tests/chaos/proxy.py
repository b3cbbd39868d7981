"""A TCP proxy in front of Valkey that reads what passes: it holds a chosen command, loses its answer, or falls silent.

So a process is stopped exactly between two acts without a hook in it: it waits for an answer that does not come.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha1

from state.scripts import source

CHUNK_BYTES = 65_536
POLL_S = 0.1


class Act(StrEnum):
    """What happens to the command a trap waits for."""

    HOLD = "hold"  # it does not reach the server until released
    LOSE_REPLY = "lose reply"  # the server does it, the caller's connection breaks


@dataclass
class Trap:
    """Waits for ONE command that contains all `marks`; `sprung` is set when it came."""

    act: Act
    marks: tuple[bytes, ...]
    sprung: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)


def script(name: str, *marks: str) -> tuple[bytes, ...]:
    """The marks of a call of the transition `name`."""
    return (b"EVALSHA", sha1(source(name).encode(), usedforsecurity=False).hexdigest().encode(),
            *(mark.encode() for mark in marks))


def begin_of(workflow_id: str, step: str) -> tuple[bytes, ...]:
    """The marks of the call that claims `step`."""
    return script("begin", workflow_id, f"\r\n{step}\r\n")


def publish(task_id: str) -> tuple[bytes, ...]:
    """The marks of the message with `task_id` on its way into a queue."""
    return (b"LPUSH", f'"id": "{task_id}"'.encode())


class Proxy:
    """Listens on a port of its own and passes everything on to `target` (a port on loopback)."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.url = f"redis://127.0.0.1:{self._listener.getsockname()[1]}/0"
        self._lock = threading.Lock()
        self._traps: list[Trap] = []
        self._open: set[_Link] = set()
        self._released = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def trap(self, act: Act, marks: tuple[bytes, ...]) -> Trap:
        """Set a trap for the next command that contains all `marks`."""
        trap = Trap(act, marks)
        with self._lock:
            self._traps.append(trap)
        return trap

    def caught_by(self, command: bytes) -> Trap | None:
        """The trap that `command` springs; it is used up."""
        with self._lock:
            for trap in self._traps:
                if all(mark in command for mark in trap.marks):
                    self._traps.remove(trap)
                    trap.sprung.set()
                    return trap
        return None

    def hold(self, trap: Trap, caller: socket.socket) -> bool:
        """Keep a command until it is released; False when its caller has died or all is over: it is never sent."""
        while not trap.released.wait(POLL_S):
            if self._released.is_set() or _hung_up(caller):
                return False
        return not _hung_up(caller)

    def go_silent(self) -> int:
        """Every connection that is open now stays open and dead; new ones work. Answers how many."""
        with self._lock:
            links = list(self._open)
        for link in links:
            link.silent = True
        return len(links)

    def close(self) -> None:
        """Stop listening, and close all."""
        self._listener.close()
        self._released.set()
        with self._lock:
            links = list(self._open)
        for link in links:
            link.close()

    def forget(self, link: "_Link") -> None:
        """A connection has ended."""
        with self._lock:
            self._open.discard(link)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._target), 1)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            link = _Link(self, client, server)
            with self._lock:
                self._open.add(link)
            link.start()


class _Link:
    """One connection through the proxy."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy, self._client, self._server = proxy, client, server
        self.silent = False
        self._lose_reply = False
        for one in (client, server):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def start(self) -> None:
        for pump in (self._commands, self._replies):
            threading.Thread(target=self._until_closed, args=(pump,), daemon=True).start()

    def close(self) -> None:
        self._proxy.forget(self)
        for one in (self._client, self._server):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _until_closed(self, pump: "object") -> None:
        with suppress(OSError):
            pump()  # type: ignore[operator]
        if not self.silent:
            self.close()

    def _commands(self) -> None:
        for command in read_commands(self._client):
            trap = self._proxy.caught_by(command)
            if trap and trap.act is Act.HOLD and not self._proxy.hold(trap, self._client):
                return
            self._lose_reply = bool(trap and trap.act is Act.LOSE_REPLY)
            if not self.silent:
                self._server.sendall(command)

    def _replies(self) -> None:
        while data := self._server.recv(CHUNK_BYTES):
            if self._lose_reply:
                return
            if not self.silent:
                self._client.sendall(data)


def _hung_up(caller: socket.socket) -> bool:
    try:
        return caller.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def read_commands(client: socket.socket) -> Iterator[bytes]:
    """Whole commands as they were sent (arrays of bulk strings), one after the other."""
    buffer = b""
    while True:
        while (end := _command_end(buffer)) is None:
            data = client.recv(CHUNK_BYTES)
            if not data:
                return
            buffer += data
        yield buffer[:end]
        buffer = buffer[end:]


def _command_end(buffer: bytes) -> int | None:
    """Where the first command in `buffer` ends; None while it is not whole."""
    end = buffer.find(b"\r\n")
    if end < 0:
        return None
    at = end + 2
    for _ in range(int(buffer[1:end])):
        end = buffer.find(b"\r\n", at)
        if end < 0:
            return None
        at = end + 2 + int(buffer[at + 1:end]) + 2
        if at > len(buffer):
            return None
    return at
