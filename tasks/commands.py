"""What an operator asks for by remote control, wherever it is carried out: in the asking process, or in a worker."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from celery import Celery
from celery.exceptions import CeleryCommandException
from celery.utils.functional import maybe_list

from core import tracing
from core.settings import get_settings
from pipeline.control import Verb, carry_out, refusal
from state.control import cancel, cancel_send
from state.errors import NewerRecord
from state.inspection import inspect
from state.model import WorkflowStatus
from state.store import get_store
from state.transition import parse_task_id
from tasks.inspection import as_json, as_text

ACTOR = "celery"  # in events: by remote control, that is from the shell, Flower or a script
MAX_REASON = 500
REFUSED = 1  # exit status of the shell's command


@dataclass(frozen=True, slots=True)
class Reply:
    """The same said twice: for a program, and for a person."""

    data: dict[str, Any]
    text: str


def look(_app: Celery, workflow_id: str = "") -> Reply:
    """Where a workflow stands; raises when there is none."""
    try:
        seen = inspect(get_store(), _given(workflow_id))
    except NewerRecord as error:
        raise CeleryCommandException(f"It cannot be shown here: {error}.", REFUSED) from error
    if seen is None:
        raise CeleryCommandException(f"There is no workflow {workflow_id}.", REFUSED)
    return Reply(as_json(seen), as_text(seen))


def change(app: Celery, verb: Verb, workflow_id: str = "", reason: str | list[str] = "") -> Reply:
    """Cancel, pause or resume a workflow; raises with the reason when its status forbids it."""
    words = maybe_list(reason) or []
    said = "" if words == [workflow_id] else " ".join(words)[:MAX_REASON]  # the shell gives a lone argument twice
    done = carry_out(get_store(), app, verb, _given(workflow_id), actor=ACTOR, reason=said)
    if problem := refusal(verb, workflow_id, done):
        raise CeleryCommandException(problem, REFUSED)
    told = "" if done.done else ", as it was"
    data = {"workflow_id": workflow_id, "status": done.status, "changed": done.done}
    return Reply(data, f"{workflow_id} is {done.status}{told}")


COMMANDS: dict[str, Callable[..., Reply]] = {
    "workflow": look,
    "cancel_workflow": partial(change, verb=Verb.CANCEL),
    "pause": partial(change, verb=Verb.PAUSE),
    "resume": partial(change, verb=Verb.RESUME),
}


def cancel_named(ids: Iterable[str]) -> dict[str, WorkflowStatus]:
    """Cancel what `ids` name, workflows or tasks of their steps; the status now, by each id that is one of ours."""
    store, ttl_s, found = get_store(), get_settings().workflow_ttl_s, dict[str, WorkflowStatus]()
    for one in ids:
        if send := parse_task_id(one):
            wish = cancel_send(send, actor=ACTOR, reason=f"task {one} was revoked", ttl_s=ttl_s)
        else:
            wish = cancel(one, actor=ACTOR, reason="revoked", ttl_s=ttl_s)
        with tracing.span(Verb.CANCEL, send.workflow_id if send else one, actor=ACTOR):
            became = store.run(wish)
            tracing.tell(done=became.done)
        if became.status is not None:
            found[one] = became.status
    return found


def _given(workflow_id: str) -> str:
    if not workflow_id:
        raise CeleryCommandException("Say which workflow: its id is missing.", REFUSED)
    return workflow_id
