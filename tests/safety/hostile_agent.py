"""An agent that means harm: it answers each call as a case says, byte by byte, on bare sockets."""

import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from tests.scripted_agent import STANDARD

Sender = Callable[[socket.socket], object]  # whose answer says whether the connection can be used again
LIMIT_S = 20.0  # no case sends for longer, whoever listens
ALIVE = {"status": "healthy", "agent_version": "1.0"}


class HostileAgent:
    """Plays all three roles; `play` says on which path a question is answered badly, and how.

    A call is known by its question, or by its workflow, which an earlier call had with its question.
    """

    def __init__(self) -> None:
        self._cases: dict[str, tuple[str, Sender]] = {}
        self._questions: dict[str, str] = {}
        self.calls: list[tuple[str, dict[str, str]]] = []
        self.when_looked_at: Sender | None = None  # what `GET` is answered by
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def play(self, question: str, path: str, send: Sender) -> None:
        """Answer the call of `path` for `question` by `send`."""
        self._cases[question] = (path, send)

    @contextmanager
    def serving(self) -> Iterator["HostileAgent"]:
        """Serve, in this process."""
        thread = threading.Thread(target=self._accept, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(LIMIT_S)
        with connection, suppress(OSError, ValueError), connection.makefile("rb") as incoming:
            while head := incoming.readline():
                method, path, _ = head.decode().split(" ", 2)
                headers = dict(_headers(incoming))
                body = json.loads(incoming.read(int(headers.get("content-length", "0"))) or b"{}")
                if method == "GET" and self.when_looked_at:
                    self.when_looked_at(connection)
                    return
                if method == "GET":
                    connection.sendall(ok(ALIVE))
                elif not self._played(connection, path, headers, body):
                    return

    def _played(self, connection: socket.socket, path: str, headers: Mapping[str, str],
                body: Mapping[str, Any]) -> bool:
        """Answer one call; whether the connection can be used again."""
        question = body.get("query") or self._questions.get(headers["x-workflow-id"], "")
        self._questions[headers["x-workflow-id"]] = question
        self.calls.append((path, dict(headers)))
        bad_path, send = self._cases.get(question, ("", None))
        if send is None or path != bad_path:
            connection.sendall(ok(STANDARD[path]))
            return True
        return bool(send(connection))


def _headers(incoming: Any) -> Iterator[tuple[str, str]]:
    while line := incoming.readline().strip():
        name, _, value = line.decode("latin-1").partition(":")
        yield name.lower(), value.strip()


def answer(body: bytes, *headers: str, status: str = "200 OK", length: int | None = None,
           kind: str = "application/json") -> bytes:
    """A whole answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}",
             f"Content-Length: {len(body) if length is None else length}", *headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def ok(body: Any) -> bytes:
    """A whole answer of JSON."""
    return answer(json.dumps(body).encode())
