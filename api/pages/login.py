"""The login page: a key is shown once, and a cookie stands for it from then on."""

import re
from typing import Annotated, cast

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from api.access.keys import KeyRing
from api.access.logins import COOKIE, log_in, log_out
from api.desk import Desk
from api.pages.ask import PageRoute, templates
from core.settings import get_settings

router = APIRouter(route_class=PageRoute, include_in_schema=False)
_PLACE = re.compile(r"/(ask|workflows)/[0-9a-f]{32}|/workflows|/agents|/dashboard")
_SAID = {
    "401": "",
    "403": "Your key does not allow that. Log in with one that does.",
    "unknown": "There is no such key.",
    "out": "You are logged out.",
}


@router.get("/login")
async def login(request: Request, why: str = "", next: str = "") -> Response:  # noqa: A002 - its name in the URL
    """The form; without keys there is nothing to log in for."""
    if _ring(request) is None:
        return RedirectResponse("/", status_code=303)
    return _page(request, _SAID.get(why, ""), next)


@router.post("/login")
async def enter(
    request: Request,
    key: Annotated[str, Form(max_length=200)] = "",
    next: Annotated[str, Form(max_length=100)] = "",  # noqa: A002
) -> Response:
    """Remember who showed this key, and lead on to where they wanted to go."""
    ring = _ring(request)
    caller = ring.find(key.strip()) if ring else None
    if caller is None:
        return _page(request, _SAID["unknown"], next, status=401)
    lasts_s = get_settings().login_s
    cookie = await log_in(_desk(request).store, caller, lasts_s)
    response = RedirectResponse(next if _PLACE.fullmatch(next) else "/", status_code=303)
    secure = request.url.scheme == "https"
    response.set_cookie(COOKIE, cookie, max_age=lasts_s, httponly=True, samesite="strict", secure=secure)
    return response


@router.post("/logout")
async def leave(request: Request) -> Response:
    """Forget the cookie here and there."""
    if cookie := request.cookies.get(COOKIE, ""):
        await log_out(_desk(request).store, cookie)
    response = RedirectResponse("/login?why=out", status_code=303)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return response


def _page(request: Request, said: str, place: str, status: int = 200) -> HTMLResponse:
    context = {"said": said, "next": place if _PLACE.fullmatch(place) else ""}
    return templates.TemplateResponse(request, "login.html", context, status)


def _ring(request: Request) -> KeyRing | None:
    return cast("KeyRing | None", request.app.state.ring)


def _desk(request: Request) -> Desk:
    return cast("Desk", request.app.state.desk)
