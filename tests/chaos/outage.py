"""Agents that are away for a while under a steady load, one after the other."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.clock import now_ms
from tests.chaos.aftermath import Aftermath, look_back
from tests.chaos.asking import Asker
from tests.chaos.stage import Stage
from tests.chaos.traces import begun_between

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

    def calls_per_step(self, after: Aftermath) -> float:
        """Calls that the agent got while it was away, for each step that was begun meanwhile."""
        calls = sum(call.agent == self.agent and self.from_ms <= call.at_ms <= self.to_ms for call in after.calls)
        return calls / max(1, begun_between(after.traces, self.agent, self.from_ms, self.to_ms))


@dataclass(frozen=True)
class Size:
    """How long each agent is away, how far apart, and under how many questions a second."""

    lasts_s: float
    per_s: float = 50.0
    apart_s: float = 4.0
    pool: int = 100
    settle_s: float = 200.0
    kinds: Sequence[Mapping[str, Any]] = KINDS


def strike(stage: Stage, agent: str, fault: Mapping[str, Any], lasts_s: float) -> Outage:
    """Take an agent away, its health page too."""
    from_ms = now_ms()
    stage.faults.rule(agent, **fault, hits="both", for_s=lasts_s)
    return Outage(agent, fault, from_ms, from_ms + round(lasts_s * 1000))


def run_outages(stage: Stage, size: Size, seed: int, note: Callable[[str], None]) -> tuple[Aftermath, list[Outage]]:
    """Each agent is away once, the way in which it is by `seed`; then everything may end."""
    asker, outages = Asker(stage, size.per_s, seed, size.pool), list[Outage]()
    asker.warm_up()
    began_ms = now_ms()
    with asker:
        time.sleep(size.apart_s)
        for number, agent in enumerate(ORDER):
            outages.append(strike(stage, agent, size.kinds[(seed + number) % len(size.kinds)], size.lasts_s))
            note(f"{agent} is away for {size.lasts_s:g} s: {dict(outages[-1].fault)}")
            time.sleep(size.lasts_s + size.apart_s)
    note(f"{len(asker.asked)} questions asked; all may end now")
    stage.faults.clear()
    stage.settle(size.settle_s)
    return look_back(stage, asker.asked, began_ms, asker.latest_s), outages
