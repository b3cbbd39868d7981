"""Years of quiet traffic for the rollout: each five seconds both sides' counts are drawn, and every look is judged.

A look can only act where a difference is large enough to matter (`Difference.matters`); that is tested for all looks of
a day at once, and that it is three standard deviations off. The real decision judges what is left.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from pipeline.rollout.decision import decide
from pipeline.rollout.policy import LATENCY_BUCKETS, Policy
from pipeline.rollout.windows import age_s, worse
from prove.rollout_world import BEGINS_MS, Traffic, bucket_of
from state.model import Path
from state.rollout import Move, Phase, Rollout
from state.sides import BUCKETS_A_DOUBLING, SETTLES_MS, SLOT_MS, Seen, Side, Slot

DAY_SLOTS = 86_400_000 // SLOT_MS
OFF = 3.0
SPREAD = 4.5  # standard deviations of a time that are drawn; beyond is one question in 300,000
Counts = Any  # arrays: of whole numbers, or of truths


@dataclass(frozen=True, slots=True)
class Quiet:
    """Nothing is wrong on Celery's side. `night`: the traffic's least share; `outages` a day, of both sides.

    Within an outage of a minute `outage_failing` of all questions fail and the others take twice as long. `sessions`:
    each asks so many questions in one slot, all of which take equally long. `comparing_s`: one comparison after
    another, each so long; 0 for none, then the share changed at the beginning of each day.
    """

    traffic: Traffic
    share: float
    night: float = 1.0
    outages: int = 0
    outage_failing: float = 0.3
    sessions: int = 1
    comparing_s: int = 0


@dataclass(slots=True)
class Judged:
    """What came of it; `least_chance` is the least likely difference that was seen."""

    looks: int = 0
    looked_into: int = 0
    rollbacks: int = 0
    comparisons: int = 0
    least_chance: float = 1.0
    reasons: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Sides:
    """Counts a slot: asked without the failed by bucket, and failed; of Celery's side, and the direct one."""

    answered: tuple[Counts, Counts]
    failed: tuple[Counts, Counts]
    first_bucket: int


def judge(quiet: Quiet, days: int, seed: int, policy: Policy) -> Judged:
    """All looks of so many days."""
    random, judged = np.random.default_rng(seed), Judged()
    for _ in range(days):
        sides = _drawn(quiet, random)
        judged.looks += DAY_SLOTS
        for look in _worth_it(sides, policy, quiet.comparing_s):
            _judge(sides, look, quiet, policy, judged)
    return judged


def _drawn(quiet: Quiet, random: np.random.Generator) -> _Sides:
    traffic = quiet.traffic
    hours = np.arange(DAY_SLOTS) * (SLOT_MS / 3_600_000)
    busy = quiet.night + (1 - quiet.night) * (0.5 - 0.5 * np.cos(hours * math.tau / 24))
    out = np.zeros(DAY_SLOTS, bool)
    for begin in random.integers(0, DAY_SLOTS - 12, quiet.outages):
        out[begin : begin + 12] = True
    failing = np.where(out, quiet.outage_failing, traffic.failing)
    first = int(bucket_of(np.array([traffic.median_ms * math.exp(-SPREAD * traffic.sigma)]))[0])
    answered, failed = [], []
    for share, slower in ((quiet.share / 100, traffic.celery_slower), (1 - quiet.share / 100, 1.0)):
        expected = busy * traffic.per_s * SLOT_MS / 1000 * share
        usual, in_outage = (_spread(traffic, slower * times, first) for times in (1.0, 2.0))
        by_bucket = np.where(out, in_outage[:, None], usual[:, None]) / quiet.sessions
        sessions = random.poisson(expected * (1 - failing) * by_bucket)
        answered.append((sessions * quiet.sessions).astype(np.int32))
        failed.append(random.poisson(expected * failing).astype(np.int32))
    return _Sides((answered[0], answered[1]), (failed[0], failed[1]), first)


def _spread(traffic: Traffic, slower: float, first: int) -> Counts:
    """The share of times in each bucket from `first` on."""
    last = int(bucket_of(np.array([traffic.median_ms * 2.5 * math.exp(SPREAD * traffic.sigma)]))[0])
    limits = np.exp2(np.arange(first - 1, last + 1) / BUCKETS_A_DOUBLING)
    scale = traffic.sigma * math.sqrt(2)
    below = [0.5 * math.erfc(-math.log(limit / (traffic.median_ms * slower)) / scale) for limit in limits]
    below[0], below[-1] = 0.0, 1.0
    return np.diff(below)


