"""Limits on what comes in, before it is parsed."""

from typing import cast

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import Problem

DISCARD_BYTES = 16 * 1024 * 1024


class BodyLimit:
    """Answers 413 to a body larger than `max_bytes`, by its declared length or as it arrives."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self.app = app
        self.max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is small enough."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if declared.isdigit() and int(declared) > self.max_bytes:
            await self._refuse(scope, receive, send)
            return
        body = await self._collect(receive)
        if body is None:
            await self._refuse(scope, receive, send)
            return
        await self.app(scope, _replay(body, receive), send)

    async def _collect(self, receive: Receive) -> bytes | None:
        body = b""
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return body
            body += cast("bytes", message.get("body", b""))
            if len(body) > self.max_bytes:
                return None
            if not message.get("more_body", False):
                return body

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer once the body is through: who still sends when the connection is closed never reads the answer."""
        if not any(name == b"expect" for name, _ in scope["headers"]):
            await _discard(receive)
        problem = Problem(
            "too_large",
            f"The body is larger than {self.max_bytes} bytes (BODY_MAX_BYTES).",
            recovery_action="correct_request",
        )
        await problem.response()(scope, receive, send)


async def _discard(receive: Receive) -> None:
    left = DISCARD_BYTES
    while left > 0:
        message = await receive()
        left -= len(cast("bytes", message.get("body", b"")))
        if not message.get("more_body", False):
            return


def _replay(body: bytes, receive: Receive) -> Receive:
    """The collected body first, then whatever else comes (a disconnect)."""
    pending = [body]

    async def replayed() -> Message:
        if pending:
            return {"type": "http.request", "body": pending.pop(), "more_body": False}
        return await receive()

    return replayed
