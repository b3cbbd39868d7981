"""Plans that somebody wrote: checked as a whole before anything is recorded, and told everything that is wrong at once."""

import re
from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from rapidfuzz.process import extractOne

from agents.registry import AgentSpec
from pipeline.extension import FIXED
from pipeline.inputs import FROM
from pipeline.plan import COMPOSE, compose_step, step_of
from state.model import NewStep

NAME: Final = re.compile(r"^[A-Za-z][A-Za-z0-9_-]{0,63}$")  # other marks have a meaning in ids and keys
ALIKE: Final = 60  # rapidfuzz's ratio, from which on a name is offered instead of another
DEEPEST: Final = 32  # an input's nesting
REFERENCE: Final = frozenset({FROM, "path", "default"})


def _not_too_deep(given: dict[str, Any]) -> dict[str, Any]:
    level: list[Any] = [given]
    for _ in range(DEEPEST):
        level = [inner for item in level if isinstance(item, (dict, list))
                 for inner in (item.values() if isinstance(item, dict) else item)]
    if level:
        raise ValueError(f"nested more than {DEEPEST} deep")
    return given


class AskedStep(BaseModel):
    """One step of a plan: which agent, after which steps, with what input."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {"name": "rows", "agent": "data", "input": {"sql_query": "SELECT count(*) AS flights FROM flights"}}
        },
    )

    name: str = Field(max_length=200, description="Letters, digits, - and _, a letter first; unique in the plan.")
    agent: str = Field(max_length=200, description="nlp, data, viz, compose, or a further agent by its name in AGENTS.")
    after: list[str] = Field(default_factory=list, max_length=1_000, description="Steps that must have ended before.")
    optional: bool = Field(False, description="Whether the answer may do without it; it is then marked as degraded.")
    query: str = Field("", max_length=200, description="Which of the nlp agent's queries a data or viz step is about.")
    input: Annotated[dict[str, Any], AfterValidator(_not_too_deep)] = Field(
        default_factory=dict,
        description='Fields of the agent\'s payload. `{"$from": "step", "path": "rows.0.city"}` stands for what that step '
        'gave, and makes this one wait for it; with "default" it may be missing.',
    )


class BadPlan(Exception):
    """A plan that cannot be taken; `faults` name each step that is wrong and the cure."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__(faults[0] if len(faults) == 1 else f"{len(faults)} things are wrong with the plan")
        self.faults = list(faults)


def checked_plan(asked: Sequence[AskedStep], registry: Mapping[str, AgentSpec], most: int) -> tuple[NewStep, ...]:
    """The plan as it is recorded, each step after those it waits for. Raises `BadPlan`; nothing was recorded."""
    faults = [*_size(asked, most), *_names(asked), *_agents(asked, registry)]
    steps = {step.name: _Wired(step) for step in asked}
    for step in steps.values():
        faults += step.unknown(steps)
    faults += _circle(steps) if not faults else []
    if not faults:
        faults += [fault for step in steps.values() for fault in (*step.unreadable(steps), *step.unfed(steps))]
        faults += _nothing_required(asked)
    if faults:
        raise BadPlan(faults)
    order = TopologicalSorter({step.asked.name: step.before for step in steps.values()}).static_order()
    return tuple(steps[name].planned(steps, registry) for name in order)


