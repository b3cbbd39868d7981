"""Is one side worse than the other? Three measures, each an exact test of two shares.

Latency: T is the other side's 95th percentile. If this side is at most `latency_factor` times slower, whatever the
distribution, it has no larger share above `latency_factor` * T than the other has above T; that is what is tested. A
question without an answer yet counts as slow once it is older than that, so a side that answers nothing is seen, too.

The test takes questions for independent, and those of one session are not: what one person asks may fail or be slow
for a reason of its own. So a difference must also be there without the sixteenth of the sessions that has most of the
bad questions.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from pipeline.rollout.policy import LATENCY_BUCKETS, OF_THE_REST, Policy
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
Trials = tuple[int, int]  # how many were bad, of how many
Counted = Callable[[Side], Trials]
Pairs = Sequence[tuple[int, Side, Side]]


@dataclass(frozen=True)
class Difference:
    """One measure over one window; `by_least` is the least difference of the shares that matters.

    `sides` are this side's slots, `counted` says of each what is bad in it.
    """

    measure: Measure
    window_s: float
    bad: int
    asked: int
    bad_there: int
    asked_there: int
    by_least: float
    significance: float
    sides: Sequence[Side]
    counted: Counted
    limit_ms: float | None = None

    def matters(self, policy: Policy) -> bool:
        """Whether there are enough of them, and the difference is large enough to act on, were it no chance."""
        enough = min(self.asked, self.asked_there) >= policy.asked_at_least and self.bad >= policy.bad_at_least
        return enough and self._large

    @property
    def significant(self) -> bool:
        """Whether it is beyond chance, for one of very many looks, and no one session's doing."""
        return self.weighed < self.significance

    def in_doubt(self, policy: Policy) -> bool:
        """Whether it is too unlikely to go on, however few they are; not if it is gone without one session's part."""
        if not self._large or self.chance >= policy.doubt:
            return False
        return self.rest[1] < policy.asked_at_least or self.chance_of_rest < policy.doubt

    @property
    def _large(self) -> bool:
        if min(self.asked, self.asked_there) == 0:
            return False
        return self.bad / self.asked - self.bad_there / self.asked_there >= self.by_least

    @cached_property
    def chance(self) -> float:
        """How likely it is when both sides are alike."""
        return chance(self.bad, self.asked, self.bad_there, self.asked_there)

    @cached_property
    def rest(self) -> Trials:
        """Bad, and asked, without the group of sessions that has the most bad ones."""
        return without_worst(self.sides, self.counted, (self.bad, self.asked))

    @cached_property
    def chance_of_rest(self) -> float:
        """How likely what is left then is."""
        return chance(*self.rest, self.bad_there, self.asked_there)

    @property
    def weighed(self) -> float:
        """The chance, or a hundredth of what it is for the rest, if that is more."""
        return max(self.chance, self.chance_of_rest / OF_THE_REST)

    def told(self, here: str, there: str) -> str:
        """In one sentence."""
        slow = f" (more than {self.limit_ms:,.0f} ms)" if self.limit_ms is not None else ""
        return (
            f"{self.bad} of {self.asked} questions {here} ({self.bad / self.asked:.1%}) {_SAID[self.measure]}{slow}, "
            f"and {self.bad_there} of {self.asked_there} {there} ({self.bad_there / self.asked_there:.1%}), "
            f"over {self.window_s:.0f} s."
        )


def differences(pairs: Pairs, now_ms: int, window_s: float, policy: Policy) -> Iterator[Difference]:
    """The first side of each slot (its moment, the side, the other) against the second, slots oldest first."""
    here, there = [pair[1] for pair in pairs], [pair[2] for pair in pairs]
    for measure, counted, by_least in (
        (Measure.FAILURES, failed, policy.more_failures),
        (Measure.STAND_INS, _degraded, policy.more_stand_ins),
    ):
        trials = *_trials(counted, here), *_trials(counted, there)
        yield Difference(measure, window_s, *trials, by_least, policy.significance, here, counted)
    bucket = summed(there).p95_bucket()
    if bucket is not None and bucket + LATENCY_BUCKETS < LAST_BUCKET:
        yield _latency(pairs, now_ms, window_s, bucket, policy)


def _latency(pairs: Pairs, now_ms: int, window_s: float, bucket: int, policy: Policy) -> Difference:
    limit = bucket + LATENCY_BUCKETS
    old = [pair for pair in pairs if pair[0] + SLOT_MS + upper_ms(limit) <= now_ms]
    here, slow = [pair[1] for pair in old], _slower_than(limit)
    trials = *_trials(slow, here), *_trials(_slower_than(bucket), [pair[2] for pair in old])
    significance = policy.significance_of_latency
    return Difference(
        Measure.LATENCY, window_s, *trials, policy.more_slow, significance, here, slow, upper_ms(limit)
    )


def without_worst(sides: Iterable[Side], counted: Counted, trials: Trials) -> Trials:
    """What is left of `trials` without the group of sessions that has most of the bad ones."""
    bad, asked = Counter[int](), Counter[int]()
    for side in sides:
        for group, part in side.groups.items():
            of_part = counted(part)
            bad[group] += of_part[0]
            asked[group] += of_part[1]
    worst = max(bad, key=lambda group: bad[group], default=-1)
    return _possible(trials[0] - bad[worst], trials[1] - max(0, asked[worst]))


def _trials(counted: Counted, sides: Sequence[Side]) -> Trials:
    return _possible(*counted(summed(sides)))


def _possible(bad: int, asked: int) -> Trials:
    """What began and what ended may have been read at two moments."""
    return min(max(0, bad), max(0, asked)), max(0, asked)


def failed(side: Side) -> Trials:
    """The questions that failed, of all."""
    return side.failed, side.asked


def _degraded(side: Side) -> Trials:
    return side.degraded, side.asked


def _slower_than(bucket: int) -> Counted:
    def counted(side: Side) -> Trials:
        asked = side.asked - side.failed
        return asked - side.within(bucket), asked

    return counted
