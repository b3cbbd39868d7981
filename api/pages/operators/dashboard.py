"""`/dashboard`: how it goes, what is wrong, what went wrong; and a way to run again what failed alike."""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any, Final, cast

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import ValidationError

from api.desk import Desk
from api.pages.board import REFRESH_MS, BoardRoute, page
from api.pages.operators.agents_now import Standing, read_standing
from api.pages.operators.error_groups import ErrorGroup, groups_of
from api.pages.operators.notices import Notice, no_worker, notices_of, store_notices
from api.pages.operators.rollout_card import RolloutNow, overflow_notices, read_rollout_now, rollout_notices
from api.pages.operators.timeline import charts_of, table_of
from api.problems import Problem
from api.routes.control_many import run_again
from api.routes.metrics import Metrics, MetricsQuery, metrics
from api.routes.wishes import ManyChanged, RetryManyWish
from core.settings import get_settings
from state.faults import LOOKED_AT, read_faults
from state.load import WorkerLoad, read_load
from state.metrics import BY_MINUTE_AT_MOST_MS
from state.timeline import Slot, read_timeline

router = APIRouter(prefix="/dashboard", route_class=BoardRoute, include_in_schema=False)
WINDOWS: Final = {"15m": "15 minutes", "1h": "1 hour", "24h": "24 hours", "7d": "7 days"}
WindowName = Annotated[str, Query(pattern="^(15m|1h|24h|7d)$")]


@dataclass(frozen=True, slots=True)
class Read:
    """All that the dashboard is made of."""

    metrics: Metrics
    standing: Standing
    slots: list[Slot]
    load: list[WorkerLoad]
    groups: list[ErrorGroup]
    rollout: RolloutNow

    def notices(self) -> list[Notice]:
        """What is wrong now."""
        missing = [] if self.metrics.now.workers or self.standing.fault else [no_worker()]
        overflows = overflow_notices(self.metrics.workflows.overflows, WINDOWS[self.metrics.window])
        found = [*missing, *rollout_notices(self.rollout), *overflows]
        return store_notices(self.standing.fault) + found + notices_of(self.standing.agents, self.standing.now_ms)


@router.get("")
async def dashboard(request: Request, window: WindowName = "1h") -> HTMLResponse:
    """As of now, over the window."""
    query = MetricsQuery(window=window)
    seen = await _read(request, query)
    unit = "minute" if query.length_ms <= BY_MINUTE_AT_MOST_MS else "hour"
    return page(
        request,
        "dashboard.html",
        every_ms=REFRESH_MS,
        now_ms=seen.standing.now_ms,
        window=window,
        windows=WINDOWS,
        notices=seen.notices(),
        metrics=seen.metrics,
        charts=charts_of(seen.slots, unit),
        timeline=table_of(seen.slots),
        load=seen.load,
        at_once=get_settings().worker_concurrency,
        groups=seen.groups,
        rollout=seen.rollout.switch,
        stage=seen.rollout.stage,
        looked_at=LOOKED_AT,
        flower=f"http://{request.url.hostname}:{get_settings().flower_port}/",
    )


@router.get("/retry")
async def asked_retry(request: Request, group: Annotated[str, Query()], window: WindowName = "1h") -> HTMLResponse:
    """Say what will be run again, and ask who wants it and why."""
    found = next((one for one in await _groups(request, MetricsQuery(window=window)) if one.key == group), None)
    if found is None:
        raise Problem(
            "not_found",
            "None of these have failed any more: they were run again, or have expired.",
            recovery_action="correct_request",
            suggestions=["Look at the dashboard again."],
        )
    return page(request, "error_retry.html", group=found, window=window)


@router.post("/retry")
async def retry(request: Request) -> HTMLResponse:
    """Run the named workflows again, each as a new round, and tell what became of them."""
    form = await request.form()
    wish = _wish(actor=form.get("actor", ""), reason=form.get("reason", ""), ids=str(form.get("ids", "")).split())
    done: ManyChanged = await run_again(request, wish)
    return page(request, "error_retried.html", done=done)


async def _read(request: Request, query: MetricsQuery) -> Read:
    store = _desk(request).store
    return Read(
        *await asyncio.gather(
            metrics(request, query),
            read_standing(request),
            read_timeline(store, query.length_ms),
            read_load(store),
            _groups(request, query),
            read_rollout_now(store),
        )
    )


async def _groups(request: Request, query: MetricsQuery) -> list[ErrorGroup]:
    store = _desk(request).store
    ((seconds, _),) = await store.read(lambda pipe: pipe.time())
    return groups_of(await read_faults(store, seconds * 1000 - query.length_ms))


def _wish(**said: Any) -> RetryManyWish:
    try:
        return RetryManyWish.model_validate(said)
    except ValidationError as error:
        raise Problem(
            "invalid_request", str(error.errors()[0]["msg"]), recovery_action="correct_request"
        ) from error


def _desk(request: Request) -> Desk:
    return cast("Desk", request.app.state.desk)
