"""Agents that are ill: random errors, questions that are poison, agents that hang, an agent that is dead."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from breakers.events import BreakerEvent
from breakers.model import Why
from core.clock import now_ms
from state.model import Mode
from tests.chaos.asking import Asked, Asker, every
from tests.chaos.stage import stage_of
from tests.chaos.traces import Call, Trace, calls_of, traces_of

POISON_EVERY_S = 1.0
SETTLE_S = 200.0
DEAD_CALL_S = 3.0  # long enough that all calls are in flight before the first one fails


@dataclass(frozen=True)
class Seen:
    """What an ill agent did to the questions."""

    traces: list[Trace]
    calls: list[Call]
    breaker_events: list[BreakerEvent]
    began_ms: int
    latest_s: float = 0.0

    def opened(self, agent: str) -> list[BreakerEvent]:
        """When its breaker opened."""
        return [event for event in self.breaker_events if event.breaker == agent and event.after == "OPEN"]


def random_errors(folder: Path, settings: Mapping[str, str], shares: Mapping[str, float], *, per_s: float,
                  lasts_s: float, seed: int) -> Seen:
    """A share of each agent's calls is reset."""
    with stage_of(folder, settings) as stage:
        asker = Asker(stage, per_s, seed)
        asker.warm_up()
        began_ms = now_ms()
        for agent, share in shares.items():
            stage.faults.rule(agent, fault="reset", share=share, seed=seed)
        with asker:
            time.sleep(lasts_s)
        stage.settle(SETTLE_S)
        return Seen(traces_of(stage, asker.asked), calls_of(stage), stage.breaker_events(), began_ms, asker.latest_s)


def poison(folder: Path, settings: Mapping[str, str], *, per_s: float, times: int,
           seed: int) -> tuple[Seen, list[Trace]]:
    """Two questions make nlp answer 500 each time, one was answered before; what became of the others and of them."""
    known, new = "known poison", "new poison"
    with stage_of(folder, settings) as stage:
        asker, poisoned = Asker(stage, per_s, seed), list[Asked]()
        asker.warm_up()
        stage.ask(known, Mode.INTERACTIVE)
        stage.settle(10)
        stage.faults.rule("nlp", fault="error", status=500, contains="poison")
        began_ms = now_ms()

        def ask(number: int) -> None:
            query, mode = (known, new)[number % 2], (Mode.INTERACTIVE, Mode.BACKGROUND)[number // 2 % 2]
            poisoned.append(Asked(stage.ask(query, mode), query, mode, query == known))

        with asker:
            every(POISON_EVERY_S, times, ask)
        stage.settle(60)
        return (Seen(traces_of(stage, asker.asked), calls_of(stage), stage.breaker_events(), began_ms, asker.latest_s),
                traces_of(stage, poisoned))


def hangs(folder: Path, settings: Mapping[str, str], *, questions: int, deadline_s: float) -> list[Trace]:
    """Questions that get stuck at an agent each, which hangs or lets its answer trickle, until their time is over."""
    with stage_of(folder, settings) as stage:
        for agent in ("nlp", "data", "viz"):
            stage.faults.rule(agent, fault="hang", contains=f"hangs at {agent}")
            stage.faults.rule(agent, fault="slow_body", contains=f"trickles at {agent}", chunk_bytes=16, pause_s=0.4)
        asked = []
        for number in range(questions):
            query = f"{('hangs', 'trickles')[number // 3 % 2]} at {('nlp', 'data', 'viz')[number % 3]}: {number}"
            asked.append(Asked(stage.ask(query, Mode.INTERACTIVE, deadline_s), query, Mode.INTERACTIVE, warm=False))
        stage.settle(deadline_s + 30)
        return traces_of(stage, asked)


@dataclass(frozen=True)
class Dead:
    """Calls that reached a dead agent: before its breaker opened, after that until the first probe, and with probes."""

    seen: Seen
    before: int
    after: int
    latest_after_s: float
    calls_of_a_period: list[int]
    periods_s: list[float]


def dead(folder: Path, settings: Mapping[str, str], *, in_flight: int, per_s: float, lasts_s: float, seed: int,
         note: Callable[[str], None]) -> Dead:
    """All slots of both workers call nlp, and everything it does from then on is to fail, after `DEAD_CALL_S`."""
    with stage_of(folder, settings, in_flight // 2) as stage:
        asker = Asker(stage, per_s, seed)
        asker.warm_up()
        stage.faults.rule("nlp", fault="latency", delay_s=DEAD_CALL_S)
        stage.faults.rule("nlp", fault="error", status=503, hits="both")
        began_ms = now_ms()
        for number in range(in_flight):
            asker.ask_one(number)
        with asker:
            time.sleep(lasts_s)
        note(f"{len(asker.asked)} questions asked; nlp is well again")
        stage.faults.clear()
        died_until_ms = now_ms()
        stage.settle(SETTLE_S)
        calls = [call for call in calls_of(stage) if call.agent == "nlp" and began_ms <= call.at_ms < died_until_ms]
        seen = Seen(traces_of(stage, asker.asked), calls, stage.breaker_events(), began_ms, asker.latest_s)
    return _dead(seen, died_until_ms)


def _dead(seen: Seen, until_ms: int) -> Dead:
    opened = [event.at_ms for event in seen.opened("nlp")]
    probed = [event.at_ms for event in seen.breaker_events
              if event.breaker == "nlp" and event.why is Why.RECOVERY_DUE and event.at_ms < until_ms]
    assert opened, "the breaker did not open"
    late = [call.at_ms - opened[0] for call in seen.calls if opened[0] < call.at_ms < (probed or [until_ms])[0]]
    borders = [*probed, until_ms]
    return Dead(
        seen, before=sum(call.at_ms <= opened[0] for call in seen.calls), after=len(late),
        latest_after_s=max(late, default=0) / 1000,
        calls_of_a_period=[sum(begin <= call.at_ms < end for call in seen.calls)
                           for begin, end in pairwise(borders)],
        periods_s=[(end - begin) / 1000 for begin, end in pairwise(probed)])
