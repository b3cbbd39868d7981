"""False opens of a fleet: as `prove.false_opens`, but each process decides by its own view, up to 250 ms old.

A process whose view says that nothing is wrong tells its successes with its next look only. So a failure that another
one told is healed later than by the rules alone, and also by successes from before it; how much longer a dying agent is
called for that is measured too. Each call is by the real breaker, on a simulated clock; round trips take no time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from random import Random

from breakers import BreakerSettings, CircuitBreaker, CircuitOpenError, Outcome
from breakers.circuit import Circuit
from breakers.model import SECOND_US, Answer, Why, to_us
from breakers.request import Operation, Request
from breakers.store import Store
from prove.false_opens import CALLS, PROMISED_RATE, default_numbers
from prove.markov import expect
from prove.proof import Figure, Kind, Part, Result, Run
from prove.traffic import START_US, Traffic, failures

PROCESSES, RUNS, PER_S = 8, 20, (10, 100, 400)
DEATHS_PER_RUN, HEALTHY_S = 5, 5.0


class CircuitStore(Store):
    """A shared breaker that is a circuit in memory, on the simulated clock."""

    def __init__(self, settings: BreakerSettings) -> None:
        self.now_s = START_US / SECOND_US
        self.circuit = Circuit(settings)

    def clock(self) -> float:
        """The time, everywhere."""
        return self.now_s

    def run(self, request: Request) -> Answer:
        """What calls ask of the script."""
        now_us, own, tally = to_us(self.now_s), request.own, request.tally
        if request.operation is Operation.ASK:
            return self.circuit.ask(now_us, str(own[0]), tally)
        if request.operation is Operation.REPORT:
            return self.circuit.report(now_us, int(own[0]), str(own[1]), Outcome(str(own[2])), tally)
        raise ValueError(request.operation)


@dataclass(frozen=True, slots=True)
class FleetSeen:
    """What became of one run's calls."""

    refused: int
    opened: int
    reopened: int


def play(settings: BreakerSettings, times_s: Sequence[float], processes: Sequence[int],
         failing: Sequence[int]) -> FleetSeen:
    """Each call at its time by its process; it ends at once, and badly if it is one of `failing`."""
    store, fails, refused = CircuitStore(settings), frozenset(failing), 0
    breakers = [CircuitBreaker("simulated", settings, store, clock=store.clock) for _ in range(max(processes) + 1)]
    for call, (store.now_s, process) in enumerate(zip(times_s, processes, strict=True)):
        try:
            permit = breakers[process].ask()
        except CircuitOpenError:
            refused += 1
            continue
        breakers[process].report(permit, Outcome.FAILURE if call in fails else Outcome.SUCCESS)
    history = store.circuit.history
    return FleetSeen(refused, history.count(Why.FAILURES), history.count(Why.PROBE_FAILED))


def most_failures(settings: BreakerSettings) -> int:
    """Of one call after the other: each process's last successes heal once, when nearly enough calls have failed."""
    return PROCESSES * (settings.threshold - 1) + settings.threshold


def failed_before_open(random: Random, settings: BreakerSettings, per_s: int) -> int:
    """How many calls of an agent that served well and then dies fail until its breaker opens."""
    store, failed = CircuitStore(settings), 0
    breakers = [CircuitBreaker("simulated", settings, store, clock=store.clock) for _ in range(PROCESSES)]
    dies_s = store.now_s + HEALTHY_S
    while Why.FAILURES not in store.circuit.history:
        store.now_s += random.expovariate(per_s)
        breaker, dead = random.choice(breakers), store.now_s >= dies_s
        breaker.report(breaker.ask(), Outcome.FAILURE if dead else Outcome.SUCCESS)
        failed += dead
    return failed


def fleet(run: Run, *, agent: str, bound_percent: float) -> Result:
    """Calls at random times, each of any of the processes."""
    settings, runs, figures, details = default_numbers(agent), run.sized(RUNS, 2), [], {}
    for per_s in PER_S:
        seen = [_play(Random(f"{run.seed} {agent} {per_s} {number}"), settings, per_s)  # noqa: S311 - repeatable
                for number in range(runs)]
        run.note(f"{per_s} calls/s: {runs} runs done")
        alone = expect(settings, Traffic(CALLS, 1, SECOND_US // per_s), PROMISED_RATE)
        figures.append(Figure(f"calls refused at {per_s}/s by {PROCESSES} processes, 1 % errors",
                              100 * sum(one.refused for one in seen) / (runs * CALLS), "%", bound_percent,
                              kind=Kind.TARGET))
        dying = [failed_before_open(Random(f"{run.seed} {agent} {per_s} death {number}"), settings, per_s)  # noqa: S311
                 for number in range(runs * DEATHS_PER_RUN)]
        figures.append(Figure(f"calls that fail until it is open, at {per_s}/s, at most", max(dying), "",
                              most_failures(settings), kind=Kind.TARGET))
        details[f"{per_s}/s"] = {"opened": sum(one.opened for one in seen), "runs": runs,
                                 "failed_until_open_mean": round(sum(dying) / len(dying), 1), "deaths": len(dying),
                                 "opened_by_the_rules_alone": float(f"{runs * alone.opened:.4g}"),
                                 "refused_percent_by_the_rules_alone": float(f"{100 * alone.share_refused:.4g}")}
    return Result(figures, details)


def _play(random: Random, settings: BreakerSettings, per_s: int) -> FleetSeen:
    now_s, times_s = START_US / SECOND_US, []
    for _ in range(CALLS):
        now_s += random.expovariate(per_s)
        times_s.append(now_s)
    return play(settings, times_s, random.choices(range(PROCESSES), k=CALLS), failures(random, CALLS, PROMISED_RATE))


PARTS = [
    Part("false_opens", "fleet-nlp", 300, partial(fleet, agent="nlp", bound_percent=0.1)),
    Part("false_opens", "fleet-data", 300, partial(fleet, agent="data", bound_percent=1.0)),
]