class _Wired:
    """One asked step and what it is wired to."""

    def __init__(self, asked: AskedStep) -> None:
        self.asked = asked
        self.references = list(_references(asked.input))
        read = [str(reference[FROM]) for reference in self.references if isinstance(reference[FROM], str)]
        self.before = list(dict.fromkeys([*asked.after, *read]))

    def unknown(self, steps: Mapping[str, "_Wired"]) -> Iterator[str]:
        """Names that are no step's, and references that cannot be read."""
        name = self.asked.name
        for reference in self.references:
            yield from _bad_reference(name, reference)
        for other in self.before:
            if other == name:
                yield f"Step '{name}' waits for itself. Take '{name}' out of its `after` and its input."
            elif other not in steps:
                yield f"Step '{name}' waits for '{other}', which is no step of this plan.{_meant(other, steps)}"

    def unreadable(self, steps: Mapping[str, "_Wired"]) -> Iterator[str]:
        """A step that the answer must have may not depend on the output of one it may do without."""
        for needed in sorted(self.needs(steps)):
            if steps[needed].asked.optional and not self.asked.optional:
                yield (
                    f"Step '{self.asked.name}' is required and reads '{needed}', which is optional. Make '{self.asked.name}' optional "
                    f"too, make '{needed}' required, or give the reference a `default`."
                )

    def unfed(self, steps: Mapping[str, "_Wired"]) -> Iterator[str]:
        """What the step's agent needs to be asked anything."""
        name, agent, given = self.asked.name, self.asked.agent, self.asked.input
        sources = {kind: self._kinds(steps, kind) for kind in ("nlp", "data")}
        if agent == "data" and "sql_query" not in given:
            yield from _one_source(name, "nlp", sources["nlp"], "`input.sql_query`")
        elif agent == "viz" and "data" not in given:
            yield from _one_source(name, "data", sources["data"], "`input.data`")
        elif agent == COMPOSE and not self._all_before(steps, "data"):
            yield f"Step '{name}' composes nothing: name one data step or more in its `after`."
        if agent != "nlp" and self.asked.query and not sources["nlp"]:
            yield f"Step '{name}' is about the query '{self.asked.query}', but waits for no nlp step. Name one in its `after`."

    def needs(self, steps: Mapping[str, "_Wired"]) -> set[str]:
        """Steps whose output this one cannot do without."""
        firm = {str(reference[FROM]) for reference in self.references if "default" not in reference}
        return firm | set(self.reads(steps).values()) if self.asked.agent != COMPOSE else firm

    def reads(self, steps: Mapping[str, "_Wired"]) -> dict[str, str]:
        """From which nlp and which data step the payload is made, where the input does not give it."""
        kinds = {"data": ("nlp",), "viz": ("nlp", "data")}.get(self.asked.agent, ())
        own = {"nlp": "sql_query" if self.asked.agent == "data" else "", "data": "data"}
        found = {kind: self._kinds(steps, kind) for kind in kinds if own[kind] not in self.asked.input}
        return {kind: names[0] for kind, names in found.items() if len(names) == 1}

    def planned(self, steps: Mapping[str, "_Wired"], registry: Mapping[str, AgentSpec]) -> NewStep:
        """The step as it is recorded."""
        if self.asked.agent == COMPOSE:
            return self._compose(steps)
        reads, needs = self.reads(steps), self.needs(steps)
        wants = {str(reference[FROM]) for reference in self.references} - needs
        if self.asked.agent not in ("nlp", "data", "viz"):
            wants |= {name for name in self.before if name not in needs}
        spec: dict[str, Any] = {"reads": reads}
        spec |= {"query": self.asked.query} if self.asked.query else {}
        spec |= {"input": self.asked.input} if self.asked.input else {}
        spec |= {FIXED: True} if self.asked.agent == "nlp" else {}
        return step_of(
            registry[self.asked.agent],
            self.asked.name,
            after=self.before,
            needs=sorted(needs),
            wants=sorted(wants),
            optional=self.asked.optional,
            spec=spec,
        )

    def _compose(self, steps: Mapping[str, "_Wired"]) -> NewStep:
        charts = {steps[name].reads(steps).get("data", ""): name for name in self._all_before(steps, "viz")}
        parts = [
            {"name": name, "query": steps[name].asked.query, "data": name, "viz": charts.get(name, "")}
            for name in self._all_before(steps, "data")
        ]
        return compose_step(self.asked.name, parts, after=self.before, optional=self.asked.optional)

    def _all_before(self, steps: Mapping[str, "_Wired"], agent: str) -> list[str]:
        """Every step of `agent` that this one waits for, directly or not, in the plan's order."""
        seen: set[str] = set()
        open_ = list(self.before)
        while open_:
            name = open_.pop()
            if name not in seen:
                seen.add(name)
                open_ += steps[name].before
        return [name for name in steps if name in seen and steps[name].asked.agent == agent]

    def _kinds(self, steps: Mapping[str, "_Wired"], agent: str) -> list[str]:
        """Steps of `agent` before this one: the nearest, as far back as it takes to find one."""
        seen: set[str] = set()
        near = list(self.before)
        while near:
            found = [name for name in near if steps[name].asked.agent == agent]
            if found:
                return found
            seen |= set(near)
            near = [name for step in near for name in steps[step].before if name not in seen]
        return []


