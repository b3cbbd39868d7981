"""A running system with many workflows in it, of which two have much to show."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests
from redis import Redis

from bench import copies
from core.valkey import sync_client
from pipeline.question import Question, accept, plan_workflow
from state import control, keys
from state import transitions as t
from state.model import Mode
from state.store import Store
from state.transition import Send, new_token
from tests.processes import LocalSystem

QUESTION, HOPELESS = "average departure delay by carrier", "taxi time by airport"
SPREAD_MS = 20 * 3_600_000
EVENTS, ATTEMPTS, FAILED_SHARE = 2_000, 100, 0.1
HOUR_S, HOUR_MS = 3_600, 3_600_000
ERROR = {"error_type": "agent_error", "message": "the data agent failed: 503 Service Unavailable"}


@dataclass(frozen=True)
class Stocked:
    """What runs, and what is in it."""

    system: LocalSystem
    stored: int
    answered: str
    failed: str
    eventful: str  # paused, so its page is live and nothing happens to it
    tried: str


@contextmanager
def stocked(folder: Path, count: int) -> Iterator[Stocked]:
    """Everything that `make run` starts, and `count` workflows of the last day."""
    system = LocalSystem(folder)
    try:
        system.ready()
        client = sync_client(system.redis_url)
        try:
            yield _filled(system, client, count)
        finally:
            client.close()
    finally:
        system.teardown()


def _filled(system: LocalSystem, client: "Redis", count: int) -> Stocked:
    store = Store(client)
    answer = requests.post(f"{system.base_url}/api/query", json={"query": QUESTION}, timeout=60).json()
    answered, failed = str(answer["workflow_id"]), _failed(store, attempts=1)
    of_failed = round(count * FAILED_SHARE)
    for workflow_id, many in ((answered, count - of_failed), (failed, of_failed)):
        record = store.record(workflow_id)
        if record is None or not record.status.final:
            raise RuntimeError(f"what is to be copied has not ended: {record}")
        original = copies.take(client, workflow_id, record.created_ms)
        copies.fill(system.ports["valkey"], original, many, record.created_ms - 1, SPREAD_MS)
    found = Stocked(system, client.zcard(keys.BY_TIME), answered, failed, _eventful(store), _failed(store, ATTEMPTS))
    if found.stored < count or client.xlen(keys.events(found.eventful)) < EVENTS:
        raise RuntimeError(f"the store is not as full as it was to be: {found}")
    return found


def _accepted(store: Store) -> tuple[str, Send]:
    """A workflow whose first message is not sent: nobody but us works on it."""
    workflow = plan_workflow(Question(HOPELESS, deadline_s=HOUR_S), Mode.BACKGROUND)
    return workflow.workflow_id, store.run(accept(workflow, new_token())).sends[0]


def _begun(store: Store, send: Send) -> t.Go:
    go = store.run(t.begin(send, node="proof", lease_ms=HOUR_MS, ttl_s=HOUR_S, token=new_token()))
    if not isinstance(go, t.Go):
        raise RuntimeError(f"the step does not begin: {go}")  # noqa: TRY004 - a verdict of the store
    return go


def _failed(store: Store, attempts: int) -> str:
    """One whose data step failed so often."""
    workflow_id, nlp = _accepted(store)
    done = t.finish(_begun(store, nlp), {}, ttl_s=HOUR_S, grace_ms=HOUR_MS, token=new_token())
    (data,) = store.run(done).released
    for _ in range(attempts - 1):
        store.run(t.retry_later(_begun(store, data), 0, ERROR, lease_ms=HOUR_MS, token=new_token()))
    store.run(t.fail(_begun(store, data), ERROR, ttl_s=24 * HOUR_S, grace_ms=HOUR_MS, token=new_token()))
    return workflow_id


def _eventful(store: Store) -> str:
    """One with a long history, paused at last."""
    workflow_id, _ = _accepted(store)
    for _ in range(EVENTS // 2):
        store.run(control.resume(workflow_id, actor="proof", reason="to go on", grace_ms=HOUR_MS))
        store.run(control.pause(workflow_id, actor="proof", reason="to have a long history"))
    return workflow_id
