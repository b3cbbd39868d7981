"""Stopping a running call, on any pool: a child or a greenlet is killed, a thread loses its socket."""

import signal
from typing import Any

from celery.concurrency.thread import TaskPool as ThreadPool
from celery.worker import state as worker_state

from core import stoppable
from state.backend import stopped_by_us


def stop_call(request: Any, pool: Any) -> None:
    """End the call that `request` makes, if it makes one: what it was about is settled in the record. Idempotent."""
    if isinstance(pool, ThreadPool):
        if stoppable.stop(request.id):
            request.send_event("task-revoked", terminated=True, signum=int(signal.SIGTERM), expired=False)
        return
    # On prefork a call may have begun that the parent has not heard of yet; elsewhere whoever has not begun finds the
    # record as it is.
    if request in worker_state.active_requests or not pool.is_green:
        stopped_by_us.add(request.id)
        request.terminate(pool)
        if pool.is_green:
            # Celery takes a killed greenlet for a success, and would tell Flower so after it told of the revoke.
            request._eventer = None  # noqa: SLF001 - the request says nothing more
