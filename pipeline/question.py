"""From a question to an accepted workflow: recorded first, then sent. What is not sent, the due set sends."""

import time
from dataclasses import dataclass, field, replace
from typing import Any

from celery import Celery
from kombu.exceptions import OperationalError

from agents.registry import get_registry
from core.logging import get_logger
from core.settings import get_settings
from pipeline.asked.plan import checked_plan
from pipeline.asked.step import AskedStep
from pipeline.build import chained, publish
from pipeline.cell import new_workflow_id
from pipeline.complexity import complexity_of
from pipeline.plan import ordinary_plan, plan_to_be_extended, within_limit
from state.idempotency import Once
from state.model import Mode, NewStep, NewWorkflow, Path, Route
from state.room import Room
from state.transition import Transition
from state.transitions import Started, start

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Question:
    """What a person asked, as it came through the door."""

    query: str
    query_id: str = ""
    user_id: str = ""
    session_id: str = ""
    context: dict[str, Any] = field(default_factory=dict)
    database_context: dict[str, Any] | None = None
    visualization: dict[str, Any] = field(default_factory=dict)
    deadline_s: float | None = None  # None: as the settings say
    steps: tuple[AskedStep, ...] = ()  # a plan of the caller's own; none: ours
    caller: str = ""  # the API key it came with


def plan_workflow(question: Question, mode: Mode = Mode.INTERACTIVE) -> NewWorkflow:
    """A new workflow for `question`; raises `BadPlan` when the plan it brings cannot be taken."""
    workflow_id = new_workflow_id(get_settings().cell)
    request = {
        "query": question.query,
        "query_id": question.query_id or workflow_id,
        "user_id": question.user_id,
        "session_id": question.session_id,
        "visualization": question.visualization,
        "context": {"timestamp": time.time(), "source": "baton", **question.context},
        "database_context": question.database_context,
    }
    deadline_s = question.deadline_s or get_settings().workflow_deadline_s
    plan, route, why = _plan_of(question)
    return NewWorkflow(workflow_id, request, mode, deadline_s, chained(plan), question.caller, route, why)


def _plan_of(question: Question) -> tuple[tuple[NewStep, ...], Route, str]:
    """The first plan, the route it belongs to, and why that one."""
    registry, most = get_registry(), get_settings().max_steps
    if question.steps:
        return checked_plan(question.steps, registry, most), Route.PLAN, "the request brought its plan"
    verdict = complexity_of(question.query)
    if verdict.complex:
        return within_limit(plan_to_be_extended(registry), most), Route.COMPLEX, verdict.why
    return within_limit(ordinary_plan(registry), most), Route.SIMPLE, verdict.why


def accept(workflow: NewWorkflow, token: str, once: Once | None = None) -> Transition[Started]:
    """The transition that records it; once it is recorded the workflow ends in one final status, whatever happens."""
    found = room()
    if workflow.path is Path.DIRECT:  # it goes through no queue
        found = replace(found, queue_max=0)
    return start(workflow, int(get_settings().lease_s * 1000), token, once, found)


def room() -> Room:
    """How much the settings let wait, and be open."""
    return Room(get_settings().max_open_per_key, get_settings().queue_max)


def send_first(app: Celery, workflow: NewWorkflow, started: Started) -> None:
    """Publish the chains that may begin; one quick try, since the due set sends what was not sent."""
    log.info(
        "workflow_accepted",
        workflow_id=workflow.workflow_id,
        mode=workflow.mode,
        route=workflow.route,
        overflow=workflow.overflow,
    )
    for send in started.sends:
        try:
            publish(app, send, retry=False)
        except OperationalError as error:
            log.warning(
                "send_failed",
                workflow_id=workflow.workflow_id,
                step=send.step,
                error=repr(error),
                meaning="the workers send it when it is overdue",
            )