def _size(asked: Sequence[AskedStep], most: int) -> list[str]:
    if not asked:
        return ["The plan has no steps. Name one at least."]
    if len(asked) > most:
        return [f"The plan has {len(asked)} steps, and at most {most} are taken (MAX_STEPS)."]
    return []


def _names(asked: Sequence[AskedStep]) -> Iterator[str]:
    seen: set[str] = set()
    for step in asked:
        if not NAME.match(step.name):
            yield f"'{step.name}' cannot name a step: use letters, digits, - and _, a letter first, 64 at most."
        if step.name in seen:
            yield f"Two steps are named '{step.name}'. Rename one."
        seen.add(step.name)


def _agents(asked: Sequence[AskedStep], registry: Mapping[str, AgentSpec]) -> Iterator[str]:
    known = [*registry, COMPOSE]
    for step in asked:
        if step.agent not in known:
            yield (
                f"Step '{step.name}' asks the agent '{step.agent}', which is not known.{_meant(step.agent, known)} "
                f"Known are {', '.join(known)}; further ones are named in AGENTS."
            )


def _circle(steps: Mapping[str, _Wired]) -> list[str]:
    try:
        TopologicalSorter({name: step.before for name, step in steps.items()}).prepare()
    except CycleError as error:
        around = " -> ".join(reversed(error.args[1]))
        return [f"These steps wait for each other: {around}. Take one of them out of the other's `after` or input."]
    return []


def _nothing_required(asked: Sequence[AskedStep]) -> list[str]:
    if any(not step.optional for step in asked):
        return []
    return ["Every step is optional, so there might be no answer at all. Make one required."]


def _one_source(name: str, kind: str, sources: Sequence[str], field: str) -> Iterator[str]:
    if not sources:
        yield f"Step '{name}' has nothing to ask: name a step of the {kind} agent in its `after`, or give {field}."
    elif len(sources) > 1:
        yield f"Step '{name}' cannot tell which of {', '.join(sources)} it is about. Name one in its `after`, or give {field}."


def _references(value: Any) -> Iterator[dict[str, Any]]:
    open_ = [value]
    while open_:
        item = open_.pop()
        if isinstance(item, dict) and FROM in item:
            yield item
        elif isinstance(item, (dict, list)):
            open_ += item.values() if isinstance(item, dict) else item


def _bad_reference(name: str, reference: Mapping[str, Any]) -> Iterator[str]:
    if not isinstance(reference[FROM], str):
        yield f"Step '{name}' has an input whose `$from` is no step's name. Write {{\"$from\": \"step\", \"path\": \"rows\"}}."
    if not isinstance(reference.get("path", ""), str):
        yield f"Step '{name}' has an input whose `path` is no text. Write it like rows.0.city."
    if further := sorted(set(reference) - REFERENCE):
        yield f"Step '{name}' has an input with `$from` and `{further[0]}`: beside `$from` only path and default are known."


def _meant(name: str, known: Sequence[str] | Mapping[str, Any]) -> str:
    best = extractOne(name, list(known), score_cutoff=ALIKE)
    return f" Did you mean '{best[0]}'?" if best else ""
