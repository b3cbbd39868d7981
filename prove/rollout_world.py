"""A simulated world for the rollout: questions arrive, take their time, fail; the real decision looks on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from pipeline.rollout.decision import Step, decide
from pipeline.rollout.policy import Policy
from state.model import Path
from state.rollout import Move, Rollout
from state.sides import (
    BUCKETS_A_DOUBLING,
    GROUPS,
    SLOT_MS,
    SLOTS_KEPT_MS,
    Seen,
    Side,
    Slot,
    first_slot_ms,
    summed,
)

BEGINS_MS = 1_800_000_000_000  # some moment, at a slot's beginning


@dataclass(frozen=True, slots=True)
class Traffic:
    """What questions are like: how many, how long they take (log-normal), how many fail; on Celery a little slower.

    `sessions`: so many ask all of them, one as many as another; 0: each question is of a session of its own.
    """

    per_s: float = 20.0
    median_ms: float = 1_000.0
    sigma: float = 0.5
    failing: float = 0.005
    celery_slower: float = 1.10  # as slow as the project allows it to be
    sessions: int = 0


@dataclass(frozen=True, slots=True)
class Regression:
    """What goes wrong on Celery's side: further failures, or a factor on its times."""

    failing: float = 0.0
    slower: float = 1.0


@dataclass(slots=True)
class _Asked:
    """The questions of one slot."""

    at_ms: int
    ends_ms: list[np.ndarray] = field(default_factory=list)
    took: list[np.ndarray] = field(default_factory=list)  # bucket, -1 for a failure
    by_celery: list[np.ndarray] = field(default_factory=list)
    group: list[np.ndarray] = field(default_factory=list)

    def slot(self, now_ms: int) -> Slot:
        """As it is seen at that moment."""
        parts = (self.ends_ms, self.took, self.by_celery, self.group)
        ends, took, celery, group = (np.concatenate(each) for each in parts)
        ended = ends <= now_ms
        groups = {
            int(one): _side(took[mine], ended[mine])
            for one in np.unique(group[celery])
            if np.any(mine := celery & (group == one))
        }
        return Slot(self.at_ms, {
            Path.CELERY: _with_groups(groups), Path.DIRECT: _side(took[~celery], ended[~celery]),
        })


def _side(took: np.ndarray, ended: np.ndarray) -> Side:
    counts = np.bincount(took[ended & (took >= 0)])
    times = {int(at): int(counts[at]) for at in np.flatnonzero(counts)}
    return Side(len(took), int(np.count_nonzero(ended & (took < 0))), 0, times)


def _with_groups(groups: dict[int, Side]) -> Side:
    return replace(summed(groups.values()), groups=groups)


def _all_of(at_ms: int, slots: list[Slot]) -> Slot:
    return Slot(at_ms, {path: _together([slot.sides[path] for slot in slots]) for path in Path})


def _together(sides: list[Side]) -> Side:
    """All of them, group by group."""
    names = {group for side in sides for group in side.groups}
    groups = {group: summed(side.groups[group] for side in sides if group in side.groups) for group in names}
    return replace(summed(sides), groups=groups)


