"""Remote control: `celery -A tasks control revoke <workflow id>` cancels the workflow."""

from typing import Any

from celery.worker import state as worker_state
from celery.worker.control import control_command, ok
from celery.worker.control import revoke as revoke_task

from core.settings import get_settings
from state.control import cancel
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
    for one in wanted:
        workflow_id = send.workflow_id if (send := parse_task_id(one)) else one
        if store.run(cancel(workflow_id, actor="celery", reason="revoked", ttl_s=ttl_s)).status is not None:
            cancelled.add(workflow_id)
            wanted = wanted - {one}
    for request in list(worker_state.active_requests):
        if (send := parse_task_id(request.id)) and send.workflow_id in cancelled:
            request.terminate(state.consumer.pool)
    if wanted:
        return revoke_task(state, list(wanted), terminate=terminate, signal=signal, **kwargs)
    return ok(f"workflows {sorted(cancelled)} cancelled")
