"""What goes into the audit: actions of admins with the reason they gave, and refusals of such actions."""

import json
from contextlib import suppress
from typing import Any, Final, cast
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.access.caller import Caller
from api.access.roles import Role, Rule
from core.logging import get_logger
from core.settings import get_settings
from state.audit import Action, Trail, remember
from state.errors import StoreUnavailable
from state.store import AsyncStore

log = get_logger(__name__)
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_READ_FOR_REASON_BYTES: Final = 64 * 1024
_LONGEST: Final = 500
_FIELDS_AT_MOST: Final = 1_000


def is_audited(rule: Rule | None) -> bool:
    """Whether an action of this route goes into the audit."""
    return rule is not None and rule.role is Role.ADMIN and rule.method not in SAFE


async def audited(  # noqa: PLR0917 - an ASGI call, on somebody's behalf
    app: ASGIApp, rule: Rule, caller: Caller, scope: Scope, receive: Receive, send: Send
) -> None:
    """Let `app` answer an admin, and write down what it was, also when it fails.

    A route that has done so itself, together with what it changed, sets `request.state.audited`.
    """
    overheard = _Overheard(receive, send)
    try:
        await app(scope, overheard.receive, overheard.send)
    finally:
        actor, reason = overheard.words()
        action = Action(caller.name, f"{rule.method} {rule.path}", scope["path"], overheard.status, actor, reason)
        await _write_down(scope, None if scope.get("state", {}).get("audited") else Trail.DONE, action)


async def refused(rule: Rule, caller: Caller | None, status: int, scope: Scope) -> None:
    """Write down that somebody was refused."""
    name = caller.name if caller else ""
    await _write_down(scope, Trail.REFUSED, Action(name, f"{rule.method} {rule.path}", scope["path"], status))


async def _write_down(scope: Scope, trail: Trail | None, action: Action) -> None:
    told = {"key_id": action.key_id, "asked": action.action, "target": action.target, "status": action.status}
    log.info("admin_action", trail=(trail or Trail.DONE).value, actor=action.actor, reason=action.reason, **told)
    if trail is None:
        return
    store = cast("AsyncStore", scope["app"].state.desk.store)
    try:
        await remember(store, trail, action, get_settings().audit_keep)
    except StoreUnavailable as error:
        log.warning("audit_entry_only_here", error=str(error), **told)


class _Overheard:
    """What passes between a client and a route: the words of the request, and the status of the answer."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive, self._send, self._body = receive, send, b""
        self.status = 500  # until an answer begins

    async def receive(self) -> Message:
        message = await self._receive()
        if len(self._body) < _READ_FOR_REASON_BYTES:
            self._body += message.get("body", b"")
        return message

    async def send(self, message: Message) -> None:
        self.status = message.get("status", self.status)
        await self._send(message)

    def words(self) -> tuple[str, str]:
        """Actor and reason."""
        return words_in(self._body)


def words_in(body: bytes) -> tuple[str, str]:
    """Actor and reason in a request's body: JSON, or a page's form."""
    given = _given(body)
    return _short(given.get("actor", "")), _short(given.get("reason", ""))


def _given(body: bytes) -> dict[str, Any]:
    """What JSON or a form says; what is neither the route refuses."""
    with suppress(ValueError, RecursionError):
        said = json.loads(body)
        return said if isinstance(said, dict) else {}
    with suppress(ValueError):
        return dict(parse_qsl(body.decode(), max_num_fields=_FIELDS_AT_MOST))
    return {}


def _short(said: Any) -> str:
    return str(said)[:_LONGEST].encode(errors="replace").decode()
