"""A bundled agent's log: each line says which workflow, step and attempt it belongs to, and each call has one.

A call that comes with a trace goes on with it.
"""

import time
from collections.abc import Iterator
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.logging import get_logger, in_log
from core.tracing import served_span

log = get_logger(__name__)
_FIELDS: Final = {b"x-workflow-id": "workflow_id", b"x-step": "step", b"x-attempt": "attempt"}
LONGEST: Final = 64


class CallLog:
    """Puts what the caller's headers name onto every line, and writes one when a POST is answered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def overheard(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        with in_log(**dict(_named(scope))), served_span(f"{scope['method']} {scope['path']}", _traceparent(scope)):
            try:
                await self._app(scope, receive, overheard)
            finally:
                if scope["method"] == "POST":
                    took_ms = round((time.perf_counter() - began) * 1000, 1)
                    log.info("call_answered", path=scope["path"], status=status, duration_ms=took_ms)


def _traceparent(scope: Scope) -> str:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == b"traceparent"), "")


def _named(scope: Scope) -> Iterator[tuple[str, str | int]]:
    for header, value in scope["headers"]:
        if (name := _FIELDS.get(header)) and value:
            text = value.decode("latin-1")[:LONGEST]
            yield name, int(text) if text.isdecimal() and name == "attempt" else text
