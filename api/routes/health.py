"""Health: of this process, of what it needs, of the agents."""

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from redis.exceptions import RedisError

from agents.health import HealthStatus
from api.checkup import check_up
from api.desk import Desk
from api.problems import Problem, documented
from core.clock import iso
from core.finding import Finding, Level, worst
from core.release import RELEASE
from core.settings import get_settings, variables
from core.store_fault import StoreFault, fault_of
from tasks import app as celery_app

router = APIRouter(tags=["health"])


@router.get("/health/live", summary="This process runs")
async def live() -> dict[str, str]:
    """Always 200, with the release."""
    return {"status": "live", "release": RELEASE}


class Check(BaseModel):
    """One finding of the check-up."""

    subject: str
    level: Level
    found: str
    advice: str


class Readiness(BaseModel):
    """`level` is that of the worst check; both are told only when asked for."""

    status: Literal["ready"] = "ready"
    level: Level | None = None
    checks: list[Check] | None = None


class ReadyQuery(BaseModel):
    """What may be asked for."""

    model_config = ConfigDict(extra="forbid")

    verbose: Literal["", "1", "true"] | None = Field(None, description="`?verbose`: all that `make doctor` checks.")


@router.get(
    "/health/ready",
    summary="This process can take questions",
    responses=documented({422: "The request is not valid", 503: "Valkey is away"}),
    response_model_exclude_none=True,
)
async def ready(request: Request, query: Annotated[ReadyQuery, Query()]) -> Readiness:
    """200 when Valkey answers, else a problem that says so; `?verbose` tells how everything else is, too."""
    desk: Desk = request.app.state.desk
    checks = None if query.verbose is None else await _checks(desk)
    try:
        await desk.store.client.ping()
    except (RedisError, OSError) as error:
        raise Problem(
            "store_unavailable",
            f"{(fault_of(error) or StoreFault.AWAY).said} ({type(error).__name__}).",
            recovery_action="wait_and_retry",
            retry_after_s=2,
            suggestions=["Look at REDIS_URL, and whether the server runs."],
            extra={"checks": [asdict(check) for check in checks]} if checks else None,
        ) from error
    if checks is None:
        return Readiness()
    return Readiness(level=worst(checks), checks=[Check(**asdict(check)) for check in checks])


async def _checks(desk: Desk) -> list[Finding]:
    return await check_up(get_settings(), desk.store, celery_app, variables())


@router.get(
    "/api/health/agents",
    summary="What beat last saw of each agent",
    responses=documented({503: "The store is away: wait and retry"}),
)
async def agents(request: Request) -> dict[str, Any]:
    """`healthy`, `unhealthy` or `unknown` (not looked at lately), with the moments it was seen and last changed."""
    desk: Desk = request.app.state.desk
    seen = await desk.health()
    views = {
        name: {**asdict(health), "checked_at": iso(health.checked_ms or None), "since": iso(health.since_ms or None)}
        for name, health in seen.items()
    }
    for view in views.values():
        view.pop("checked_ms"), view.pop("since_ms")
    every = all(health.status is HealthStatus.HEALTHY for health in seen.values())
    return {"status": "healthy" if every else "degraded", "agents": views}
