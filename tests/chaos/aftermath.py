"""After the end: all questions of a load, the calls that agents saw, and what happened to the breakers."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from breakers.events import BreakerEvent
from breakers.model import CircuitState
from state.events import EventKind
from state.model import Mode, StepStatus
from tests.chaos.asking import Asked
from tests.chaos.stage import Stage
from tests.chaos.traces import Call, Trace, calls_of, percentile, step_statuses, touched, traces_of


@dataclass(frozen=True)
class Aftermath:
    """What is left to look at; `latest_s` is how far the client was behind its times at worst."""

    traces: list[Trace]
    calls: list[Call]
    breaker_events: list[BreakerEvent]
    began_ms: int
    latest_s: float

    def opened(self, agent: str) -> list[BreakerEvent]:
        """When an agent's breaker opened."""
        return [event for event in self.breaker_events
                if event.breaker == agent and event.after is CircuitState.OPEN]

    def steps_hit(self, agent: str) -> Counter[StepStatus]:
        """How those steps ended that nobody waits for and of which a call was hit."""
        return step_statuses(self.traces, touched(self.calls, agent), Mode.BACKGROUND)

    def steps_touched(self, agent: str) -> Counter[StepStatus]:
        """The same for all that were hit or had to wait for the breaker."""
        waited = {(trace.record.workflow_id, agent) for trace in self.traces for event in trace.events
                  if event.kind is EventKind.RETRYING and event.step == agent}
        return step_statuses(self.traces, touched(self.calls, agent) | waited, Mode.BACKGROUND)

    def waits_s(self, agent: str) -> dict[str, float]:
        """How long the steps took that nobody waits for and of which a call was hit."""
        hit = touched(self.calls, agent)
        values = [((step.finished_ms or 0) - (step.first_started_ms or 0)) / 1000 for trace in self.traces
                  if trace.asked.mode is Mode.BACKGROUND for step in trace.record.steps.values()
                  if (trace.record.workflow_id, step.name) in hit]
        return {"p50": percentile(values, 0.5), "slowest": max(values, default=0.0)}


def look_back(stage: Stage, asked: Sequence[Asked], began_ms: int, latest_s: float) -> Aftermath:
    """Read all of it, from `began_ms` on."""
    return Aftermath(traces_of(stage, asked), [call for call in calls_of(stage) if call.at_ms >= began_ms],
                     [event for event in stage.breaker_events() if event.at_ms >= began_ms], began_ms, latest_s)
