"""What the pages for operators have in common: their frame, their refusals, and who may change something."""

import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from fastapi.routing import APIRoute
from fastapi.templating import Jinja2Templates

from api.access.caller import caller_of
from api.access.roles import Role
from api.pages.failure import failure_of
from api.pages.steps import duration
from api.problems import Problem, store_away
from breakers.errors import BreakerStoreAway
from core.clock import iso, now_ms
from core.store_fault import StoreFault
from state.errors import StoreUnavailable

REFRESH_MS: Final = 5_000  # a notice is to be there within ten seconds
AWAY_MS: Final = 2_000
_UNITS_S: Final = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


class BoardRoute(APIRoute):
    """A route whose errors are pages too; while Valkey is away the page says so, and goes on when it is back."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's handler, with problems shown to the person."""
        handle = super().get_route_handler()

        async def shown(request: Request) -> Response:
            try:
                return await handle(request)
            except Problem as problem:
                failure = replace(failure_of(problem, ""), means="")  # those are about questions
                return page(request, "board_refused.html", problem.status, failure=failure)
            except (StoreUnavailable, BreakerStoreAway) as error:
                return away_page(request, store_away(fault=error.fault))

        return shown


def page(request: Request, template: str, status: int = 200, /, **view: Any) -> HTMLResponse:
    """A page in the frame; `view` may say by which clock (`now_ms`), and how often it is read anew (`every_ms`)."""
    caller = caller_of(request)
    context = {
        "now_ms": now_ms(),
        "every_ms": 0,
        "logged_in": caller.key_id,
        "is_admin": caller.role.covers(Role.ADMIN),
        **view,
    }
    return templates.TemplateResponse(request, template, context, status)


def away_page(request: Request, problem: Problem) -> HTMLResponse:
    """Valkey cannot be used: it asks for the wanted page until that is there, and changes nothing in another page."""
    fault = StoreFault(problem.extra["store"])
    found = page(request, "board_away.html", 503, problem=problem, fault=fault, every_ms=AWAY_MS)
    found.headers["HX-Reswap"] = "none"
    return found


def span(milliseconds: float) -> str:
    """A stretch of time in its two largest units: `2 min 5 s`, `3 d 4 h`."""
    left_s = max(0, int(milliseconds // 1000))
    at = next((at for at, (unit_s, _) in enumerate(_UNITS_S) if left_s >= unit_s), len(_UNITS_S) - 1)
    told: list[str] = []
    for unit_s, name in _UNITS_S[at : at + 2]:
        count, left_s = divmod(left_s, unit_s)
        if count or not told:
            told.append(f"{count} {name}")
    return " ".join(told)


def share(part: float | None) -> str:
    """`12 %` of 0.12; small shares with a place more, so that few are not told as none."""
    if part is None:
        return "\N{EN DASH}"
    return f"{part * 100:.0f} %" if part == 0 or part >= 0.1 else f"{part * 100:.2g} %"


def took(milliseconds: float | None) -> str:
    """A duration, or a dash."""
    return "\N{EN DASH}" if milliseconds is None else duration(milliseconds)


def clock(at_ms: int) -> str:
    """`12:03:04 UTC`, with its day when that is not today's."""
    moment, today = time.gmtime(at_ms / 1000), time.gmtime()
    form = "%H:%M:%S UTC" if moment[:3] == today[:3] else "%Y-%m-%d %H:%M:%S UTC"
    return time.strftime(form, moment)


templates = Jinja2Templates(Path(__file__).parent / "templates")
templates.env.filters |= {"span": span, "share": share, "took": took, "clock": clock, "iso": iso}
templates.env.trim_blocks = templates.env.lstrip_blocks = True
