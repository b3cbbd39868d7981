"""The numbers of the rollout: how sure it must be before it acts, and how slowly it comes back."""

from dataclasses import dataclass, replace
from typing import Final

from state.rollout import Phase
from state.sides import BUCKETS_A_DOUBLING

LATENCY_BUCKETS: Final = 6  # 2^(6/16): at least 1.24 and at most 1.30 times the direct side's 95th percentile
OF_THE_REST: Final = 100.0  # how much likelier a difference may be without the worst sixteenth of the sessions


@dataclass(frozen=True, slots=True)
class Policy:
    """What it takes to roll back and to return.

    `significance` is the chance of a difference as large, would the sides be alike, below which one test of one look
    acts. Four tests of a measure every 5 s (three windows, and all since the share changed) are 25 million a year, so
    1e-8 bounds false rollbacks to 0.25 a year and measure even if no two looks saw the same questions; they do, so
    there are far fewer (docs/rollout.md). Latency must be surer: the times of one person's questions resemble each
    other, of which the test knows nothing.
    """

    windows_s: tuple[int, ...] = (30, 60, 600)
    significance: float = 1e-8
    significance_of_latency: float = 1e-10
    doubt: float = 1e-3  # no next stage while a difference is less likely than this
    suspicion: float = 1e-5  # of a side that nothing can be compared with
    suspicion_windows_s: tuple[int, ...] = (10, 20, 60, 300)
    failing_windows_s: tuple[int, ...] = (60, 600)
    asked_at_least: int = 20  # questions on each side
    bad_at_least: int = 5  # on Celery's
    more_failures: float = 0.02  # of all questions
    more_stand_ins: float = 0.05
    more_slow: float = 0.05
    first_asked: int = 500  # on Celery's side: so long a steady share is judged by all since it changed
    stages: tuple[float, ...] = (1, 5, 25, 50, 100)
    stage_s: float = 120.0
    stage_asked: int = 50  # on each side
    stage_idle_s: float = 3_600.0  # the next stage, if nobody asked by Celery for so long
    cool_down_s: float = 600.0
    cool_down_max_s: float = 86_400.0
    forgiven_s: float = 86_400.0  # after a cool-down: the next one is short again
    thin_above: float = 80.0  # a larger share leaves too few direct questions to compare with
    compare_share: float = 50.0
    compare_s: float = 120.0
    compare_most_s: float = 1_200.0  # while there is doubt, or too little was asked
    compare_again_s: float = 600.0  # from one comparison to the next
    compare_soon_s: float = 240.0  # the same, where a suspicion is as rare as what rolls back
    failing_share: float = 0.05  # suspicious by itself

    def within(self, phase: Phase, age_s: float) -> "Policy":
        """As it is applied in a phase that began so long ago.

        In a comparison all since it began counts, and a look may be less sure at first, since there are far fewer of
        them: one in ten minutes, 24 looks each, is 1.3 million tests of a measure a year, 0.19 false rollbacks; the
        longest, one in 28 minutes, are 4 million further looks, 0.04. One in four minutes, all year long, would be
        two and a half times that. Where stage or comparison are all there is to go by, few questions may be enough:
        the test is exact for any number.
        """
        if phase is Phase.RETURNING:
            return replace(self, asked_at_least=self.bad_at_least)
        if phase is not Phase.COMPARING:
            return self
        few = 15 if age_s <= self.compare_s else 1
        return replace(
            self,
            windows_s=(),
            asked_at_least=self.bad_at_least,
            significance=few * self.significance,
            significance_of_latency=few * self.significance_of_latency,
        )

    @property
    def latency_factor(self) -> float:
        """How much slower than the direct side's 95th percentile counts as slow; up to 4 % less by rounding."""
        return float(2 ** (LATENCY_BUCKETS / BUCKETS_A_DOUBLING))

    def cool_down_of(self, strikes: int) -> float:
        """Seconds after so many rollbacks in a row."""
        return float(min(self.cool_down_max_s, self.cool_down_s * 2 ** min(strikes - 1, 30)))
