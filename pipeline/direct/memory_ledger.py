"""One workflow in this process: the ledger while Valkey is away.

It answers as the scripts in `state/lua/` do, for a workflow that nobody else can know of: nothing is taken over,
paused, cancelled or run again. `tests/integration/test_ledgers.py` holds the two to each other.
"""

import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from core.clock import now_ms
from pipeline.direct.working_plan import ENDED, PlanStep, WorkingPlan
from pipeline.ledger import Output
from state.blobs import pack, unpack
from state.model import Contents, NewWorkflow, Path, Route, StepStatus, WorkflowRecord, WorkflowStatus
from state.transition import Send
from state.transitions import Extension, Go, NotBefore, Report, Verdict

_VERDICTS = {StepStatus.WAITING: Verdict.WAITING, StepStatus.RUNNING: Verdict.OWNED}
_STALE = Report(accepted=False, reason="stale")


class MemoryLedger:
    """One workflow, from its beginning; safe between threads."""

    def __init__(self, workflow: NewWorkflow) -> None:
        now = now_ms()
        self._request = workflow.request
        self._ends_at = time.monotonic() + workflow.deadline_s
        self._plan = WorkingPlan(workflow.steps)
        self._outputs: dict[str, bytes] = {}  # as the record keeps them: each reader gets its own copy
        self._lock = threading.Lock()
        self._record = WorkflowRecord(
            workflow_id=workflow.workflow_id,
            status=WorkflowStatus.QUEUED,
            mode=workflow.mode,
            created_ms=now,
            started_ms=None,
            finished_ms=None,
            deadline_ms=now + int(workflow.deadline_s * 1000),
            message="",
            route=workflow.route,
            route_why=workflow.route_why if workflow.route is not Route.SIMPLE else "",  # as the record keeps it
            path=Path.DIRECT,
        )

    @property
    def workflow_id(self) -> str:
        """Whose it is."""
        return self._record.workflow_id

    def start(self) -> tuple[Send, ...]:
        """The sends of the steps that wait for nothing."""
        with self._lock:
            return self._sends(self._plan.first())

    def begin(self, send: Send) -> Go | NotBefore | Verdict:
        """Claim the step of `send`."""
        with self._lock:
            step = self._plan.steps.get(send.step)
            if step is None:
                return Verdict.GONE
            if (refusal := self._refusal(step)) is not None:
                return refusal
            step.fence, step.attempt = step.fence + 1, step.attempt + 1
            step.status, step.started_ms = StepStatus.RUNNING, now_ms()
            step.first_started_ms = step.first_started_ms or step.started_ms
            if self._record.status is WorkflowStatus.QUEUED:
                self._change(status=WorkflowStatus.RUNNING, started_ms=step.started_ms)
            return self._go(step)

    def finish(
        self,
        go: Go,
        output: Output,
        *,
        degradation: dict[str, Any] | None = None,
        last_good: str = "",  # noqa: ARG002 - nothing outlives the workflow
        extension: Extension | None = None,
    ) -> Report:
        """Keep the output, release what waited for it, close the workflow when it was the last."""
        blob = pack(output)
        with self._lock:
            if (step := self._held(go)) is None:
                return _STALE
            self._outputs[go.step] = blob
            step.status = StepStatus.DEGRADED if degradation else StepStatus.SUCCEEDED
            step.finished_ms, step.degradation = now_ms(), degradation
            if extension is not None:
                self._plan.extend(step, extension.steps)
                self._change(route=extension.route, route_why=extension.why)
            return self._released(self._plan.after_success(step))

    def fail(self, go: Go, error: dict[str, Any], *, excused: bool = False) -> Report:  # noqa: ARG002 - nothing is counted
        """End the step without an output; its dependents are skipped, unless it is optional."""
        with self._lock:
            if (step := self._held(go)) is None:
                return _STALE
            step.finished_ms, step.error = now_ms(), error
            return self._released(self._plan.after_failure(step))

    def retry_later(self, go: Go, wait_s: float, error: dict[str, Any], *, called: bool) -> Report:
        """Give the step back until `wait_s` from now."""
        with self._lock:
            if (step := self._held(go)) is None:
                return _STALE
            step.attempt -= not called
            step.status, step.error = StepStatus.RETRYING, error
            step.not_before_s = time.monotonic() + wait_s
            return Report(accepted=True)

    def last_good(self, key: str) -> None:  # noqa: ARG002 - the ledger's verb
        """There is no earlier answer within reach."""
        return

    def record(self) -> WorkflowRecord:
        """The workflow as a record would show it, with this machine's times."""
        with self._lock:
            return replace(self._record, steps={name: step.recorded for name, step in self._plan.steps.items()})

    def contents(self) -> Contents:
        """The request and the outputs."""
        with self._lock:
            return Contents(self._request, {name: unpack(blob) for name, blob in self._outputs.items()})

    def _refusal(self, step: PlanStep) -> NotBefore | Verdict | None:
        if self._record.status.final:
            return Verdict.FINAL
        if step.status in ENDED:
            return Verdict.DONE
        if step.status is StepStatus.RETRYING and (wait_s := step.not_before_s - time.monotonic()) > 0:
            return NotBefore(wait_s)
        return _VERDICTS.get(step.status)

    def _go(self, step: PlanStep) -> Go:
        read = [name for name in (*step.plan.needs, *step.plan.wants) if name in self._outputs]
        return Go(
            workflow_id=self.workflow_id,
            step=step.plan.name,
            agent=step.plan.agent,
            fence=step.fence,
            attempt=step.attempt,
            takeovers=0,
            round=0,
            ends_at=self._ends_at,
            mode=self._record.mode,
            spec=step.plan.spec,
            request=self._request,
            inputs={name: unpack(self._outputs[name]) for name in read},
        )

    def _held(self, go: Go) -> PlanStep | None:
        """The step, if the claim `go` still holds it."""
        step = self._plan.steps.get(go.step)
        holds = step is not None and step.status is StepStatus.RUNNING and step.fence == go.fence
        return step if holds else None

    def _released(self, steps: Sequence[PlanStep]) -> Report:
        if not steps and (end := self._plan.end()) is not None:
            self._change(status=end[0], message=end[1], finished_ms=now_ms())
        return Report(accepted=True, released=self._sends(steps))

    def _sends(self, steps: Sequence[PlanStep]) -> tuple[Send, ...]:
        return tuple(
            Send(self.workflow_id, step.plan.name, 0, step.sends, step.plan.queue, step.plan.tail) for step in steps
        )

    def _change(self, **fields: Any) -> None:
        self._record = replace(self._record, **fields)
