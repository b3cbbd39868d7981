"""False opens: what share of a healthy agent's calls its breaker refuses because some calls fail by chance.

1,000 runs of 100,000 calls at 10/s for each rate of errors and each way to arrive, by the breakers' own rules on a
simulated clock (`prove.traffic`), beside the exact expectation (`prove.markov`). Each way meets the same errors.
"""

import math
from dataclasses import asdict, dataclass
from functools import partial
from random import Random

from breakers.registry import numbers_of
from breakers.settings import BreakerSettings
from core.settings import Settings
from prove.markov import Expected, calls_to_open, expect
from prove.proof import Figure, Kind, Part, Result, Run
from prove.traffic import Play, Seen, Traffic, failures

RUNS, CALLS, PER_S = 1_000, 100_000, 10
SECOND_US = 1_000_000
RATES = (0.005, 0.01, 0.02, 0.05)
PROMISED_RATE = 0.01  # at this one the bounds are gates
STANDARD_ERRORS = 4.0
DEFAULTS = {name: field.default for name, field in Settings.model_fields.items()}

# The health check is beat's. It makes no difference to single calls, which come sooner.
ARRIVALS = {
    "one by one": Traffic(CALLS, 1, SECOND_US // PER_S),
    "70 at once": Traffic(CALLS, 70, 7 * SECOND_US, round(DEFAULTS["health_interval_s"] * SECOND_US)),
    "70 at once, no health checks": Traffic(CALLS, 70, 7 * SECOND_US),
}


@dataclass(frozen=True, slots=True)
class Case:
    """One rate of errors, one way to arrive: simulated and expected."""

    errors_percent: float
    arriving: str
    refused_percent: float
    expected_refused_percent: float
    opened: int
    expected_opened: float
    reopened: int
    longest_refused: int  # calls refused in the worst run

    @property
    def standard_errors_off(self) -> float:
        """How far the opens are from the expected ones; few and rare, they are spread as a Poisson count."""
        return abs(self.opened - self.expected_opened) / math.sqrt(max(1.0, self.expected_opened))


def default_numbers(agent: str) -> BreakerSettings:
    """The numbers of an agent's breaker without any setting in the environment."""
    return numbers_of(agent, Settings.model_construct(**DEFAULTS))


def false_opens(run: Run, *, agent: str, bound_percent: float, **changes: float) -> Result:
    """All rates, all ways; other numbers of the same agent meet the same errors."""
    runs, settings = run.sized(RUNS, 10), default_numbers(agent).model_copy(update=changes)
    cases = [case for rate in RATES for case in _cases(run, agent, settings, rate, runs)]
    worst = max(case.standard_errors_off for case in cases)
    figures = [Figure(f"healthy calls refused at {case.errors_percent:g} % errors, {case.arriving}",
                      case.refused_percent, "%", bound_percent, kind=_kind(case.errors_percent)) for case in cases]
    expected = [Figure(f"the same, expected, {case.arriving}", case.expected_refused_percent, "%", bound_percent)
                for case in cases if _kind(case.errors_percent) is Kind.GATE]
    return Result([*figures, *expected,
                   Figure("opens off the expected ones, in standard errors, at most", worst, "", STANDARD_ERRORS)],
                  {"runs": runs, "calls": CALLS, "calls_per_s": PER_S, "threshold": settings.threshold,
                   "recovery_s": settings.recovery_s, "first_open_s": settings.first_open_s,
                   "expected_calls_to_open": {
                       f"{100 * rate:g} %": round(calls_to_open(settings.threshold, rate)) for rate in RATES},
                   "cases": [_rounded(case) for case in cases]})


def _kind(errors_percent: float) -> Kind:
    return Kind.GATE if errors_percent == 100 * PROMISED_RATE else Kind.TARGET


def _cases(run: Run, agent: str, settings: BreakerSettings, rate: float, runs: int) -> list[Case]:
    seen: dict[str, list[Seen]] = {arriving: [] for arriving in ARRIVALS}
    for number in range(runs):
        random = Random(f"{run.seed} {agent} {rate} {number}")  # noqa: S311 - repeatable
        failing = failures(random, CALLS, rate)
        for arriving, traffic in ARRIVALS.items():
            bad_checks = failures(random, traffic.checks, rate)
            seen[arriving].append(Play(settings, traffic, failing, bad_checks).run())
    run.note(f"{100 * rate:g} % errors: {runs} runs done")
    return [_case(rate, arriving, some, expect(settings, ARRIVALS[arriving], rate)) for arriving, some in seen.items()]


def _case(rate: float, arriving: str, seen: list[Seen], expected: Expected) -> Case:
    refused, healthy = sum(one.refused_healthy for one in seen), sum(one.healthy for one in seen)
    return Case(100 * rate, arriving, 100 * refused / healthy, 100 * expected.share_refused,
                sum(one.opened for one in seen), len(seen) * expected.opened, sum(one.reopened for one in seen),
                max(one.refused for one in seen))


def _rounded(case: Case) -> dict[str, object]:
    told = {**asdict(case), "standard_errors_off": case.standard_errors_off}
    return {name: float(f"{value:.4g}") if isinstance(value, float) else value for name, value in told.items()}


PARTS = [
    Part("false_opens", "nlp", 300, partial(false_opens, agent="nlp", bound_percent=0.1)),
    Part("false_opens", "viz", 300, partial(false_opens, agent="viz", bound_percent=0.1)),
    Part("false_opens", "data", 300, partial(false_opens, agent="data", bound_percent=1.0)),
    Part("false_opens", "data-first-open-10-s", 300, partial(
        false_opens, agent="data", bound_percent=1.0, first_open_s=10.0)),
    Part("false_opens", "data-threshold-4", 300, partial(false_opens, agent="data", bound_percent=1.0, threshold=4)),
]
