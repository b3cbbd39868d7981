"""What a workflow's steps gave, found by their agents, whatever its plan."""

from functools import cached_property
from typing import Any

from agents.contract import DataResult, NlpResult, SubQuery, VizResult
from pipeline.composing.compose import Composed
from pipeline.plan import COMPOSE
from state.model import Contents, WorkflowRecord

_OURS = frozenset({"nlp", "data", "viz", COMPOSE})


class Outputs:
    """The outputs of one workflow's steps; of several steps of one agent the last that has one speaks for the whole."""

    def __init__(self, record: WorkflowRecord, contents: Contents) -> None:
        self._steps, self._outputs = record.steps.values(), contents.outputs

    @cached_property
    def nlp(self) -> NlpResult | None:
        """What the question was understood as."""
        found = self._last("nlp")
        return NlpResult.model_validate(found) if found else None

    @cached_property
    def composed(self) -> Composed | None:
        """The parts put together."""
        found = self._last(COMPOSE)
        return Composed.model_validate(found) if found else None

    @property
    def data(self) -> DataResult | None:
        """The rows of the answer as a whole; of a question with parts only those that could be joined."""
        if self.told_parts:
            return self.composed.data if self.composed else None
        found = self._last("data")
        return DataResult.model_validate(found) if found else None

    @property
    def chart(self) -> VizResult | None:
        """The chart of the answer as a whole."""
        if self.told_parts:
            return self.composed.chart if self.composed else None
        found = self._last("viz")
        return VizResult.model_validate(found) if found else None

    @property
    def interpretation(self) -> str:
        """What was understood, over all parts."""
        if self.composed:
            return self.composed.interpretation
        return self.nlp.interpretation if self.nlp else ""

    @property
    def further(self) -> dict[str, dict[str, Any]]:
        """What other agents gave, by step."""
        others = [step.name for step in self._steps if step.agent not in _OURS]
        return {name: self._outputs[name] for name in others if name in self._outputs}

    @cached_property
    def told_parts(self) -> list[dict[str, str]]:
        """The parts as the plan tells them: `{name, query, data, viz}`, the last two being names of steps."""
        told = [step.spec.get("parts", []) for step in self._steps if step.agent == COMPOSE]
        return told[-1] if told else []

    def query(self, name: str) -> SubQuery | None:
        """One of the nlp agent's queries."""
        return next((query for query in (self.nlp.queries if self.nlp else []) if query.name == name), None)

    def rows_of(self, step: str) -> DataResult | None:
        """What a data step gave."""
        return DataResult.model_validate(self._outputs[step]) if step in self._outputs else None

    def chart_of(self, step: str) -> VizResult | None:
        """What a viz step gave."""
        return VizResult.model_validate(self._outputs[step]) if step in self._outputs else None

    def _last(self, agent: str) -> dict[str, Any] | None:
        names = [step.name for step in self._steps if step.agent == agent]
        return next((self._outputs[name] for name in reversed(names) if name in self._outputs), None)
