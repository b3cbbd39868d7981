"""Beat's health checks: one look at one agent, recorded; for a breaker that waits for a probe it is the probe."""

from collections.abc import Callable

import redis

from agents.health import KEY, HealthStatus, check_health, merged, read_all, to_json
from agents.health_changes import KEPT, change_fields
from agents.health_changes import KEY as CHANGES
from agents.registry import get_registry
from breakers import Outcome
from breakers.registry import get_breakers
from core.logging import get_logger
from state.store import Store, get_store, is_other_type
from tasks.app import app

log = get_logger(__name__)


def _keep(store: Store, key: str, write: Callable[["redis.Redis"], object]) -> None:
    """Write to `key`; what is there of another type is none of ours, and makes room."""
    try:
        write(store.client)
    except redis.ResponseError as error:
        if not is_other_type(error):
            raise
        log.warning("key_unreadable", key=key, meaning="it was of another type, so none of ours: it is deleted")
        store.client.delete(key)
        write(store.client)


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
    _keep(store, KEY, lambda valkey: valkey.hset(KEY, agent, to_json(health)))
    if health.status is not before.status:
        _keep(store, CHANGES, lambda valkey: valkey.xadd(CHANGES, change_fields(health), maxlen=KEPT, approximate=True))
        log.info("agent_health_changed", agent=agent, before=before.status, now=health.status, detail=health.detail)
