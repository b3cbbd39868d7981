"""Health: of this process, of what it needs, of the agents."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from redis.exceptions import RedisError

from agents.health import HealthStatus
from api.desk import Desk
from api.problems import Problem, documented
from core.clock import iso

router = APIRouter(tags=["health"])


@router.get("/health/live", summary="This process runs")
async def live() -> dict[str, str]:
    """Always 200."""
    return {"status": "live"}


@router.get("/health/ready", summary="This process can take questions", responses=documented({503: "Valkey is away"}))
async def ready(request: Request) -> JSONResponse:
    """200 when Valkey answers, else a problem that says so."""
    desk: Desk = request.app.state.desk
    try:
        await desk.store.client.ping()
    except (RedisError, OSError) as error:
        raise Problem(
            "store_unavailable",
            f"Valkey does not answer ({type(error).__name__}).",
            recovery_action="wait_and_retry",
            retry_after_s=2,
            suggestions=["Look at REDIS_URL, and whether the server runs."],
        ) from error
    return JSONResponse({"status": "ready"})


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
