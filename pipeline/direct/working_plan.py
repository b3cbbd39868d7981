"""A plan at work in this process: which steps a finish releases, which a failure takes along, how it all ends.

The rules are those of `state/lua/record.lua`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from core.clock import now_ms
from state.model import NewStep, StepRecord, StepStatus, WorkflowStatus

ENDED: Final = frozenset(
    {StepStatus.SUCCEEDED, StepStatus.DEGRADED, StepStatus.FAILED, StepStatus.CANCELLED, StepStatus.SKIPPED}
)


@dataclass(slots=True)
class PlanStep:
    """Where one step of the plan stands."""

    plan: NewStep
    status: StepStatus = StepStatus.WAITING
    fence: int = 0
    attempt: int = 0
    sends: int = 0
    not_before_s: float = 0.0
    queued_ms: int | None = None
    started_ms: int | None = None
    first_started_ms: int | None = None
    finished_ms: int | None = None
    error: dict[str, Any] | None = None
    degradation: dict[str, Any] | None = None

    @property
    def lets_on(self) -> bool:
        """Whether it has ended in a way that lets on what waits for it: well, or skipped, being optional."""
        return self.status.done or (self.status is StepStatus.SKIPPED and self.plan.optional)

    @property
    def recorded(self) -> StepRecord:
        """The step as a record would show it."""
        return StepRecord(
            name=self.plan.name,
            agent=self.plan.agent,
            queue=self.plan.queue,
            status=self.status,
            after=self.plan.after,
            attempt=self.attempt,
            takeovers=0,
            round=0,
            send=self.sends,
            owner="",
            queued_ms=self.queued_ms,
            started_ms=self.started_ms,
            first_started_ms=self.first_started_ms,
            finished_ms=self.finished_ms,
            error=self.error,
            degradation=self.degradation,
            optional=self.plan.optional,
            spec=self.plan.spec,
        )

    def queue(self) -> None:
        """Let it wait to be begun."""
        self.status, self.queued_ms, self.sends = StepStatus.QUEUED, now_ms(), self.sends + 1


class WorkingPlan:
    """The steps of one workflow, in order."""

    def __init__(self, steps: Sequence[NewStep]) -> None:
        self.steps = {step.name: PlanStep(step) for step in steps}

    def first(self) -> list[PlanStep]:
        """Queue the steps that wait for nothing."""
        return self._queued(step for step in self.steps.values() if not step.plan.after)

    def after_success(self, step: PlanStep) -> list[PlanStep]:
        """Queue what waits for nothing any more."""
        return self._queued(self._followers(step))

    def after_failure(self, step: PlanStep) -> list[PlanStep]:
        """End `step` without an output: it fails and takes along what waits for it, or, being optional, is skipped.

        What can do without an optional one is queued.
        """
        if step.plan.optional:
            step.status = StepStatus.SKIPPED
            return self._queued(self._without(step))
        step.status = StepStatus.FAILED
        waiting = self._followers(step)
        while waiting:
            other = waiting.pop()
            if other.status is StepStatus.WAITING:
                other.status = StepStatus.SKIPPED
                waiting += self._followers(other)
        return []

    def extend(self, step: PlanStep, more: Sequence[NewStep]) -> None:
        """The new steps take the place of all that wait for `step`."""
        self.steps = {step.plan.name: step, **{new.name: PlanStep(new) for new in more}}

    def end(self) -> tuple[WorkflowStatus, str] | None:
        """The final status and why it failed; None while a step is open."""
        steps = self.steps.values()
        if any(step.status not in ENDED for step in steps):
            return None
        failed = next((step for step in steps if step.status is StepStatus.FAILED), None)
        if failed is not None:
            return WorkflowStatus.FAILED, str((failed.error or {}).get("message", ""))
        good = all(step.status is StepStatus.SUCCEEDED for step in steps)
        return (WorkflowStatus.SUCCEEDED if good else WorkflowStatus.DEGRADED), ""

    def _followers(self, step: PlanStep) -> list[PlanStep]:
        return [other for other in self.steps.values() if step.plan.name in other.plan.after]

    def _queued(self, candidates: Iterable[PlanStep]) -> list[PlanStep]:
        """Those of them that wait for nothing any more, queued."""
        ready = []
        for step in candidates:
            if step.status is StepStatus.WAITING and all(self.steps[name].lets_on for name in step.plan.after):
                step.queue()
                ready.append(step)
        return ready

    def _without(self, gone: PlanStep) -> list[PlanStep]:
        """Skip what needs the output of `gone`, and of those; the others that waited for them."""
        others, skipped = list[PlanStep](), [gone]
        while skipped:
            missing = skipped.pop()
            for step in self._followers(missing):
                if step.status is StepStatus.WAITING and missing.plan.name in step.plan.needs:
                    step.status = StepStatus.SKIPPED
                    skipped.append(step)
                else:
                    others.append(step)
        return others
