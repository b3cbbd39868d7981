"""What false opens are to be expected: the leaky score as a Markov chain, each call failing with the same chance."""

from collections import defaultdict
from dataclasses import dataclass, field
from fractions import Fraction

from breakers.model import HEALING, to_us
from breakers.settings import BreakerSettings
from prove.traffic import Traffic

STEPS = round(1 / HEALING)  # a failure goes up as many steps, a success one down
NEGLIGIBLE = 1e-18


def calls_to_open(threshold: int, rate: float) -> float:
    """Expected calls from score 0 to the threshold, for a breaker that is CLOSED: exact, in fractions.

    h(s) = 1 + p h(s + 2) + (1 - p) h(max(0, s - 1)) with s in steps, and h = 0 from the threshold on.
    """
    p = Fraction(str(rate))
    top = threshold * STEPS
    # Each h(s) as a h(0) + b h(1) + c, upwards; that the two at the threshold and above are 0 gives h(0) and h(1).
    known = [(Fraction(1), Fraction(0), Fraction(0)), (Fraction(0), Fraction(1), Fraction(0))]
    for score in range(top):
        here, below = known[score], known[max(0, score - 1)]
        a, b, c = ((h - (1 - p) * low) / p for h, low in zip(here, below, strict=True))
        known.append((a, b, c - 1 / p))
    (a, b, c), (d, e, f) = known[top], known[top + 1]
    return float((b * f - e * c) / (a * e - d * b))


@dataclass(frozen=True, slots=True)
class Expected:
    """Of one run that begins CLOSED at score 0."""

    share_refused: float  # of healthy calls and of all alike: an outcome does not know whether it is made
    opened: float


@dataclass(slots=True)
class _Open:
    """Chances of being OPEN, by what ends it."""

    settings: BreakerSettings
    traffic: Traffic
    rate: float
    mass: float = 0.0
    joins: defaultdict[int, float] = field(default_factory=lambda: defaultdict(float))  # first call let in
    probes: defaultdict[int, dict[int, float]] = field(default_factory=lambda: defaultdict(dict))  # call: by reopened

    def enter(self, mass: float, now_us: int, reopened: int = 0) -> None:
        """`mass` opens now, after `reopened` failed probes."""
        self.mass += mass
        while mass > NEGLIGIBLE:
            due_us = now_us + to_us(self.settings.open_s(reopened))
            call = self.traffic.first_from(due_us)
            check = self.traffic.check_before(due_us, self.traffic.at_us(call))
            if check is None:
                asking = self.probes[call]
                asking[reopened] = asking.get(reopened, 0.0) + mass
                return
            self.joins[call] += mass * (1 - self.rate)
            mass, now_us, reopened = mass * self.rate, self.traffic.check_at_us(check), reopened + 1


def expect(settings: BreakerSettings, traffic: Traffic, rate: float) -> Expected:
    """The exact expectation for one run of `traffic`, up to rounding; it steps through all calls."""
    scores = [1.0] + [0.0] * (settings.threshold * STEPS - 1)
    waiting, refused, opened = _Open(settings, traffic, rate), 0.0, 0.0
    for call in range(0, traffic.calls, traffic.size):
        now_us, size = traffic.at_us(call), min(traffic.size, traffic.calls - call)
        joined, passed = waiting.joins.pop(call, 0.0), 0.0
        waiting.mass -= joined
        scores[0] += joined
        refused += waiting.mass * size
        for reopened, probing in waiting.probes.pop(call, {}).items():
            refused -= probing  # the probe itself is made
            waiting.mass -= probing
            passed += probing * (1 - rate)
            waiting.enter(probing * rate, now_us, reopened + 1)
        scores, trips = _after(scores, rate, size)
        waiting.enter(trips, now_us)
        opened += trips
        scores[0] += passed
    return Expected(refused / traffic.calls, opened)


def _after(scores: list[float], rate: float, calls: int) -> tuple[list[float], float]:
    """The chances of each score after some calls, and of having opened meanwhile."""
    opened = 0.0
    for _ in range(calls):
        opened += rate * sum(scores[-STEPS:])
        down = [(1 - rate) * (scores[0] + scores[1]), *((1 - rate) * chance for chance in scores[2:]), 0.0]
        for score in range(STEPS, len(scores)):
            down[score] += rate * scores[score - STEPS]
        scores = down
    return scores, opened
