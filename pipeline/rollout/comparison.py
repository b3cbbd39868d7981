"""Is one side worse than the other? Three measures, each an exact test of two shares.

Latency: T is the other side's 95th percentile. If this side is at most `latency_factor` times slower, whatever the
distribution, it has no larger share above `latency_factor` * T than the other has above T; that is what is tested. A
question without an answer yet counts as slow once it is older than that, so a side that answers nothing is seen, too.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from pipeline.rollout.policy import LATENCY_BUCKETS, Policy
from pipeline.rollout.significance import chance
from state.sides import LAST_BUCKET, SLOT_MS, Side, summed, upper_ms


class Measure(StrEnum):
    """What is compared."""

    FAILURES = "failures"
    STAND_INS = "stand_ins"
    LATENCY = "latency"


_SAID = {
    Measure.FAILURES: "failed",
    Measure.STAND_INS: "were answered by a stand-in",
    Measure.LATENCY: "took too long",
}


@dataclass(frozen=True)
class Difference:
    """One measure over one window; `by_least` is the least difference of the shares that matters."""

    measure: Measure
    window_s: float
    bad: int
    asked: int
    bad_there: int
    asked_there: int
    by_least: float
    significance: float
    limit_ms: float | None = None

    def matters(self, policy: Policy) -> bool:
        """Whether there are enough of them, and the difference is large enough to act on, were it no chance."""
        enough = min(self.asked, self.asked_there) >= policy.asked_at_least and self.bad >= policy.bad_at_least
        return enough and self.bad / self.asked - self.bad_there / self.asked_there >= self.by_least

    @property
    def significant(self) -> bool:
        """Whether it is beyond chance, for one of very many looks."""
        return self.chance < self.significance

    @cached_property
    def chance(self) -> float:
        """How likely it is when both sides are alike."""
        return chance(self.bad, self.asked, self.bad_there, self.asked_there)

    def told(self, here: str, there: str) -> str:
        """In one sentence."""
        slow = f" (more than {self.limit_ms:,.0f} ms)" if self.limit_ms is not None else ""
        return (
            f"{self.bad} of {self.asked} questions {here} ({self.bad / self.asked:.1%}) {_SAID[self.measure]}{slow}, "
            f"and {self.bad_there} of {self.asked_there} {there} ({self.bad_there / self.asked_there:.1%}), "
            f"over {self.window_s:.0f} s."
        )


Pairs = Sequence[tuple[int, Side, Side]]


def differences(pairs: Pairs, now_ms: int, window_s: float, policy: Policy) -> Iterator[Difference]:
    """The first side of each slot (its moment, the side, the other) against the second, slots oldest first."""
    here, there = summed(pair[1] for pair in pairs), summed(pair[2] for pair in pairs)
    for measure, bad, bad_there, by_least in (
        (Measure.FAILURES, here.failed, there.failed, policy.more_failures),
        (Measure.STAND_INS, here.degraded, there.degraded, policy.more_stand_ins),
    ):
        yield Difference(measure, window_s, bad, here.asked, bad_there, there.asked, by_least, policy.significance)
    if (bucket := there.p95_bucket()) is not None and bucket + LATENCY_BUCKETS < LAST_BUCKET:
        yield _slow(pairs, now_ms, window_s, bucket, policy)


def _slow(pairs: Pairs, now_ms: int, window_s: float, bucket: int, policy: Policy) -> Difference:
    limit = bucket + LATENCY_BUCKETS
    old = [pair for pair in pairs if pair[0] + SLOT_MS + upper_ms(limit) <= now_ms]
    here, there = summed(pair[1] for pair in old), summed(pair[2] for pair in old)
    asked, asked_there = here.asked - here.failed, there.asked - there.failed
    bad, bad_there = max(0, asked - here.within(limit)), max(0, asked_there - there.within(bucket))
    return Difference(
        Measure.LATENCY,
        window_s,
        bad,
        asked,
        bad_there,
        asked_there,
        policy.more_slow,
        policy.significance_of_latency,
        upper_ms(limit),
    )
