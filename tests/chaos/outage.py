"""Agents that are away for a while under a steady load, one after the other, and what became of the questions."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from breakers.events import BreakerEvent
from core.clock import now_ms
from state.events import EventKind
from state.model import Mode, StepStatus
from tests.chaos.asking import Asker
from tests.chaos.stage import Stage, stage_of
from tests.chaos.traces import Call, Trace, begun_between, calls_of, percentile, step_statuses, touched, traces_of

# From the end to the beginning: while an agent's breaker is open, questions nobody waits for get no further than to it.
ORDER = ("viz", "data", "nlp")
KINDS: tuple[Mapping[str, Any], ...] = (
    {"fault": "reset"}, {"fault": "error", "status": 503}, {"fault": "reset", "at": "answer"})


@dataclass(frozen=True)
class Outage:
    """One agent that fails all calls and health checks for a time."""

    agent: str
    fault: Mapping[str, Any]
    from_ms: int
    to_ms: int


@dataclass(frozen=True)
class Size:
    """How long each agent is away, how far apart, and under how many questions a second."""

    lasts_s: float
    per_s: float = 50.0
    apart_s: float = 4.0
    pool: int = 100
    settle_s: float = 200.0


@dataclass(frozen=True)
class Aftermath:
    """What became of everything."""

    traces: list[Trace]
    calls: list[Call]
    outages: list[Outage]
    breaker_events: list[BreakerEvent]
    began_ms: int
    latest_s: float  # how far the client was behind its times

    def of(self, mode: Mode) -> list[Trace]:
        """Questions of one mode."""
        return [trace for trace in self.traces if trace.asked.mode is mode]

    def steps_hit(self, agent: str) -> Counter[StepStatus]:
        """How those steps ended that nobody waits for and of which a call was hit."""
        return step_statuses(self.traces, touched(self.calls, agent), Mode.BACKGROUND)

    def steps_touched(self, agent: str) -> Counter[StepStatus]:
        """The same for all that were hit, or had to wait for the breaker."""
        waited = {(trace.record.workflow_id, agent) for trace in self.traces for event in trace.events
                  if event.kind is EventKind.RETRYING and event.step == agent}
        return step_statuses(self.traces, touched(self.calls, agent) | waited, Mode.BACKGROUND)

    def calls_per_step(self, outage: Outage) -> float:
        """Calls that an agent got while it was away, for each step that was begun meanwhile."""
        calls = sum(call.agent == outage.agent and outage.from_ms <= call.at_ms <= outage.to_ms for call in self.calls)
        return calls / max(1, begun_between(self.traces, outage.agent, outage.from_ms, outage.to_ms))

    def opened(self, agent: str) -> int:
        """How often a breaker opened."""
        return sum(event.breaker == agent and event.after == "OPEN" for event in self.breaker_events)

    def waits_s(self, agent: str) -> dict[str, float]:
        """How long those steps took that nobody waits for and of which a call was hit."""
        hit = touched(self.calls, agent)
        values = [((step.finished_ms or 0) - (step.first_started_ms or 0)) / 1000 for trace in self.of(Mode.BACKGROUND)
                  for step in trace.record.steps.values() if (trace.record.workflow_id, step.name) in hit]
        return {"p50": percentile(values, 0.5), "slowest": max(values, default=0.0)}


def strike(stage: Stage, agent: str, fault: Mapping[str, Any], lasts_s: float) -> Outage:
    """Take an agent away, its health page too."""
    from_ms = now_ms()
    stage.faults.rule(agent, **fault, hits="both", for_s=lasts_s)
    return Outage(agent, fault, from_ms, now_ms() + round(lasts_s * 1000))


def run_outages(folder: Path, settings: Mapping[str, str], size: Size, seed: int,
                note: Callable[[str], None]) -> Aftermath:
    """Each agent is away once, the way in which it is by `seed`; then everything may end."""
    outages = []
    with stage_of(folder, settings) as stage:
        asker = Asker(stage, size.per_s, seed, size.pool)
        asker.warm_up()
        began_ms = now_ms()
        with asker:
            time.sleep(size.apart_s)
            for number, agent in enumerate(ORDER):
                outages.append(strike(stage, agent, KINDS[(seed + number) % len(KINDS)], size.lasts_s))
                note(f"{agent} is away for {size.lasts_s:g} s: {dict(outages[-1].fault)}")
                time.sleep(size.lasts_s + size.apart_s)
        note(f"{len(asker.asked)} questions asked; all may end now")
        stage.settle(size.settle_s)
        return Aftermath(traces_of(stage, asker.asked), calls_of(stage), outages, stage.breaker_events(),
                         began_ms, asker.latest_s)
