"""From a question to a plan, by rules: mark the words, find the table, then let each rule take what is its own."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from agents.contract import DataSchema
from agents.nlp.alternatives import check_alternatives
from agents.nlp.annotation import annotate
from agents.nlp.bare_properties import find_bare_properties
from agents.nlp.compared_times import join_times
from agents.nlp.compiler import PlanError, compile_plan
from agents.nlp.conditions import find_flags, find_missing, find_times
from agents.nlp.draft import Draft
from agents.nlp.finishing import find_listing, find_order, find_share, to_plan
from agents.nlp.grouping import add_leftover, find_groups, name_rows
from agents.nlp.implied import find_degrees, find_implied
from agents.nlp.leftovers import check_all_used, check_groups
from agents.nlp.lexicon import Lexicon
from agents.nlp.marks import Mark
from agents.nlp.measuring import find_measures, find_rows
from agents.nlp.named_values import find_values
from agents.nlp.numbers import find_numbers
from agents.nlp.plan import Aggregate, QueryPlan
from agents.nlp.refusal import RefusalError
from agents.nlp.scope import choose_scope
from agents.nlp.shapes import find_chart, find_distribution, find_relation
from agents.nlp.speller import Speller
from agents.nlp.spoken_names import spoken
from agents.nlp.sql_columns import SqlColumns
from agents.nlp.tokens import Token, read_as, tokenize
from agents.nlp.wording import describe

_RULES: tuple[Callable[[Draft], None], ...] = (
    find_chart,
    find_times,
    join_times,
    find_missing,
    find_flags,
    find_values,
    find_degrees,
    find_numbers,
    find_relation,
    find_distribution,
    find_groups,
    find_measures,
    find_bare_properties,
    add_leftover,
    find_implied,
    name_rows,
    find_rows,
    find_order,
    find_share,
    find_listing,
)
_CHECKS: tuple[Callable[[Draft], None], ...] = (check_all_used, check_alternatives, check_groups)
_MESSAGES = {
    "causes": "The data says what happened, not why.",
    "future": "The data holds the past; nothing is predicted here.",
    "advice": "The data gives no advice.",
}


@dataclass(frozen=True)
class Understanding:
    """A question understood: its plan, the plan in English, what was taken for granted, and how surely."""

    plan: QueryPlan
    interpretation: str
    assumptions: list[str]
    entities: list[dict[str, Any]]
    coverage: float
    confidence: float


class Planner(Protocol):
    """Anything that turns a question into a plan over a schema, or refuses with `RefusalError`."""

    def plan(self, question: str) -> Understanding:
        """Understand one question."""
        ...


class RulePlanner:
    """Plans by rules over one schema; the words come from the schema, the grammar from `keywords.yaml`."""

    def __init__(self, schema: DataSchema) -> None:
        self.schema = schema
        self._lexicon = Lexicon(schema)
        self._speller = Speller(self._lexicon)

    def plan(self, question: str) -> Understanding:
        """Understand one question. Raises `RefusalError` when a word has no meaning or two readings are as good."""
        tokens = self._speller.corrected(tokenize(question))
        marks = annotate(tokens, self._lexicon)
        _check_supported(marks)
        unknown = _uncovered(tokens, marks)
        if unknown:
            raise RefusalError(
                f"Nothing in the data matches {', '.join(f'“{word}”' for word in unknown)}.",
                unmatched=unknown,
                did_you_mean=self._replacements(tokens, unknown),
            )
        return self._understand(tokens, marks)

    def read(self, question: str) -> list[Mark]:
        """What the words of a question may mean, understood or not."""
        return annotate(self._speller.corrected(tokenize(question)), self._lexicon)

    def _understand(self, tokens: list[Token], marks: list[Mark]) -> Understanding:
        if not any(mark.refs for mark in marks):
            raise RefusalError("The question names nothing the data has.")
        draft = Draft(tokens, marks, choose_scope(marks, self._lexicon))
        for token in tokens:
            if token.read_as != token.text:
                draft.assume(f"“{token.text}” is read as “{token.read_as}”.")
        for rule in _RULES:
            rule(draft)
        for check in _CHECKS:
            check(draft)
        return _understood(draft)

    def _replacements(self, tokens: list[Token], unknown: list[str]) -> list[str]:
        """The words like the unknown one with which the question is understood."""
        if len(unknown) > 1:
            return []
        return [word for word in self._speller.near(unknown[0]) if self._understood_with(tokens, unknown[0], word)]

    def _understood_with(self, tokens: list[Token], old: str, new: str) -> bool:
        changed = [read_as(token, new) if token.text == old else token for token in tokens]
        marks = annotate(changed, self._lexicon)
        try:
            if not _uncovered(changed, marks):
                compile_plan(self._understand(changed, marks).plan, self.schema)
                return True
        except (RefusalError, PlanError):
            return False
        return False


def _uncovered(tokens: list[Token], marks: list[Mark]) -> list[str]:
    covered = {i for mark in marks for i in range(mark.start, mark.end)}
    return [token.text for i, token in enumerate(tokens) if i not in covered]


def _check_supported(marks: list[Mark]) -> None:
    for mark in marks:
        if mark.is_a("unsupported") and not mark.refs:
            raise RefusalError(
                _MESSAGES[mark.classes["unsupported"]],
                unmatched=[mark.text],
                suggestions=["Ask what happened: how many, how much, when, or by which group."],
            )


def _understood(draft: Draft) -> Understanding:
    plan = to_plan(draft)
    for column in (m.column for m in plan.measures if m.column and m.aggregate is not Aggregate.NONE):
        if draft.scope.schema(column).null_count:
            draft.assume(f"Rows without {spoken(draft.scope.schema(column))} are left out.")
    for path in SqlColumns(plan).joined:
        table = draft.scope.lexicon.joins.dropping(plan.table, path)
        if table is not None:
            draft.assume(f"Rows without a match in {table} are left out.")
    content = [m for m in draft.marks if not m.is_a("filler")]
    used = [m for i, m in enumerate(draft.marks) if i in draft.used and not m.is_a("filler")]
    coverage = 1.0 if not content else round(len([m for m in content if m.soft or m in used]) / len(content), 2)
    confidence = round(max(0.5, coverage - 0.05 * len(draft.assumptions)), 2)
    return Understanding(
        plan, describe(plan, draft.scope.lexicon.schema), draft.assumptions, draft.entities, coverage, confidence
    )
