"""A plan made small enough to be looked at: what follows from other lines has none of its own, and in a large plan
steps that are alike, and long runs, share one box.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Final

from state.model import StepRecord

UNFOLDED: Final = 40  # steps that a plan may have without anything being folded
ALIKE, LONG = 4, 4  # how many siblings, or steps in a row, are worth a box of their own
APART: Final = 3  # runs of siblings up to this long keep a box for each place in the run
After = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Box:
    """What is drawn as one: a step, or several; `after` are the boxes (by key) that come before it."""

    steps: tuple[StepRecord, ...]
    after: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The name of its first step."""
        return self.steps[0].name


def boxes_of(steps: Mapping[str, StepRecord]) -> list[Box]:
    """The boxes of a plan, each after those that come before it."""
    after = _reduced({name: step.after for name, step in steps.items()})
    groups = _folded(steps, after) if len(steps) > UNFOLDED else [[name] for name in after]
    box_of = {name: group[0] for group in groups for name in group}
    return [Box(tuple(steps[name] for name in group), _boxes_before(group, after, box_of)) for group in groups]


def _boxes_before(group: Sequence[str], after: After, box_of: Mapping[str, str]) -> tuple[str, ...]:
    before = dict.fromkeys(box_of[name] for step in group for name in after[step])
    return tuple(key for key in before if key != group[0])


def _reduced(after: After) -> After:
    """What each step waits for, less what that waits for itself (the transitive reduction); in order."""
    bit = {name: 1 << at for at, name in enumerate(after)}
    earlier: dict[str, int] = {}  # all that comes before a step, as bits
    reduced: dict[str, tuple[str, ...]] = {}
    for name in TopologicalSorter(after).static_order():
        implied = 0
        for before in after[name]:
            implied |= earlier[before]
        reduced[name] = tuple(before for before in after[name] if not implied & bit[before])
        earlier[name] = implied
        for before in reduced[name]:
            earlier[name] |= bit[before]
    return reduced


def _folded(steps: Mapping[str, StepRecord], after: After) -> list[list[str]]:
    followers: defaultdict[str, list[str]] = defaultdict(list)
    for name, befores in after.items():
        for before in befores:
            followers[before].append(name)
    alike: defaultdict[object, list[list[str]]] = defaultdict(list)
    for run in _runs(after, followers):
        around = (frozenset(after[run[0]]), frozenset(followers[run[-1]]))
        alike[(*around, tuple((steps[name].agent, steps[name].optional) for name in run))].append(run)
    groups: list[list[str]] = []
    for runs in alike.values():
        groups += _siblings(runs) if len(runs) >= ALIKE else [group for run in runs for group in _shortened(run)]
    place = {name: at for at, name in enumerate(after)}
    return sorted(groups, key=lambda group: place[group[0]])


def _runs(after: After, followers: After) -> list[list[str]]:
    """The steps in maximal rows in which each waits for the one before alone, and is all that waits for it."""
    run_of: dict[str, list[str]] = {}
    runs: list[list[str]] = []
    for name, before in after.items():
        continues = len(before) == 1 and len(followers[before[0]]) == 1
        if not continues:
            runs.append([])
        run = run_of[name] = run_of[before[0]] if continues else runs[-1]
        run.append(name)
    return runs


def _siblings(runs: Sequence[Sequence[str]]) -> list[list[str]]:
    if len(runs[0]) > APART:
        return [[name for run in runs for name in run]]
    return [list(names) for names in zip(*runs, strict=True)]


def _shortened(run: Sequence[str]) -> list[list[str]]:
    """A long run as its first step, all between, and its last."""
    if len(run) < LONG:
        return [[name] for name in run]
    return [[run[0]], list(run[1:-1]), [run[-1]]]
