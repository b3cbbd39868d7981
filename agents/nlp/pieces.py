"""What a piece of a question is: a question of its own, one that borrows its measure, or the rest of another."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from agents.nlp.frames import is_bare
from agents.nlp.keywords import get_keywords
from agents.nlp.lexicon import RefKind
from agents.nlp.marks import Mark
from agents.nlp.plan import Aggregate
from agents.nlp.planner import RulePlanner, Understanding
from agents.nlp.refusal import RefusalError
from agents.nlp.wording import grouped, measured


@dataclass(frozen=True)
class Loan:
    """The words an earlier question lends one that does not say what it measures."""

    before: str = ""
    after: str = ""
    dropped: int = 0
    measure: str = ""

    def applied(self, text: str) -> str:
        """The piece as a question of its own."""
        return f"{self.before} {text[self.dropped :].strip()} {self.after}".strip()


@dataclass(frozen=True)
class Asked:
    """A part as it was said, and what it borrows."""

    words: str
    loan: Loan = Loan()

    @property
    def question(self) -> str:
        """The part as a question of its own."""
        return self.loan.applied(self.words)

    @property
    def own_words(self) -> str:
        """What it says itself."""
        return self.words[self.loan.dropped :]


@dataclass(frozen=True)
class Standing:
    """A piece understood. `weak`: its rows are only named, not asked for; `opens`: it shares nothing unsaid."""

    understood: Understanding
    loan: Loan = Loan()
    weak: bool = False
    opens: bool = False


@dataclass
class Reader:
    """Reads pieces with one planner, each text once."""

    planner: RulePlanner
    _read: dict[str, Understanding | RefusalError] = field(default_factory=dict)

    def plan(self, text: str) -> Understanding | RefusalError:
        """The text understood, or why it is not."""
        if text not in self._read:
            try:
                self._read[text] = self.planner.plan(text)
            except RefusalError as error:
                self._read[text] = error
        return self._read[text]

    def standing(self, text: str, earlier: Sequence[Understanding]) -> Standing | None:
        """The piece as a question of its own, with the measure of the nearest of the earlier ones that fits."""
        marks = self.planner.read(text)
        if not marks or _depends(text, marks, earlier):
            return None
        understood = self.plan(text)
        if isinstance(understood, RefusalError):
            return self._borrowing(text, marks, earlier)
        plan, asks = understood.plan, _asks(marks)
        if plan.measures[0].aggregate is not Aggregate.COUNT or asks:
            return Standing(understood, opens=_opens(text)) if asks or _ranks(marks) or not is_bare(plan) else None
        named = any(ref.table == plan.table for mark in marks for ref in mark.of(RefKind.TABLE))
        if _ranks(marks):
            lacking = earlier and not named and any(mark.is_a("superlative") for mark in marks)
            borrowing = self._borrowing(text, marks, earlier) if lacking else None
            return borrowing or Standing(understood, opens=True)
        if is_bare(plan) or not named or not (earlier or plan.dimensions):
            return None
        return Standing(understood, weak=True, opens=_opens(text))

    def asks(self, text: str) -> bool:
        """Whether a piece asks for a number or a place in a ranking of its own, understood or not."""
        marks = self.planner.read(text)
        return _asks(marks) or _ranks(marks)

    def lent(self, text: str, loan: Loan) -> Standing | None:
        """The piece with what it borrows, if it is understood so."""
        understood = self.plan(loan.applied(text))
        return None if isinstance(understood, RefusalError) else Standing(understood, loan)

    def with_measure(self, words: str, lender: Understanding) -> Asked:
        """A piece that only says of what, with what another measures: `average delay` + `summer`."""
        joint = "" if words.lower().split()[0] in get_keywords().going_on else " for"
        measure = self.measure(lender)
        return Asked(words, Loan(before=measure + joint, measure=measure))

    def measure(self, understood: Understanding) -> str:
        """What is measured, in words that can be asked for again."""
        return measured(understood.plan, self.planner.schema)

    def _borrowing(self, text: str, marks: Sequence[Mark], earlier: Sequence[Understanding]) -> Standing | None:
        loans = (loan for understood in reversed(earlier) for loan in self._loans(text, marks, understood))
        return next((found for loan in loans if (found := self.lent(text, loan)) is not None), None)

    def _loans(self, text: str, marks: Sequence[Mark], lender: Understanding) -> list[Loan]:
        if lender.plan.measures[0].aggregate in (Aggregate.NONE, Aggregate.SHARE):
            return []
        measure, rows = self.measure(lender), f"number of {lender.plan.table.replace('_', ' ')}"
        said = marks[0].text.lower()
        if marks[0].classes.get("aggregate") == "count" and text.lower().startswith(said):
            return [Loan(before=rows, dropped=len(said), measure=rows)]
        if not _ranks(marks):
            return []
        busiest = any(m.classes.get("superlative", "").startswith("rows") for m in marks)
        ranked = rows if busiest else measure
        groups = grouped(lender.plan, self.planner.schema).removeprefix("per ") if marks[0].is_a("which") else ""
        loans = [Loan(after=f"by {ranked}", measure=ranked)]
        return [*loans, Loan(after=f"{groups} by {ranked}", measure=ranked)] if groups else loans


def _depends(text: str, marks: Sequence[Mark], earlier: Sequence[Understanding]) -> bool:
    """Whether the words go on with what was said before, or point back to it."""
    words = re.findall(r"[a-z]+", text.lower())
    pointing = bool(earlier) and any(word in get_keywords().pointing_back for word in words)
    return pointing or (bool(words) and words[0] in get_keywords().going_on and not _asks(marks))


def _opens(text: str) -> bool:
    return text.lower().split()[0] in get_keywords().opening


def _asks(marks: Sequence[Mark]) -> bool:
    return any(m.is_a("aggregate", "distribution", "relation") for m in marks)


def _ranks(marks: Sequence[Mark]) -> bool:
    return any(m.is_a("superlative", "top") or (m.prop and m.text.lower() in m.prop.superlatives) for m in marks)
