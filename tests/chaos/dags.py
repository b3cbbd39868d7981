"""Random plans, and what must become of each: a second opinion that shares no code with the transitions."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pipeline.asked_step import AskedStep
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

    @property
    def fates(self) -> dict[str, StepStatus]:
        """How each step must end, whatever happens to workers and messages."""
        fates: dict[str, StepStatus] = {}
        doomed: set[str] = set()  # failed, or behind one that failed: nothing behind them runs
        for step in self.asked:
            before = before_of(step)
            if doomed & before:
                doomed.add(step.name)
                fates[step.name] = StepStatus.SKIPPED
            elif any(fates[name] is StepStatus.SKIPPED for name in needs_of(step)):
                fates[step.name] = StepStatus.SKIPPED
            elif step.input["fails"] != Fails.ALWAYS:
                fates[step.name] = StepStatus.SUCCEEDED
            elif step.optional:
                fates[step.name] = StepStatus.SKIPPED
            else:
                fates[step.name] = StepStatus.FAILED
                doomed.add(step.name)
        return fates

    @property
    def fate(self) -> WorkflowStatus:
        """How the workflow must end."""
        ends = set(self.fates.values())
        if StepStatus.FAILED in ends:
            return WorkflowStatus.FAILED
        return WorkflowStatus.DEGRADED if StepStatus.SKIPPED in ends else WorkflowStatus.SUCCEEDED

    @property
    def runs(self) -> frozenset[str]:
        """The steps whose agents are to be called."""
        fates = self.fates
        return frozenset(step.name for step in self.asked if fates[step.name] is not StepStatus.SKIPPED
                         or (step.input["fails"] == Fails.ALWAYS and self._reached(step, fates)))

    @property
    def critical_s(self) -> float:
        """The longest way through it, by what its agents take when none fails."""
        ends: dict[str, float] = {}
        for step in self.asked:
            ends[step.name] = step.input["delay_s"] + max((ends[name] for name in before_of(step)), default=0.0)
        return max(ends.values())

    def _reached(self, step: AskedStep, fates: Mapping[str, StepStatus]) -> bool:
        behind = _behind_a_failure(self.asked, fates)
        return step.name not in behind and all(fates[name] is StepStatus.SUCCEEDED for name in needs_of(step))


def _behind_a_failure(asked: Sequence[AskedStep], fates: Mapping[str, StepStatus]) -> set[str]:
    behind: set[str] = set()
    for step in asked:
        if any(name in behind or fates[name] is StepStatus.FAILED for name in before_of(step)):
            behind.add(step.name)
    return behind


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
        fails = chance.choices(list(Fails), (80, 12, 8))[0] if faulty else Fails.NEVER
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
