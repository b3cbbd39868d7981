"""The desk: what the routes and pages call. One object holds the connections of this API process."""

import asyncio
from collections.abc import AsyncIterator
from contextvars import copy_context
from functools import partial
from typing import Any

from celery import Celery

from agents.client import fetch_examples
from agents.health import KEY as HEALTH_KEY
from agents.health import Health, HealthStatus, check_health, read_all
from agents.registry import get_registry
from api.absences import Reach, with_absences
from api.direct_desk import DirectDesk
from api.problems import Problem, store_away
from api.watch import Watcher
from core import tracing
from core.logging import get_logger
from core.settings import get_settings
from core.store_fault import StoreFault
from pipeline.answer import Answer, compose_answer
from pipeline.control import Operator
from pipeline.direct.path import Seat
from pipeline.question import Question, accept, plan_workflow, send_first
from pipeline.stand_ins import question_key
from state.errors import NoRoom, StoreUnavailable
from state.events import Event, EventKind
from state.idempotency import Once
from state.model import Mode, NewWorkflow, Route, WorkflowRecord
from state.store import AsyncStore
from state.transition import new_token
from state.transitions import Started

log = get_logger(__name__)
CONFIRM_DOWN_S = 1.0
EVENTS_A_LOOK = 50
LOOKS_AT_ONCE = 32  # of all streams of events together: each takes a connection, which stays
PATIENCE_S = 3.0  # beyond the deadline, within which the workers close a workflow


