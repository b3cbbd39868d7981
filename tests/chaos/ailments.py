"""Agents that are ill: random errors, questions that are poison, agents that hang, an agent that is dead."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from breakers.events import BreakerEvent
from breakers.model import Why
from core.clock import now_ms
from state.model import Mode
from tests.chaos.aftermath import Aftermath, look_back
from tests.chaos.asking import Asked, Asker, every
from tests.chaos.stage import Stage
from tests.chaos.traces import Trace, traces_of
from tests.processes import wait_for

POISON_EVERY_S = 1.0
SETTLE_S = 200.0


def random_errors(stage: Stage, asker: Asker, shares: Mapping[str, float], lasts_s: float, seed: int) -> Aftermath:
    """A share of each agent's calls is reset."""
    asker.warm_up()
    began_ms = now_ms()
    for agent, share in shares.items():
        stage.faults.rule(agent, fault="reset", share=share, seed=seed)
    with asker:
        time.sleep(lasts_s)
    stage.settle(SETTLE_S)
    stage.faults.clear()
    return look_back(stage, asker.asked, began_ms, asker.latest_s)


def poison(stage: Stage, asker: Asker, times: int) -> tuple[Aftermath, list[Trace]]:
    """Two questions make nlp answer 500 each time, one was answered before; what became of the others and of them."""
    known, new = "known poison", "new poison"
    poisoned: list[Asked] = []
    asker.warm_up()
    stage.ask(known, Mode.BACKGROUND)
    stage.settle(10)
    stage.faults.rule("nlp", fault="error", status=500, contains="poison")
    began_ms = now_ms()

    def ask(number: int) -> None:
        query, mode = (known, new)[number % 2], (Mode.INTERACTIVE, Mode.BACKGROUND)[number // 2 % 2]
        poisoned.append(Asked(stage.ask(query, mode), query, mode, query == known))

    with asker:
        every(POISON_EVERY_S, times, ask)
    stage.settle(SETTLE_S)
    stage.faults.clear()
    return look_back(stage, asker.asked, began_ms, asker.latest_s), traces_of(stage, poisoned)


def hangs(stage: Stage, questions: int, deadline_s: float) -> list[Trace]:
    """Questions that get stuck at an agent each, which hangs or lets its answer trickle, until their time is over."""
    for agent in ("nlp", "data", "viz"):
        stage.faults.rule(agent, fault="hang", contains=f"hangs at {agent}")
        stage.faults.rule(agent, fault="slow_body", contains=f"trickles at {agent}", chunk_bytes=16, pause_s=0.4)
    asked = []
    for number in range(questions):
        query = f"{('hangs', 'trickles')[number // 3 % 2]} at {('nlp', 'data', 'viz')[number % 3]}: {number}"
        asked.append(Asked(stage.ask(query, Mode.INTERACTIVE, deadline_s), query, Mode.INTERACTIVE, warm=False))
    stage.settle(deadline_s + 30)
    stage.faults.clear()
    return traces_of(stage, asked)


@dataclass(frozen=True)
class Dead:
    """Calls that reached a dead agent: before its breaker opened, from then until the first probe, and with probes."""

    after: Aftermath
    calls_before: int
    calls_late: int
    latest_s: float
    calls_of_each_period: list[int]
    periods_s: list[float]


def dead(stage: Stage, asker: Asker, *, in_flight: int, call_s: float, lasts_s: float) -> Dead:
    """Nlp fails all from now on, after `call_s`, when all slots of the workers have called it; the load goes on.

    For `lasts_s`, or until the second probe where the machine is slower than that.
    """
    asker.warm_up()
    stage.faults.rule("nlp", fault="latency", delay_s=call_s)
    stage.faults.rule("nlp", fault="error", status=503, hits="both")
    began_ms = now_ms()
    for _ in range(in_flight):
        asker.ask_one()
    with asker:
        time.sleep(lasts_s)
        wait_for(lambda: len(_probed_ms(stage.breaker_events(), began_ms, now_ms())) >= 2, "the second probe")
    stage.faults.clear()
    well_ms = now_ms()
    stage.settle(SETTLE_S)
    return _dead(look_back(stage, asker.asked, began_ms, asker.latest_s), well_ms)


def _probed_ms(events: Iterable[BreakerEvent], from_ms: int, to_ms: int) -> list[int]:
    return [event.at_ms for event in events
            if event.breaker == "nlp" and event.why is Why.RECOVERY_DUE and from_ms <= event.at_ms < to_ms]


def _dead(after: Aftermath, well_ms: int) -> Dead:
    calls = [call.at_ms for call in after.calls if call.agent == "nlp" and call.at_ms < well_ms]
    opened_ms = min((event.at_ms for event in after.opened("nlp")), default=well_ms)
    probed = _probed_ms(after.breaker_events, after.began_ms, well_ms)
    late = [at_ms - opened_ms for at_ms in calls if opened_ms < at_ms < min([*probed, well_ms])]
    return Dead(
        after, sum(at_ms <= opened_ms for at_ms in calls), len(late), max(late, default=0) / 1000,
        [sum(begin <= at_ms < end for at_ms in calls) for begin, end in pairwise([*probed, well_ms])],
        [(end - begin) / 1000 for begin, end in pairwise(probed)])
