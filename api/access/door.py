"""The door: who asks, and whether they may. Every request passes here first, so no route can be forgotten."""

from collections.abc import Collection
from typing import Final, cast
from urllib.parse import quote

from starlette.requests import HTTPConnection, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Match
from starlette.types import ASGIApp, Receive, Scope, Send

from api.access.audited import SAFE, audited, is_audited, refused
from api.access.caller import LOCAL, Caller
from api.access.keys import KeyRing
from api.access.logins import COOKIE, logged_in
from api.access.origin import foreign_origin, is_near, is_our_name
from api.access.roles import Role, Rule, rule_of
from api.pages.board import away_page
from api.problems import Problem, store_away
from state.errors import StoreUnavailable
from state.store import AsyncStore

LIVE: Final = "/health/live"


class Door:
    """Sets `request.state.caller` and passes on, or answers 401 or 403. Without a `ring` only this machine comes in."""

    def __init__(self, app: ASGIApp, ring: KeyRing | None, hosts: Collection[str]) -> None:
        self._app, self._ring, self._hosts = app, ring, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        rule, caller = rule_of(scope["method"], scope["path"]), None
        if self._is_misdirected(scope):
            await _misdirected(named=bool(self._hosts)).response()(scope, receive, send)
            return
        try:
            if rule is None or rule.role is not None:
                caller = await self._caller(HTTPConnection(scope))
            _check(scope, rule, caller)
        except StoreUnavailable as error:
            await _away(scope, rule, error)(scope, receive, send)
        except Problem as refusal:
            if rule is not None and is_audited(rule):
                await refused(rule, caller, refusal.status, scope)
            await _refusal(scope, rule, refusal)(scope, receive, send)
        else:
            await self._pass_on(rule, caller, scope, receive, send)

    def _is_misdirected(self, scope: Scope) -> bool:
        """Whether it was sent to another name; who only asks whether this process lives may know its address alone."""
        if scope["path"] == LIVE or (self._ring is not None and not self._hosts):
            return False
        return not is_our_name(scope, self._hosts)

    async def _caller(self, request: HTTPConnection) -> Caller | None:
        if self._ring is None:
            return LOCAL if is_near(request.scope) else None
        scheme, _, presented = request.headers.get("authorization", "").partition(" ")
        if scheme:
            return self._ring.find(presented.strip()) if scheme.lower() == "bearer" else None
        store = cast("AsyncStore", request.scope["app"].state.desk.store)
        return await logged_in(store, self._ring, request.cookies.get(COOKIE, ""))

    async def _pass_on(
        self, rule: Rule | None, caller: Caller | None, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if caller is not None:
            scope.setdefault("state", {})["caller"] = caller
        if caller is not None and rule is not None and is_audited(rule):
            await audited(self._app, rule, caller, scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _check(scope: Scope, rule: Rule | None, caller: Caller | None) -> None:
    """Raise a `Problem` unless `caller` may do this; what no rule names needs an admin, if it is there at all."""
    if scope["method"] not in SAFE and (told_by := foreign_origin(scope)):
        raise Problem(
            "forbidden", f"Another site's page sent this request ({told_by}).", recovery_action="correct_request"
        )
    if rule is not None and rule.role is None:
        return
    if caller is None:
        raise _unknown(scope)
    needed = rule.role if rule is not None and rule.role is not None else Role.ADMIN
    if not caller.role.covers(needed) and (rule is not None or _is_there(scope)):
        raise Problem(
            "forbidden",
            f"This needs a key with the role {needed}; yours has {caller.role}.",
            recovery_action="correct_request",
            suggestions=["Whoever runs this system can make you one: make key."],
        )


def _misdirected(*, named: bool) -> Problem:
    known = "one of those names" if named else "localhost"
    problem = Problem(
        "forbidden",
        "This server does not go by the name in the request's Host (ALLOWED_HOSTS).",
        recovery_action="correct_request",
        suggestions=[f"Use {known}, or let whoever runs this system add the name to ALLOWED_HOSTS."],
    )
    problem.status = 421
    return problem


def _unknown(scope: Scope) -> Problem:
    if "authorization" in HTTPConnection(scope).headers:
        said = "The key is not known, or not any more."
    else:
        said = "A key is asked for (API_KEYS_FILE); where none are, only the machine itself is served."
    return Problem(
        "unauthenticated",
        said,
        recovery_action="correct_request",
        suggestions=["Send it as Authorization: Bearer <key>, or log in at /login; make ask sends API_KEY."],
    )


def _refusal(scope: Scope, rule: Rule | None, refusal: Problem) -> Response:
    """A problem; for who looks at a page, the way to the login."""
    way_in = f"/login?why={refusal.status}"
    if rule is not None and rule.is_page and "hx-request" not in HTTPConnection(scope).headers:
        to = f"&next={quote(scope['path'])}" if scope["method"] == "GET" else ""
        return RedirectResponse(way_in + to, status_code=303)
    response = refusal.response()
    if rule is not None and rule.is_page:
        response.headers["HX-Redirect"] = way_in
    if refusal.status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="baton"'
    return response


def _away(scope: Scope, rule: Rule | None, error: StoreUnavailable) -> Response:
    """Nobody knows who asks while Valkey is away; who looks at a page is told on one."""
    problem = store_away(fault=error.fault)
    if rule is not None and rule.is_page and scope["method"] == "GET":
        return away_page(Request(scope), problem)
    return problem.response()


def _is_there(scope: Scope) -> bool:
    return any(route.matches(scope)[0] is not Match.NONE for route in scope["app"].routes)
