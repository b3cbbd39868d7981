"""What every worker does beside its tasks: renew what it holds, stop what it lost, and bring back what is overdue."""

import gc
from contextlib import suppress
from typing import Any

from celery import bootsteps
from celery.worker import state as worker_state

from core import tracing
from core.logging import get_logger
from core.release import RELEASE
from core.settings import get_settings
from pipeline import stand_ins
from pipeline.build import publish
from pipeline.repeating import repeat
from state.control import PAUSED_AT_MOST_S
from state.errors import StoreUnavailable
from state.recovery import OverdueKind, longest_gap_ms, look, overdue, renew, trim
from state.releases import tell_release
from state.store import Store, get_store
from state.transition import parse_task_id
from tasks import newer
from tasks.stopping import stop_call

log = get_logger(__name__)
LOOK_LIMIT = 100
TRIM_INTERVAL_S = 60.0
RELEASE_INTERVAL_S = 60.0


class Upkeep(bootsteps.StartStopStep):  # type: ignore[misc]
    """Loops beside the pool. They are daemons that nobody stops: a worker that drains still holds its steps."""

    requires = ("celery.worker.components:Pool",)

    def start(self, worker: Any) -> None:
        """Begin the loops."""
        settings = get_settings()
        store = get_store()
        seen: set[str] = set()
        stand_ins.load()
        with suppress(StoreUnavailable):  # told again each minute
            tell_release(store, worker.hostname, RELEASE)
        gc.freeze()  # all that lives as long as the worker: else a prefork parent is deaf for 0.1 s before every fork
        repeat("renewal", settings.renew_interval_s, lambda: renew_held(store, worker))
        repeat("claim", settings.overdue_interval_s, lambda: claim_reserved(store, worker, seen))
        repeat("trim", TRIM_INTERVAL_S, lambda: trim_indexes(store))
        repeat("release", RELEASE_INTERVAL_S, lambda: tell_release(store, worker.hostname, RELEASE))
        repeat("recovery", settings.overdue_interval_s, lambda: bring_back(store, worker))


def renew_held(store: Store, worker: Any) -> None:
    """Renew every step this node has reserved or runs, in one call; stop the calls that are no longer its own."""
    active = {request.id: request for request in list(worker_state.active_requests)}
    known = {request.id for request in list(worker_state.reserved_requests)} | active.keys()
    held = [(send, task_id in active) for task_id in known if (send := parse_task_id(task_id))]
    if not held:
        return
    for task_id in store.run(renew(worker.hostname, held, int(get_settings().lease_s * 1000), longest_gap_ms())):
        if request := active.get(task_id):
            workflow_id, step, *_ = task_id.split(".")
            log.warning("call_stopped", workflow_id=workflow_id, step=step, meaning="cancelled, lost, or too old")
            stop_call(request, worker.pool)


def claim_reserved(store: Store, worker: Any, seen: set[str]) -> None:
    """Hold what this node has reserved since the last time (`seen`): were it to die now, only a lease would be lost."""
    active = {request.id for request in list(worker_state.active_requests)}
    waiting = {request.id for request in list(worker_state.reserved_requests)} - active
    fresh = [(send, False) for task_id in waiting - seen if (send := parse_task_id(task_id))]
    if fresh:
        store.run(renew(worker.hostname, fresh, int(get_settings().lease_s * 1000), longest_gap_ms()))
    seen.clear()
    seen.update(waiting)


def bring_back(store: Store, worker: Any) -> None:
    """Take what is overdue, one entry after the other, and send it."""
    settings = get_settings()
    lease_ms = int(settings.lease_s * 1000)
    for workflow_id, step in store.run(look(LOOK_LIMIT, longest_gap_ms(), lease_ms, worker.hostname)):
        taken = store.run(
            overdue(
                workflow_id,
                step,
                grace_ms=int(settings.resend_grace_s * 1000),
                max_takeovers=settings.max_takeovers,
                ttl_s=settings.workflow_ttl_s,
            )
        )
        if taken.kind is OverdueKind.NEWER:
            newer.say_once()
        if taken.kind in (OverdueKind.POISONED, OverdueKind.DEADLINE):
            log.warning("given_up", why=taken.kind, workflow_id=workflow_id, step=step)
        for send in taken.sends:
            log.warning("step_sent", workflow_id=workflow_id, step=send.step, why=taken.why, send=send.send)
            with tracing.span("bring back", workflow_id, step=send.step, why=taken.why):
                publish(worker.app, send)


def trim_indexes(store: Store) -> None:
    """Forget workflows that must have expired: created longer ago than any could be paused, run and kept."""
    settings = get_settings()
    deadline_s = max(settings.workflow_deadline_s, settings.workflow_deadline_max_s)
    store.run(trim(PAUSED_AT_MOST_S + deadline_s + settings.workflow_ttl_s))