def _worth_it(sides: _Sides, policy: Policy, comparing_s: int = 0) -> Iterator[int]:
    """The slots after which a look may find a difference that matters and is no everyday one."""
    found = np.zeros(DAY_SLOTS, bool)
    single = [by_bucket.cumsum(0) for by_bucket in sides.answered]
    stage_slots = comparing_s * 1000 // SLOT_MS or DAY_SLOTS
    applied = policy.within(Phase.COMPARING if comparing_s else Phase.STEADY, 0)
    windows = [partial(_over, slots=window_s * 1000 // SLOT_MS) for window_s in applied.windows_s]
    age = np.arange(DAY_SLOTS) % stage_slots
    for summed in [*windows, partial(_since, slots=stage_slots)]:
        sums = [summed(up_to) for up_to in single]
        bad, bad_there = (summed(failed) for failed in sides.failed)
        asked, asked_there = sums[0][-1] + bad, sums[1][-1] + bad_there
        worth_it = _matters(bad, asked, bad_there, asked_there, policy.more_failures, applied)
        worth_it |= _slow(single, sums, age, sides.first_bucket, applied)
        if summed.func is _since and not comparing_s:
            worth_it &= asked <= policy.first_asked
        found |= worth_it
    yield from map(int, np.flatnonzero(found))


def _slow(
    single: list[Counts], sums: list[Counts], age: Counts, first_bucket: int, policy: Policy
) -> Counts:
    """Where too many took too long. `single` are counts up to a bucket in each slot, `sums` those of a window.

    `age`: how many slots before a slot may be in its window. The newest slots are left out, as long as the limit is:
    they are too young to be judged.
    """
    found, last = np.zeros(DAY_SLOTS, bool), sums[0].shape[0] - 1
    p95 = np.argmax(sums[1] >= np.ceil(0.95 * sums[1][-1]), axis=0)
    limit_ms = np.exp2((first_bucket + p95 + LATENCY_BUCKETS) / BUCKETS_A_DOUBLING)
    young = np.ceil(limit_ms / SLOT_MS).astype(int)
    for newest in np.unique(young):
        at = np.flatnonzero(young == newest)
        at = at[age[at] >= newest]

        def old(side: int, bucket: Counts, at: Counts = at, newest: int = newest) -> Counts:
            window = sums[side][bucket, at]
            return window - sum((single[side][bucket, at - back] for back in range(newest)), np.zeros_like(window))

        top, limit = np.full(len(at), last), np.minimum(p95[at] + LATENCY_BUCKETS, last)
        asked, asked_there = old(0, top), old(1, top)
        bad, bad_there = asked - old(0, limit), asked_there - old(1, p95[at])
        found[at] |= _matters(bad, asked, bad_there, asked_there, policy.more_slow, policy)
    return found


def _matters(  # noqa: PLR0917 - two shares
    bad: Counts, asked: Counts, bad_there: Counts, asked_there: Counts, by: float, policy: Policy
) -> Counts:
    """As `Difference.matters`, and three standard deviations off: what is nearer is likelier than 1 in 10,000."""
    enough = (np.minimum(asked, asked_there) >= policy.asked_at_least) & (bad >= policy.bad_at_least)
    here, total = np.maximum(asked, 1) * 1.0, np.maximum(asked + asked_there, 2) * 1.0
    off = bad / here - bad_there / np.maximum(asked_there, 1)
    drawn = bad + bad_there
    spread = drawn * here / total * (1 - here / total) * (total - drawn) / (total - 1)
    return enough & (off >= by - 1e-9) & (bad - drawn * here / total >= OFF * np.sqrt(np.maximum(spread, 0)))


def _over(counts: Counts, slots: int) -> Counts:
    """Sums over the last `slots` slots."""
    total = counts.cumsum(-1, dtype=np.int32)
    sums = total.copy()
    sums[..., slots:] -= total[..., :-slots]
    return sums


def _since(counts: Counts, slots: int) -> Counts:
    """Sums since the share changed, which it does every so many slots."""
    by_share = counts.reshape(*counts.shape[:-1], -1, slots)
    return by_share.cumsum(-1, dtype=np.int32).reshape(counts.shape)


def _changed(quiet: Quiet, look: int) -> int:
    """The first slot of the share that holds in slot `look`."""
    return look - look % (quiet.comparing_s * 1000 // SLOT_MS or DAY_SLOTS)


def _switch(quiet: Quiet, look: int) -> Rollout:
    since_ms = BEGINS_MS + _changed(quiet, look) * SLOT_MS - SETTLES_MS
    if not quiet.comparing_s:
        return Rollout(share=quiet.share, target=quiet.share, since_ms=since_ms)
    return Rollout(share=quiet.share, phase=Phase.COMPARING, since_ms=since_ms, compared_ms=since_ms)


def _judge(sides: _Sides, look: int, quiet: Quiet, policy: Policy, judged: Judged) -> None:
    """Let the real decision judge what is seen right after slot `look`."""
    seen, switch = _seen(sides, quiet, look), _switch(quiet, look)
    judged.looked_into += 1
    applied = policy.within(switch.phase, age_s(switch, seen))
    chances = [one.chance for one in worse(switch, seen, policy) if one.matters(applied)]
    judged.least_chance = min([judged.least_chance, *chances])
    step = decide(switch, seen, policy)
    if step and step.move is Move.ROLL_BACK:
        judged.rollbacks += 1
        judged.reasons.append(step.after.reason)
    elif step:
        judged.comparisons += 1


def _seen(sides: _Sides, quiet: Quiet, look: int) -> Seen:
    kept, first, end = max(Policy().windows_s) * 1000 // SLOT_MS, _changed(quiet, look), look + 1
    slots = [_slots(sides, at, at + 1) for at in range(max(0, end - kept), end)]
    return Seen(BEGINS_MS + end * SLOT_MS, slots, _slots(sides, first, end))


def _slots(sides: _Sides, first: int, end: int) -> Slot:
    def side(index: int) -> Side:
        counts = sides.answered[index][:, first:end].sum(1)
        times = {int(bucket) + sides.first_bucket: int(counts[bucket]) for bucket in np.flatnonzero(counts)}
        failed = int(sides.failed[index][first:end].sum())
        return Side(sum(times.values()) + failed, failed, 0, times)

    return Slot(BEGINS_MS + first * SLOT_MS, {Path.CELERY: side(0), Path.DIRECT: side(1)})
