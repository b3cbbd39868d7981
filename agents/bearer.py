"""The agents' key (AGENT_KEY): sent with every call, and demanded by the bundled agents when it is set."""

import hmac
from typing import Final

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from core.settings import get_settings

_REFUSAL: Final = {
    "success": False,
    "error": {
        "error_type": "rejected",
        "message": "This agent answers only who shows its key (AGENT_KEY).",
        "recovery_action": "contact_support",
        "suggestions": ["Set the same AGENT_KEY for the agents and for those who call them."],
    },
}


def bearer() -> dict[str, str]:
    """The header that shows the key; none without one."""
    key = get_settings().agent_key
    return {"Authorization": f"Bearer {key}"} if key else {}


class BearerOnly:
    """Answers 401 to who does not show the key; `/health` is open, since a supervisor asks it too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        wanted = bearer().get("Authorization", "")
        if scope["type"] != "http" or not wanted or scope["path"] == "/health" or _shows(scope, wanted):
            await self._app(scope, receive, send)
            return
        await JSONResponse(_REFUSAL, 401, {"WWW-Authenticate": "Bearer"})(scope, receive, send)


def _shows(scope: Scope, wanted: str) -> bool:
    shown = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
    return hmac.compare_digest(shown, wanted.encode())
