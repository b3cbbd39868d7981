"""The workers' remote control commands; the help of `celery -A tasks inspect --list` and `control --list` is here.

`tasks.control_class` answers ours before any worker hears of them; here they are for askers without that class.
"""

from collections.abc import Iterable
from typing import Any

from celery.exceptions import CeleryCommandException
from celery.utils.functional import maybe_list
from celery.worker import state as worker_state
from celery.worker.control import control_command, inspect_command, nok, ok
from celery.worker.control import revoke as revoke_task

from pipeline.control import STOP_CALLS
from state.model import WorkflowStatus
from state.transition import parse_task_id
from tasks.commands import COMMANDS, cancel_named
from tasks.stopping import stop_call

_ID = ("workflow_id", str)
_SIGNATURE = "<workflow id> [reason]"


@inspect_command(
    name="workflow", args=[_ID], signature="<workflow id>", help="Status, steps and last events of a workflow."
)
def workflow(state: Any, **arguments: Any) -> Any:
    """Tell where a workflow stands."""
    return _carried_out(state, "workflow", arguments)


@control_command(
    name="cancel_workflow",
    args=[_ID],
    variadic="reason",
    signature=_SIGNATURE,
    help="Cancel a workflow: its running call ends, nothing of it begins. May be run again later.",
)
def cancel_workflow(state: Any, **arguments: Any) -> Any:
    """Cancel a workflow."""
    return _carried_out(state, "cancel_workflow", arguments)


@control_command(
    name="pause",
    args=[_ID],
    variadic="reason",
    signature=_SIGNATURE,
    help="Pause a workflow: its running calls end, nothing more begins until resume.",
)
def pause(state: Any, **arguments: Any) -> Any:
    """Pause a workflow."""
    return _carried_out(state, "pause", arguments)


@control_command(
    name="resume",
    args=[_ID],
    variadic="reason",
    signature=_SIGNATURE,
    help="Go on with a paused workflow; the pause does not count in its deadline.",
)
def resume(state: Any, **arguments: Any) -> Any:
    """Go on with a paused workflow."""
    return _carried_out(state, "resume", arguments)


@control_command(
    name="revoke",
    variadic="task_id",
    signature="[id1 [id2 [... [idN]]]]",
    help="Cancel workflows by their ids or their steps' task ids; any other id: revoke that task.",
)
def revoke(
    state: Any, task_id: str | list[str], terminate: bool = False, signal: str | None = None, **kwargs: Any
) -> Any:
    """Revoke by id; that of a workflow or of one of its steps cancels the workflow and ends its running call."""
    wanted = set(maybe_list(task_id) or [])
    ours = cancel_named(wanted)
    ended = {_workflow_of(one) for one, status in ours.items() if status is WorkflowStatus.CANCELLED}
    _stop(state, [one for one in worker_state.requests if one in ours or _workflow_of(one) in ended])
    if foreign := wanted - ours.keys():
        return revoke_task(state, list(foreign), terminate=terminate, signal=signal, **kwargs)
    return ok(", ".join(f"{one} is {status}" for one, status in sorted(ours.items())))


@control_command(
    name="terminate",
    variadic="task_id",
    args=[("signal", str)],
    signature="<signal> [id1 [id2 [... [idN]]]]",
    help="As revoke; any other id: end that task with a signal.",
)
def terminate(state: Any, signal: str, task_id: str | list[str], **_: Any) -> Any:
    """Revoke and end what runs; a workflow's call ends with any revoke."""
    return revoke(state, task_id, terminate=True, signal=signal)


@control_command(name=STOP_CALLS, visible=False)
def stop_calls(state: Any, task_ids: list[str], **_: Any) -> Any:
    """Stop the tasks of workflows that are recorded as cancelled; whoever arrives later is discarded."""
    worker_state.revoked.update(task_ids)
    return ok(_stop(state, task_ids))


def _stop(state: Any, task_ids: Iterable[str]) -> int:
    requests = [request for one in task_ids if (request := worker_state.requests.get(one))]
    for request in requests:
        stop_call(request, state.consumer.pool)
    return len(requests)


def _workflow_of(task_id: str) -> str:
    send = parse_task_id(task_id)
    return send.workflow_id if send else task_id


def _carried_out(state: Any, command: str, arguments: dict[str, Any]) -> Any:
    try:
        reply = COMMANDS[command](state.app, **arguments)
    except CeleryCommandException as refused:
        return nok(refused.message)
    return reply.data if command == "workflow" else ok(reply.data)
