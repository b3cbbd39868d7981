"""Random plans, and what must become of each: a second opinion that shares no code with the transitions."""

import random
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from pipeline.asked.step import AskedStep
from state.model import StepStatus, WorkflowStatus

AGENTS = ("north", "south", "west")
FIRST_RETRY_S = 0.05


class Fails(StrEnum):
    """When a step's agent fails."""

    NEVER = "never"
    FIRST = "first"
    ALWAYS = "always"


@dataclass(frozen=True)
class Dag:
    """A plan; `asked` is in an order that its steps could run in."""

    asked: tuple[AskedStep, ...]

    @cached_property
    def runs(self) -> frozenset[str]:
        """The steps whose agents are called: not those behind a failure, or without an output that they need."""
        return frozenset(name for name, (_, runs) in self._course.items() if runs)

    @cached_property
    def fates(self) -> dict[str, StepStatus]:
        """How each step must end, whatever happens to workers and messages."""
        return {name: end for name, (end, _) in self._course.items()}

    @cached_property
    def _course(self) -> dict[str, tuple[StepStatus, bool]]:
        """Of each step: its end, and whether its agent is called."""
        course: dict[str, tuple[StepStatus, bool]] = {}
        doomed: set[str] = set()  # failed, or behind one that failed: nothing behind them runs
        for step in self.asked:
            behind = bool(doomed & before_of(step))
            runs = not behind and not any(course[name][0] is StepStatus.SKIPPED for name in needs_of(step))
            end = _alone(step) if runs else StepStatus.SKIPPED
            course[step.name] = (end, runs)
            if behind or end is StepStatus.FAILED:
                doomed.add(step.name)
        return course

    @property
    def fate(self) -> WorkflowStatus:
        """How the workflow must end."""
        ends = set(self.fates.values())
        if StepStatus.FAILED in ends:
            return WorkflowStatus.FAILED
        return WorkflowStatus.DEGRADED if StepStatus.SKIPPED in ends else WorkflowStatus.SUCCEEDED

    @property
    def critical_s(self) -> float:
        """The longest way through it, by what its agents take when none fails."""
        ends: dict[str, float] = {}
        for step in self.asked:
            ends[step.name] = step.input["delay_s"] + max((ends[name] for name in before_of(step)), default=0.0)
        return max(ends.values())


def _alone(step: AskedStep) -> StepStatus:
    """How it ends if it runs."""
    if step.input["fails"] != Fails.ALWAYS:
        return StepStatus.SUCCEEDED
    return StepStatus.SKIPPED if step.optional else StepStatus.FAILED


def before_of(step: AskedStep) -> set[str]:
    """What a step waits for."""
    return {*step.after, *(reference["$from"] for reference in _references(step))}


def needs_of(step: AskedStep) -> set[str]:
    """What it cannot do without."""
    return {reference["$from"] for reference in _references(step) if "default" not in reference}


def _references(step: AskedStep) -> list[dict[str, Any]]:
    return list(step.input.get("reads", []))


def random_dag(chance: random.Random, *, faulty: bool, shortest_s: float, longest_s: float) -> Dag:
    """2 to 40 steps, each after up to three of those before it; with `faulty`, some fail and some are optional."""
    asked: list[AskedStep] = []
    for number in range(chance.randint(2, 40)):
        optional = faulty and number > 0 and chance.random() < 0.2
        before = chance.sample(asked, min(len(asked), chance.choice((0, 1, 1, 1, 2, 2, 3))))
        read = [one for one in before if chance.random() < 0.4]
        fails = chance.choices(list(Fails), (60, 15, 25) if optional else (85, 13, 2))[0] if faulty else Fails.NEVER
        asked.append(AskedStep(
            name=f"s{number}", agent=chance.choice(AGENTS), optional=optional,
            after=[one.name for one in before if one not in read],
            input={"delay_s": chance.uniform(shortest_s, longest_s), "fails": fails,
                   "reads": [_reference(one, must=chance.random() < 0.5 and (optional or not one.optional))
                             for one in read]},
        ))
    return Dag(tuple(asked))


def _reference(step: AskedStep, *, must: bool) -> dict[str, Any]:
    return {"$from": step.name, "path": "said", **({} if must else {"default": None})}
