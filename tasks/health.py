"""Beat's health checks: one look at one agent, recorded; for a breaker that waits for a probe it is the probe."""

from agents.health import KEY, HealthStatus, check_health, merged, read_all, to_json
from agents.health_changes import KEPT, change_fields
from agents.health_changes import KEY as CHANGES
from agents.registry import get_registry
from breakers import Outcome
from breakers.registry import get_breakers
from core.logging import get_logger
from state.store import get_store
from tasks.app import app

log = get_logger(__name__)


@app.task(name="health.check", ignore_result=True)
def check(agent: str) -> None:
    """Look at `agent` and record what was seen.

    A breaker that is open past its time is closed by good looks, so no question is spent on finding out. A bad look
    opens none: who serves its questions well is not judged by its health page.
    """
    registry = get_registry()
    store = get_store()
    before = read_all(store.hash(KEY), registry)[agent]
    breaker = get_breakers()[agent]
    probe = breaker.probe()
    health = merged(before, check_health(registry[agent]))
    if probe is not None:
        well = health.status is HealthStatus.HEALTHY
        breaker.report(probe, Outcome.SUCCESS if well else Outcome.FAILURE, health.latency_ms / 1000)
    store.client.hset(KEY, agent, to_json(health))
    if health.status is not before.status:
        store.client.xadd(CHANGES, change_fields(health), maxlen=KEPT, approximate=True)
        log.info("agent_health_changed", agent=agent, before=before.status, now=health.status, detail=health.detail)
