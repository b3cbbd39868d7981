"""Celery's result backend on top of the record: `AsyncResult(workflow_id)`, `celery result` and Flower see the truth.

Steps are recorded by transitions inside the task body, so the tracer writes nothing (tasks ignore results) and the
`mark_as_*` hooks only translate what Celery alone knows: an operator's revoke, and work that was lost.
"""

from contextlib import suppress
from typing import Any

from celery import states
from celery.backends.redis import RedisBackend

from core.logging import get_logger
from core.sentinel import Watched
from core.settings import get_settings
from core.valkey import sync_client
from state import control
from state.errors import NewerRecord, StoreUnavailable
from state.model import WorkflowStatus
from state.store import Store, store_at
from state.transition import Transition, parse_task_id

log = get_logger(__name__)

_CELERY_STATE = {
    WorkflowStatus.QUEUED: states.PENDING,
    WorkflowStatus.RUNNING: states.STARTED,
    WorkflowStatus.PAUSED: states.STARTED,
}

# Task ids whose calls this process stopped by itself (fenced off, cancelled): their REVOKED is nobody's wish.
stopped_by_us: set[str] = set()


class WorkflowBackend(RedisBackend):  # type: ignore[misc]
    """Redis result backend whose workflow results are written by the record's own transitions."""

    @property
    def store(self) -> Store:
        """The record, on the server this backend was configured with."""
        return store_at(self.url)

    def as_uri(self, include_password: bool = False) -> str:
        """Where it is, for banners and Flower."""
        watched = Watched.of(self.url)
        return watched.shown if watched else str(super().as_uri(include_password))

    def _params_from_url(self, url: str, defaults: dict[str, Any]) -> dict[str, Any]:
        watched = Watched.of(url)
        one = watched.broker_url.partition(";")[0] if watched else url
        params: dict[str, Any] = super()._params_from_url(one, defaults)
        return params

    def _create_client(self, **params: Any) -> Any:
        return sync_client(self.url) if Watched.of(self.url) else super()._create_client(**params)

    def on_task_call(self, producer: Any, task_id: str) -> None:
        """No SUBSCRIBE for what is sent: nobody in this process waits for it."""

    def store_result(self, task_id: str, result: Any, state: str, *args: Any, **kwargs: Any) -> Any:
        """Steps have no result of their own in Celery; anything else is stored as ever."""
        if parse_task_id(task_id):
            return result
        return super().store_result(task_id, result, state, *args, **kwargs)

    def mark_as_revoked(self, task_id: str, reason: str = "", request: Any = None, *args: Any, **kwargs: Any) -> None:
        """An operator's revoke of a step cancels its workflow; a stop of ours does not."""
        send = parse_task_id(task_id)
        if send is None:
            super().mark_as_revoked(task_id, reason, request, *args, **kwargs)
        elif task_id in stopped_by_us:
            stopped_by_us.discard(task_id)
        elif reason != "expired":
            self._run(
                control.cancel_send(
                    send,
                    actor="celery",
                    reason=f"task {send.step} was revoked",
                    ttl_s=get_settings().workflow_ttl_s,
                )
            )

    def mark_as_failure(self, task_id: str, exc: BaseException, *args: Any, **kwargs: Any) -> None:
        """What escaped the task body lost its work, whatever it was: the step is due now and runs again elsewhere."""
        send = parse_task_id(task_id)
        if send is None:
            super().mark_as_failure(task_id, exc, *args, **kwargs)
            return
        log.error("step_lost", workflow_id=send.workflow_id, step=send.step, task_id=task_id, error=repr(exc))
        try:
            record = self.store.record(send.workflow_id)
            if record is not None:
                followers = [step.name for step in record.steps.values() if send.step in step.after]
                self.store.hurry(send.workflow_id, [send.step, *followers])
        except (StoreUnavailable, NewerRecord):
            log.warning(
                "step_lost_unrecorded",
                workflow_id=send.workflow_id,
                step=send.step,
                meaning="its lease or due time will bring it back",
            )

    def mark_as_retry(self, task_id: str, *args: Any, **kwargs: Any) -> None:
        """A retry was recorded before it was asked for."""
        if parse_task_id(task_id) is None:
            super().mark_as_retry(task_id, *args, **kwargs)

    def _get_task_meta_for(self, task_id: str) -> dict[str, Any]:
        """Meta of a task; an unfinished workflow's comes from its record."""
        meta: dict[str, Any] = super()._get_task_meta_for(task_id)
        if meta["status"] == states.PENDING:
            with suppress(NewerRecord):  # PENDING is what Celery says of what it does not know
                if (record := self.store.record(task_id)) is not None:
                    meta["status"] = _CELERY_STATE.get(record.status, states.PENDING)
        return meta

    def _run(self, transition: Transition[Any]) -> None:
        try:
            self.store.run(transition)
        except StoreUnavailable as error:
            log.warning("revoke_unrecorded", meaning=f"{error.fault.said}; ask for the cancel again through the API")