class Desk:
    """Takes questions, and finds workflows, answers and events."""

    def __init__(self, store: AsyncStore, watcher: Watcher, app: Celery, direct: DirectDesk) -> None:
        self.store = store
        self._direct = direct
        self._watcher = watcher
        self._looks = asyncio.Semaphore(LOOKS_AT_ONCE)
        self._app = app
        self.operator = Operator(store, app)

    async def accept(
        self, question: Question, mode: Mode = Mode.INTERACTIVE, once: Once | None = None
    ) -> Started:
        """Accept a question: recorded, then sent, or taken here; not `fresh` when `once` has led to an earlier one.

        Raises `Problem` when an agent is down.
        """
        workflow, seat = plan_workflow(question, mode), None
        if mode is Mode.INTERACTIVE and not (once and await self.store.exists(once.place)):
            await self._pre_flight(workflow)
        awaited = mode is Mode.INTERACTIVE and workflow.route is not Route.PLAN
        if awaited:
            workflow, seat = await self._direct.placed(workflow)
        with tracing.first_span("question", workflow.workflow_id, mode=mode, route=workflow.route):
            try:
                return await self._accepted(workflow, once, seat)
            except NoRoom as full:
                other = self._direct.instead(workflow) if awaited and full.setting == "QUEUE_MAX" else None
                if other is None:
                    raise
                workflow, seat = other
                return await self._accepted(workflow, once, seat)

    async def _accepted(self, workflow: NewWorkflow, once: Once | None, seat: Seat | None) -> Started:
        """Record the workflow, then take it or send it; a seat that nothing is to be done on is left."""
        fresh = False
        try:
            started = await self.store.run(accept(workflow, new_token(), once), on_disk=get_settings().accept_fsync)
            fresh = started.fresh
        finally:
            if seat is not None and not fresh:
                seat.leave()
        tracing.tell(replayed=not fresh)
        if fresh:
            await self._taken_or_sent(workflow, seat, started)
        return started

    async def _taken_or_sent(self, workflow: NewWorkflow, seat: Seat | None, started: Started) -> None:
        """Take its first steps here, or publish them."""
        if seat is not None and self._direct.take(seat, started.sends):
            log.info(
                "workflow_accepted", workflow_id=workflow.workflow_id, path=workflow.path, overflow=workflow.overflow
            )
            return
        publish = partial(copy_context().run, send_first, self._app, workflow, started)
        try:
            published = asyncio.get_running_loop().run_in_executor(None, publish)
        except RuntimeError as error:  # the machine gives no further thread
            meaning = "the workers send it when it is overdue"
            log.warning("send_failed", workflow_id=workflow.workflow_id, error=str(error), meaning=meaning)
        else:
            await published

    async def answer_unrecorded(self, question: Question, fault: StoreFault) -> tuple[WorkflowRecord, Answer]:
        """Answer at once, without a record, while Valkey has a `fault`; raises `Problem` when there are too many."""
        found = await self._direct.answer(plan_workflow(question))
        if found is None:
            raise store_away("More questions are asked than can be answered without Valkey.", fault)
        return found

    async def record(self, workflow_id: str) -> WorkflowRecord | None:
        """The record, None when there is none (any more)."""
        return await self.store.record(workflow_id)

    async def answer(self, workflow_id: str) -> Answer | None:
        """The answer as far as it is there."""
        record, contents = await self.store.record(workflow_id), await self.store.contents(workflow_id)
        return compose_answer(record, contents) if record and contents else None

    async def wait(self, workflow_id: str, at_most_s: float) -> WorkflowRecord | None:
        """The record as soon as it is final, or as it stands after `at_most_s`; absences of Valkey are waited out."""
        ends_at = asyncio.get_running_loop().time() + at_most_s
        async with self._watcher.watching(workflow_id) as watch:
            while True:
                time_is_up = asyncio.get_running_loop().time() >= ends_at
                try:
                    record = await self.store.record(workflow_id)
                except StoreUnavailable:
                    if time_is_up:
                        raise
                else:
                    if record is None or record.status.final or time_is_up:
                        return record
                await watch.changed()

    async def events(self, workflow_id: str, after: str = "0-0") -> AsyncIterator[Event]:
        """Events that follow `after`, as they happen, until the last one; absences of Valkey are waited out."""
        async with self._watcher.watching(workflow_id) as watch:
            while True:
                # Not ended by a reader who hangs up: our connection to Valkey would be lost with it.
                found, over = await asyncio.shield(self._look(workflow_id, after))
                for event in found:
                    yield event
                    after = event.event_id
                if over:
                    return
                if not found:
                    await watch.changed()

    def events_and_absences(self, workflow_id: str, after: str = "0-0") -> AsyncIterator[Event | Reach]:
        """The same, and whether Valkey is there."""
        return with_absences(self.events(workflow_id, after), self._watcher)

    async def newest_event(self, workflow_id: str) -> str:
        """The id of the newest event there is; `0-0` without such a workflow."""
        version = await self.store.version(workflow_id)
        return version.rpartition(".")[0] if version else "0-0"

    async def first_event(self, workflow_id: str) -> str | None:
        """The id of the oldest event there is; None without such a workflow."""
        async with self._looks:
            return await self.store.first_event(workflow_id)

    async def _look(self, workflow_id: str, after: str) -> tuple[list[Event], bool]:
        """Some of the events after `after`, and whether the last one is among them or was before."""
        try:
            async with self._looks:
                found = await self.store.events(workflow_id, after, EVENTS_A_LOOK)
                if found:
                    return found, len(found) < EVENTS_A_LOOK and found[-1].kind is EventKind.ENDED
                status = await self.store.status(workflow_id)
        except StoreUnavailable:
            return [], False
        return [], status is None or status.final

    async def health(self) -> dict[str, Health]:
        """What beat last saw of each agent."""
        raw: Any = await self.store.hash(HEALTH_KEY)
        return read_all(raw, get_registry())

    async def examples(self) -> list[str]:
        """Example questions the nlp agent offers; none when it offers none."""
        return await asyncio.to_thread(fetch_examples, get_registry()["nlp"])

    async def _may_stand_in(self, agent: str, workflow: NewWorkflow) -> bool:
        """Whether something could answer instead: rules for nlp, a chart of ours for viz, else an earlier answer."""
        return agent in ("nlp", "viz") or (
            agent == "data" and await self.store.exists(question_key(workflow.request))
        )

    async def _pre_flight(self, workflow: NewWorkflow) -> None:
        """Refuse at once what cannot be answered: an agent was seen to be down, still is, and nothing can stand in."""
        asked = {"nlp", "data", "viz"}
        if workflow.route is Route.PLAN:
            asked = {step.agent for step in workflow.steps if not step.optional}
        down = [name for name, seen in (await self.health()).items() if seen.status is HealthStatus.UNHEALTHY]
        for name in asked.intersection(down):
            if await self._may_stand_in(name, workflow):
                continue
            now = await asyncio.to_thread(check_health, get_registry()[name], CONFIRM_DOWN_S)
            if now.status is HealthStatus.UNHEALTHY:
                raise Problem(
                    "agent_unavailable",
                    f"The {name} agent {now.detail}, and nothing can stand in for it.",
                    recovery_action="wait_and_retry",
                    retry_after_s=get_settings().health_interval_s,
                    suggestions=[
                        f"Wait until the {name} agent is back; /api/health/agents tells.",
                        f"Whoever runs the agents: look at {now.url}/health.",
                    ],
                    extra={"step": name, "attempt": 0},
                )


def status_of_end(event: Event) -> str | None:
    """The final status when `event` is the last one of its workflow."""
    return event.status if event.kind is EventKind.ENDED else None