class World:
    """Time goes on from look to look."""

    def __init__(self, traffic: Traffic, switch: Rollout, seed: Sequence[int], policy: Policy | None = None) -> None:
        self.switch, self.regression = switch, Regression()
        self.now_ms = BEGINS_MS
        self._traffic, self._random = traffic, np.random.default_rng(seed)
        self._policy = policy or Policy()
        self._open: dict[int, _Asked] = {}
        self._settled: dict[int, Slot] = {}
        self._older: list[Slot] = []  # no longer among the slots that are kept
        self._of_session = (self._random.random(traffic.sessions), self._random.integers(0, GROUPS, traffic.sessions))

    def pass_by(self, ms: int) -> None:
        """Questions are asked for so long, at the present share."""
        until_ms = self.now_ms + ms
        while self.now_ms < until_ms:
            slot_ms = self.now_ms - self.now_ms % SLOT_MS
            part_ms = min(until_ms, slot_ms + SLOT_MS) - self.now_ms
            self._ask(self._open.setdefault(slot_ms, _Asked(slot_ms)), part_ms)
            self.now_ms += part_ms

    def look(self) -> Step | None:
        """The real decision about what is seen now; its change takes place."""
        step = decide(self.switch, self.seen(), self._policy)
        if step:
            self.switch, self._older = step.after, []
        return step

    def seen(self) -> Seen:
        """The slots as an evaluator would read them."""
        slots = dict(self._settled)
        for at_ms, asked in list(self._open.items()):
            slots[at_ms] = asked.slot(self.now_ms)
            if self.now_ms - at_ms > 10 * SLOT_MS and all(np.all(ends <= self.now_ms) for ends in asked.ends_ms):
                self._settled[at_ms] = slots[at_ms]
                del self._open[at_ms]
        first_ms = self.now_ms - SLOTS_KEPT_MS
        self._older += [slot for at_ms, slot in self._settled.items() if at_ms <= first_ms]
        self._settled = {at_ms: slot for at_ms, slot in self._settled.items() if at_ms > first_ms}
        kept = [slots[at_ms] for at_ms in sorted(slots) if at_ms > first_ms]
        return Seen(self.now_ms, kept, self._stage(kept))

    def _stage(self, kept: list[Slot]) -> Slot:
        since_ms = first_slot_ms(self.switch.since_ms)
        if not since_ms:
            self._older = []
            return Slot(0, dict.fromkeys(Path, Side()))
        self._older = [_all_of(since_ms, [slot for slot in self._older if slot.at_ms >= since_ms])]
        return _all_of(since_ms, self._older + [slot for slot in kept if slot.at_ms >= since_ms])

    def _ask(self, asked: _Asked, ms: int) -> None:
        random, traffic, bad = self._random, self._traffic, self.regression
        count = int(random.poisson(traffic.per_s * ms / 1000))
        points, group = self._askers(count)
        celery = points < self.switch.share / 100
        slower = np.where(celery, traffic.celery_slower * bad.slower, 1.0)
        took_ms = traffic.median_ms * slower * np.exp(traffic.sigma * random.standard_normal(count))
        fails = random.random(count) < traffic.failing + np.where(celery, bad.failing, 0.0)
        asked.ends_ms.append(self.now_ms + ms * random.random(count) + took_ms)
        asked.took.append(np.where(fails, -1, bucket_of(took_ms)))
        asked.by_celery.append(celery)
        asked.group.append(group)

    def _askers(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Who asks: each one's point on the way to the share, and group."""
        if not self._traffic.sessions:
            return self._random.random(count), self._random.integers(0, GROUPS, count)
        session = self._random.integers(0, self._traffic.sessions, count)
        return self._of_session[0][session], self._of_session[1][session]


def bucket_of(ms: np.ndarray) -> Any:
    """The bucket that each time falls into, as `state/lua/sides.lua` has it."""
    return np.ceil(np.log2(np.maximum(ms, 1.0)) * BUCKETS_A_DOUBLING - 1e-9).astype(np.int64)


def detection_s(traffic: Traffic, switch: Rollout, bad: Regression, seed: Sequence[int], at_most_s: float) -> float:
    """Seconds from the beginning of a regression, after ten quiet minutes, to the rollback; inf if it takes longer."""
    world = World(traffic, switch, seed)
    # Looks, slots and the regression keep no step with each other.
    offset_ms, wait_ms = (int(ms) for ms in np.random.default_rng([*seed, 1]).integers(1, SLOT_MS, 2))
    world.pass_by(600_000 + offset_ms)
    began_ms, world.regression = world.now_ms, bad
    while world.now_ms - began_ms < at_most_s * 1000:
        world.pass_by(wait_ms)
        step, wait_ms = world.look(), SLOT_MS
        if step and step.move is Move.ROLL_BACK:
            return (world.now_ms - began_ms) / 1000
    return math.inf


def quiet(traffic: Traffic, switch: Rollout, seconds: int, seed: Sequence[int]) -> list[Step]:
    """What the decision does while nothing is wrong."""
    world = World(traffic, replace(switch), seed)
    steps = []
    for _ in range(seconds * 1000 // SLOT_MS):
        world.pass_by(SLOT_MS)
        if step := world.look():
            steps.append(step)
    return steps
