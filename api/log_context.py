"""Lines of a request about one workflow carry its id."""

import re
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from core.logging import in_log

_NAMED: Final = re.compile(r"/([0-9a-f]{32})(?:/|$)")


class LogContext:
    """Puts the workflow that a path names onto every line of its request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        found = _NAMED.search(scope.get("path", "")) if scope["type"] == "http" else None
        if found is None:
            await self._app(scope, receive, send)
            return
        with in_log(workflow_id=found[1]):
            await self._app(scope, receive, send)
