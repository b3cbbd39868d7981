"""Security headers on every answer: the page may load what this server serves, and nothing else."""

from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.access.roles import rule_of

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
)
# A picture is looked at, also by itself: nothing in it runs, loads or leads anywhere.
PICTURE_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"
HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    # Not "no-referrer": browsers then send `Origin: null` with our own forms, and the door could not tell them apart.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
ONLY_TLS: Final = "max-age=31536000"


class SecurityHeaders:
    """Adds `HEADERS` to what does not set them itself; what not everybody may see is not to be stored."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, with the headers at the start of the response."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in headers_for(scope).items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, with_headers if scope["type"] == "http" else send)


def headers_for(scope: Scope) -> dict[str, str]:
    """What an answer to this request carries unless it says otherwise."""
    rule = rule_of(scope["method"], scope["path"])
    is_open = rule is not None and rule.role is None
    return {
        **HEADERS,
        **({} if is_open else {"Cache-Control": "no-store"}),
        **({"Strict-Transport-Security": ONLY_TLS} if scope.get("scheme") == "https" else {}),
    }
