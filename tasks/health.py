"""Beat's health checks: one look at one agent, recorded."""

from agents.health import KEY, check_health, merged, read_all, to_json
from agents.registry import get_registry
from core.logging import get_logger
from state.store import get_store
from tasks.app import app

log = get_logger(__name__)


@app.task(name="health.check", ignore_result=True)
def check(agent: str) -> None:
    """Look at `agent` and record what was seen."""
    registry = get_registry()
    store = get_store()
    before = read_all(store.hash(KEY), registry)[agent]
    health = merged(before, check_health(registry[agent]))
    store.client.hset(KEY, agent, to_json(health))
    if health.status is not before.status:
        log.info("agent_health_changed", agent=agent, before=before.status, now=health.status, detail=health.detail)
