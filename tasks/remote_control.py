"""Remote control: `celery -A tasks control revoke <workflow id>` cancels the workflow."""

from typing import Any

from celery.worker import state as worker_state
from celery.worker.control import control_command, ok
from celery.worker.control import revoke as revoke_task

from core.settings import get_settings
from state.control import cancel, cancel_send
from state.model import WorkflowStatus
from state.store import get_store
from state.transition import parse_task_id


@control_command(name="revoke", variadic="task_id", signature="[id1 [id2 [... [idN]]]]")
def revoke(
    state: Any, task_id: str | list[str], terminate: bool = False, signal: str | None = None, **kwargs: Any
) -> Any:
    """Revoke tasks by id; that of a workflow or of one of its steps cancels the workflow and ends its running call."""
    wanted = {task_id} if isinstance(task_id, str) else set(task_id)
    store, ttl_s = get_store(), get_settings().workflow_ttl_s
    cancelled = set()
    ours = set()
    for one in wanted:
        if send := parse_task_id(one):
            done = store.run(cancel_send(send, actor="celery", reason=f"task {one} was revoked", ttl_s=ttl_s))
        else:
            done = store.run(cancel(one, actor="celery", reason="revoked", ttl_s=ttl_s))
        if done.status is not None:
            ours.add(one)
        if done.status is WorkflowStatus.CANCELLED:
            cancelled.add(send.workflow_id if send else one)
    for request in list(worker_state.active_requests):
        send = parse_task_id(request.id)
        if send and (request.id in ours or send.workflow_id in cancelled):
            request.terminate(state.consumer.pool)
    wanted = wanted - ours
    if wanted:
        return revoke_task(state, list(wanted), terminate=terminate, signal=signal, **kwargs)
    return ok(f"workflows {sorted(cancelled)} cancelled")
