"""What is set against each other and is no single query: `delay in winter versus summer`, `of United and of JFK`."""

from collections.abc import Sequence

from agents.nlp.cuts import Link, Piece
from agents.nlp.frames import are_one, differ_by_column, tells_apart
from agents.nlp.pieces import Asked, Loan, Reader
from agents.nlp.plan import Aggregate, QueryPlan
from agents.nlp.planner import Understanding
from agents.nlp.refusal import RefusalError
from agents.nlp.wording import grouped

_COMPARING = ("compare", "comparison", "comparing", "difference", "compared")


def set_against(text: str, pieces: Sequence[Piece], reader: Reader) -> list[Asked]:
    """The first piece, and the others with its measure; none where they are one query or not understood."""
    said = [text[piece.start : piece.end].strip() for piece in pieces]
    against = any(piece.link is Link.AGAINST for piece in pieces)
    compared = any(mark.text.lower().startswith(_COMPARING) for mark in reader.planner.read(text))
    head = reader.standing(said[0], []) if against or compared else None
    if head is None or any(reader.standing(words, []) for words in said[1:]):
        return []
    others = [reader.with_measure(words, head.understood) for words in said[1:]]
    found = [other for other in (reader.plan(one.question) for one in others) if not isinstance(other, RefusalError)]
    if len(found) < len(others) or not _apart(text, head.understood, found, reader, against=against):
        return []
    groups = "" if head.understood.plan.dimensions else grouped(found[-1].plan, reader.planner.schema)
    return [Asked(said[0], Loan(after=groups)), *others]  # groups said at the end are meant of all


def _apart(text: str, head: Understanding, others: Sequence[Understanding], reader: Reader, *, against: bool) -> bool:
    """Whether one query for all of them would not say what is whose."""
    whole = reader.plan(text)
    if isinstance(whole, RefusalError):
        return True
    if any(m.aggregate is Aggregate.NONE for m in whole.plan.measures):
        return False
    return all(_differ(head.plan, other.plan, whole.plan, against=against) for other in others)


def _differ(first: QueryPlan, second: QueryPlan, whole: QueryPlan, *, against: bool) -> bool:
    if tells_apart(first, second, whole) or are_one(first, second, whole, shared=False):
        return False
    return against or differ_by_column(first, second)
