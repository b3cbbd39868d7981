"""How a step of a plan that somebody wrote is wired to the others: what it waits for, reads, and may lack."""

from collections.abc import Iterator, Mapping

from rapidfuzz.process import extractOne

from agents.registry import AgentSpec
from pipeline.asked.step import AskedStep, faults_of, references_in
from pipeline.extension import FIXED
from pipeline.inputs import FROM
from pipeline.plan import COMPOSE, compose_step, step_of
from state.model import NewStep

ALIKE = 60  # rapidfuzz's ratio, from which on a name is offered instead of another


class Wired:
    """One asked step among the others; `before` are the steps it waits for."""

    def __init__(self, asked: AskedStep) -> None:
        self.asked = asked
        self._references = list(references_in(asked.input))
        read = [str(reference[FROM]) for reference in self._references if isinstance(reference[FROM], str)]
        self.before = list(dict.fromkeys([*asked.after, *read]))

    def unknown(self, steps: Mapping[str, "Wired"]) -> Iterator[str]:
        """Names that are no step's, and references that cannot be read."""
        name = self.asked.name
        for reference in self._references:
            yield from faults_of(name, reference)
        for other in self.before:
            if other == name:
                yield f"Step '{name}' waits for itself. Take '{name}' out of its `after` and its input."
            elif other not in steps:
                yield f"Step '{name}' waits for '{other}', which is no step of this plan.{meant(other, list(steps))}"

    def unreadable(self, steps: Mapping[str, "Wired"]) -> Iterator[str]:
        """A step that the answer must have may not depend on the output of one it may do without."""
        name = self.asked.name
        for needed in sorted(self.needs(steps)):
            if steps[needed].asked.optional and not self.asked.optional:
                yield (
                    f"Step '{name}' is required and reads '{needed}', which is optional. Make '{name}' optional too, "
                    f"or '{needed}' required, or give the reference a `default`."
                )

    def unfed(self, steps: Mapping[str, "Wired"]) -> Iterator[str]:
        """What the step's agent lacks to be asked anything."""
        name, agent, given = self.asked.name, self.asked.agent, self.asked.input
        if agent == "data" and "sql_query" not in given:
            yield from _one_of(name, "nlp", self._nearest(steps, "nlp"), "`input.sql_query`")
        elif agent == "viz" and "data" not in given:
            yield from _one_of(name, "data", self._nearest(steps, "data"), "`input.data`")
        elif agent == COMPOSE and not self._nearest(steps, "data"):
            yield f"Step '{name}' composes nothing: name one data step or more in its `after`."
        if self.asked.query and not self._nearest(steps, "nlp"):
            yield f"Step '{name}' is about a query '{self.asked.query}', but no nlp step comes before it. Add one."

    def needs(self, steps: Mapping[str, "Wired"]) -> set[str]:
        """Steps whose output this one cannot do without."""
        firm = {str(reference[FROM]) for reference in self._references if "default" not in reference}
        return firm | set(self.reads(steps).values())

    def planned(self, steps: Mapping[str, "Wired"], registry: Mapping[str, AgentSpec]) -> NewStep:
        """The step as it is recorded."""
        if self.asked.agent == COMPOSE:
            return self._compose(steps)
        needs = self.needs(steps)
        read = {str(reference[FROM]) for reference in self._references}
        further = self.asked.agent not in ("nlp", "data", "viz")  # is handed all that came before it
        spec = {
            "reads": self.reads(steps),
            "query": self.asked.query,
            "input": self.asked.input,
            FIXED: self.asked.agent == "nlp",
        }
        return step_of(
            registry[self.asked.agent],
            self.asked.name,
            after=self.before,
            needs=sorted(needs),
            wants=sorted((read | set(self.before if further else ())) - needs),
            optional=self.asked.optional,
            spec={name: value for name, value in spec.items() if value or name == "reads"},
        )

    def _compose(self, steps: Mapping[str, "Wired"]) -> NewStep:
        charts = {steps[name].reads(steps).get("data", ""): name for name in self._all(steps, "viz")}
        parts = [
            {"name": name, "query": steps[name].asked.query, "data": name, "viz": charts.get(name, "")}
            for name in self._all(steps, "data")
        ]
        nlp = self._nearest(steps, "nlp")
        about = nlp[0] if len(nlp) == 1 else ""
        return compose_step(self.asked.name, parts, nlp=about, after=self.before, optional=self.asked.optional)

    def reads(self, steps: Mapping[str, "Wired"]) -> dict[str, str]:
        """From which nlp and which data step the payload is made, where the input does not give it."""
        agent, given = self.asked.agent, self.asked.input
        wanted = {
            "nlp": agent == "viz" or (agent == "data" and "sql_query" not in given),
            "data": agent == "viz" and "data" not in given,
        }
        found = {kind: self._nearest(steps, kind) for kind, is_wanted in wanted.items() if is_wanted}
        return {kind: names[0] for kind, names in found.items() if len(names) == 1}

    def _nearest(self, steps: Mapping[str, "Wired"], agent: str) -> list[str]:
        """Steps of `agent` before this one, from the nearest level that has any."""
        seen: set[str] = set()
        level = list(self.before)
        while level:
            if found := [name for name in level if steps[name].asked.agent == agent]:
                return found
            seen |= set(level)
            level = list(dict.fromkeys(name for step in level for name in steps[step].before if name not in seen))
        return []

    def _all(self, steps: Mapping[str, "Wired"], agent: str) -> list[str]:
        """Every step of `agent` before this one, near or far, in the plan's order."""
        seen: set[str] = set()
        open_ = list(self.before)
        while open_:
            name = open_.pop()
            if name not in seen:
                seen.add(name)
                open_ += steps[name].before
        return [name for name in steps if name in seen and steps[name].asked.agent == agent]


def meant(name: str, known: list[str]) -> str:
    """ "Did you mean ...?" when a known name is like `name`, else nothing."""
    best = extractOne(name, known, score_cutoff=ALIKE)
    return f" Did you mean '{best[0]}'?" if best else ""


def _one_of(name: str, kind: str, sources: list[str], field: str) -> Iterator[str]:
    if not sources:
        yield f"Step '{name}' has nothing to ask: name a step of the {kind} agent in its `after`, or give {field}."
    elif len(sources) > 1:
        yield f"Step '{name}' cannot tell which of {', '.join(sources)} is meant. Wait for one only, or give {field}."
