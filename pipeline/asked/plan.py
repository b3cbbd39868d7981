"""Plans that somebody wrote: checked as a whole before anything is recorded, all that is wrong told at once."""

import re
from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Final

from agents.registry import AgentSpec
from pipeline.asked.step import AskedStep
from pipeline.asked.wiring import Wired, meant
from pipeline.plan import COMPOSE, within_limit
from state.model import NewStep

NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")  # other marks have a meaning in ids and keys


class BadPlan(Exception):
    """A plan that cannot be taken; `faults` name each step that is wrong and the cure."""

    def __init__(self, faults: Sequence[str]) -> None:
        more = f" ({len(faults) - 1} more faults)" if len(faults) > 1 else ""
        super().__init__(f"{faults[0]}{more}")
        self.faults = list(faults)


def checked_plan(asked: Sequence[AskedStep], registry: Mapping[str, AgentSpec], most: int) -> tuple[NewStep, ...]:
    """The plan as it is recorded, each step after those it waits for; raises `BadPlan` or `PlanTooLarge`."""
    within_limit(asked, most)
    steps = {step.name: Wired(step) for step in asked}
    unknown = [fault for one in steps.values() for fault in one.unknown(steps)]
    _refuse([*_names(asked), *_agents(asked, registry), *unknown])
    _refuse(_circle(steps))
    wired = [fault for one in steps.values() for fault in (*one.unreadable(steps), *one.unfed(steps))]
    _refuse([*wired, *_nothing_required(asked)])
    order = TopologicalSorter({name: step.before for name, step in steps.items()}).static_order()
    return tuple(steps[name].planned(steps, registry) for name in order)


def _refuse(faults: Sequence[str]) -> None:
    if faults:
        raise BadPlan(faults)


def _names(asked: Sequence[AskedStep]) -> Iterator[str]:
    seen: set[str] = set()
    for step in asked:
        if not NAME.fullmatch(step.name):
            yield f"'{step.name}' cannot name a step: use letters, digits, - and _, a letter first, 64 at most."
        if step.name in seen:
            yield f"Two steps are named '{step.name}'. Rename one."
        seen.add(step.name)


def _agents(asked: Sequence[AskedStep], registry: Mapping[str, AgentSpec]) -> Iterator[str]:
    known = [*registry, COMPOSE]
    for step in asked:
        if step.agent not in known:
            yield (
                f"Step '{step.name}' asks the agent '{step.agent}', which is not known.{meant(step.agent, known)} "
                f"Known are {', '.join(known)}; further ones are named in AGENTS."
            )


def _circle(steps: Mapping[str, Wired]) -> list[str]:
    try:
        TopologicalSorter({name: step.before for name, step in steps.items()}).prepare()
    except CycleError as error:
        around = " -> ".join(reversed(error.args[1]))
        return [f"These steps wait for each other: {around}. Take one out of the other's `after` or input."]
    return []


def _nothing_required(asked: Sequence[AskedStep]) -> list[str]:
    if any(not step.optional for step in asked):
        return []
    return ["Every step is optional, so there might be no answer at all. Make one required."]
