"""One Celery task for each agent; the message is (workflow id, step) and only a hint.

What else a later release may send along is left out.
"""

from typing import Any

from celery import Task
from celery.exceptions import Ignore

from core.logging import in_log
from pipeline.build import publish
from pipeline.execution import Nothing, Wait, run_step
from pipeline.ledger import StoreLedger
from state.errors import StoreUnavailable
from state.store import get_store
from state.transition import Send, parse_task_id
from state.transitions import Verdict
from tasks import handoff, newer
from tasks.app import app

_OPTIONS: dict[str, Any] = {
    "bind": True,
    "ignore_result": True,
    # What escapes the task body is the store being away. The record brings the step back anyway; this is the quick way.
    "autoretry_for": (StoreUnavailable,),
    "retry_backoff": 1,
    "retry_backoff_max": 10,
    "retry_jitter": True,
    "max_retries": None,
}


@app.task(name="agents.nlp", **_OPTIONS)
def nlp(self: Task, workflow_id: str, step: str, *_: Any, **__: Any) -> None:
    """Ask the nlp agent: question -> query."""
    deliver(self, workflow_id, step)


@app.task(name="agents.data", **_OPTIONS)
def data(self: Task, workflow_id: str, step: str, *_: Any, **__: Any) -> None:
    """Ask the data agent: query -> rows."""
    deliver(self, workflow_id, step)


@app.task(name="agents.viz", **_OPTIONS)
def viz(self: Task, workflow_id: str, step: str, *_: Any, **__: Any) -> None:
    """Ask the viz agent: rows -> chart."""
    deliver(self, workflow_id, step)


@app.task(name="agents.compose", **_OPTIONS)
def compose(self: Task, workflow_id: str, step: str, *_: Any, **__: Any) -> None:
    """Put the parts of a complex question together, in this worker: no agent is asked."""
    deliver(self, workflow_id, step)


@app.task(name="agents.call", **_OPTIONS)
def call(self: Task, workflow_id: str, step: str, *_: Any, **__: Any) -> None:
    """Ask any further agent that is registered."""
    deliver(self, workflow_id, step)


def deliver(task: Task, workflow_id: str, step: str) -> None:
    """Run the step and turn its outcome into Celery's terms.

    What was released is begun here if it may be (`tasks.handoff`). Only when it is exactly the chain's next link does
    Celery send it; any other way the chain ends here.
    """
    send = parse_task_id(task.request.id) or Send(workflow_id, step, 0, 0)
    with in_log(workflow_id=workflow_id, step=step):
        if newer.is_newer(task.request):
            raise newer.left(task)
        outcome = run_step(StoreLedger(get_store(), task.request.hostname), send)
        if isinstance(outcome, Nothing) and outcome.why == Verdict.NEWER:
            raise newer.left(task)
    if isinstance(outcome, Wait):
        raise task.retry(countdown=outcome.wait_s, max_retries=None)
    if isinstance(outcome, Nothing):
        task.request.chain = None
        raise Ignore
    remaining = [released for released in outcome.sends if not handoff.take(released)]
    if remaining and next_link(task.request.chain) == [released.task_id for released in outcome.sends]:
        return
    task.request.chain = None
    for released in remaining:
        publish(app, released)


def next_link(chain: list[dict[str, Any]] | None) -> list[str]:
    """Task id of the link Celery would send next (a chain is stored back to front); none at its end."""
    return [chain[-1]["options"]["task_id"]] if chain else []
