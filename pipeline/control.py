"""An operator's wishes, carried out: recorded first, then told to the workers; who is not told finds it recorded."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from enum import StrEnum

from celery import Celery
from kombu.exceptions import OperationalError

from core import tracing
from core.logging import get_logger
from core.settings import get_settings
from pipeline.build import publish
from pipeline.question import room
from state.control import Controlled, cancel, pause, reset_from, resume
from state.listing import MOST, Cursor, Listing
from state.model import WorkflowStatus
from state.store import AsyncStore, Store
from state.transition import Send, Transition, new_token

log = get_logger(__name__)
AGAIN = "retry"  # beside the verbs: it is for workflows that have ended
AT_ONCE = 50  # records changed at the same time, of many
STOP_CALLS = "stop_calls"  # the workers' command (`tasks.remote_control`); arguments: {task_ids}


class Verb(StrEnum):
    """What may be done to a workflow that has not ended."""

    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"


# Where a verb finds its work already done; any other status it cannot change forbids it.
_DONE_ALREADY = {
    Verb.CANCEL: frozenset({WorkflowStatus.CANCELLED}),
    Verb.PAUSE: frozenset({WorkflowStatus.PAUSED}),
    Verb.RESUME: frozenset({WorkflowStatus.QUEUED, WorkflowStatus.RUNNING}),
}

_NEWER = "A newer release recorded the workflow, and only such a one can change it: ask there, or upgrade this one."


def refusal(verb: Verb, workflow_id: str, done: Controlled) -> str:
    """Why a wish was refused; empty when it was carried out, now or before."""
    if done.status is None:
        return f"There is no workflow {workflow_id}."
    if done.refusal == "newer":
        return _NEWER
    if done.done or done.status in _DONE_ALREADY[verb]:
        return ""
    return f"The workflow is {done.status}: it cannot be {verb}{'d' if verb is not Verb.CANCEL else 'led'}."


def not_run_again(workflow_id: str, done: Controlled, step: str) -> str:
    """Why a workflow was not run again from `step` on; empty when it was."""
    if done.done:
        return ""
    return {
        "": f"There is no workflow {workflow_id}.",
        "open": f"The workflow is {done.status}: only an ended one can be run again.",
        "nothing": "Every step has a good output.",
        "unknown": f"The workflow has no step {step}.",
        "newer": _NEWER,
        "full": f"Not accepted: {done.no_room}.",
    }[done.refusal]


def carry_out(store: Store, app: Celery, verb: Verb, workflow_id: str, *, actor: str, reason: str) -> Controlled:
    """Cancel, pause or resume one workflow, for who may block."""
    with tracing.span(verb, workflow_id, actor=actor):
        done = store.run(transition(verb, workflow_id, actor, reason))
        tracing.tell(done=done.done)
    tell(app, done.task_ids if verb is Verb.CANCEL else (), done.sends)
    return done


def tell(app: Celery, stopped: Sequence[str], sends: Iterable[Send]) -> None:
    """Have the workers stop the tasks in `stopped`, which may be running or on their way, and publish `sends`.

    What a pause took out of the queues is not stopped: its messages find the workflow paused, and end there.
    """
    try:
        if stopped:
            app.control.broadcast(STOP_CALLS, arguments={"task_ids": list(stopped)})
        for send in sends:
            publish(app, send, retry=False)
    except OperationalError as error:
        log.warning("workers_not_told", error=repr(error), meaning="they find it in the record")


class Operator:
    """Carries out wishes for an event loop; each is recorded with actor and reason."""

    def __init__(self, store: AsyncStore, app: Celery) -> None:
        self._store, self._app = store, app

    async def control(self, verb: Verb, ids: Sequence[str], *, actor: str, reason: str) -> list[Controlled]:
        """Cancel, pause or resume each of `ids`; one result an id, in their order."""
        return await self._each(
            verb, actor, ids, lambda one: transition(verb, one, actor, reason), stop=verb is Verb.CANCEL
        )

    async def run_again(self, ids: Sequence[str], step: str, *, actor: str, reason: str) -> list[Controlled]:
        """Run ended workflows again from `step` ("": from what has no good output) on; results as of `control`."""

        def again(one: str) -> Transition[Controlled]:
            return reset_from(
                one, step, actor=actor, reason=reason, grace_ms=_grace_ms(), token=new_token(), room=room()
            )

        return await self._each(AGAIN, actor, ids, again)

    async def ids_in(self, wanted: Listing, at_most: int) -> tuple[list[str], Cursor | None]:
        """Ids of a list's workflows, and the place where it goes on, if it does.

        A search ends where one page of it does, so that what is read stays bounded.
        """
        found: list[str] = []
        while True:
            page = await self._store.page(replace(wanted, limit=min(MOST, at_most - len(found))))
            found += [summary.workflow_id for summary in page.workflows]
            if page.next is None or page.searched_until or len(found) == at_most:
                return found, page.next
            wanted = replace(wanted, after=page.next)

    async def _each(
        self,
        what: str,
        actor: str,
        ids: Sequence[str],
        wish: Callable[[str], Transition[Controlled]],
        *,
        stop: bool = False,
    ) -> list[Controlled]:
        async def recorded(one: str) -> Controlled:
            with tracing.span(what, one, actor=actor):
                became = await self._store.run(wish(one))
                tracing.tell(done=became.done)
            return became

        done: list[Controlled] = []
        for first in range(0, len(ids), AT_ONCE):
            some = await asyncio.gather(*(recorded(one) for one in ids[first : first + AT_ONCE]))
            stopped = [task_id for one in some for task_id in one.task_ids] if stop else []
            await asyncio.to_thread(tell, self._app, stopped, [send for one in some for send in one.sends])
            done += some
        return done


def transition(verb: Verb, workflow_id: str, actor: str, reason: str) -> Transition[Controlled]:
    """The transition of a wish."""
    if verb is Verb.CANCEL:
        return cancel(workflow_id, actor=actor, reason=reason, ttl_s=get_settings().workflow_ttl_s)
    if verb is Verb.PAUSE:
        return pause(workflow_id, actor=actor, reason=reason)
    return resume(workflow_id, actor=actor, reason=reason, grace_ms=_grace_ms())


def _grace_ms() -> int:
    return int(get_settings().lease_s * 1000)
