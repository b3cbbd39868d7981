"""A question that asks for several things becomes several questions; what is understood as one query stays one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from agents.nlp.contrast import set_against
from agents.nlp.cuts import Link, Piece, cut, plain
from agents.nlp.frames import are_one, is_bare, takes_in
from agents.nlp.part_names import names_of
from agents.nlp.pieces import Asked, Loan, Reader, Standing
from agents.nlp.plan import Aggregate
from agents.nlp.planner import RulePlanner, Understanding
from agents.nlp.refusal import RefusalError
from agents.nlp.wording import grouped

MAX_PARTS = 8
_MAX_PIECES = 24  # beyond, it is a list and not a question of eight parts; each piece costs a reading


@dataclass(frozen=True)
class Part:
    """One of several things a question asks for, as a question of its own."""

    name: str
    question: str
    understood: Understanding


@dataclass(frozen=True)
class _Span:
    """Characters `start` to `end` of the question, which stand as one question with what they borrow."""

    start: int
    end: int
    standing: Standing


def parts_of(question: str, planner: RulePlanner) -> list[Part]:
    """The parts of a question that asks for several things; none for a question that is one.

    Raises `RefusalError` naming the part that is not understood, or when there are more than `MAX_PARTS`.
    """
    text = plain(question)
    pieces = cut(text)
    if not 2 <= len(pieces) <= _MAX_PIECES:
        return []
    reader = Reader(planner)
    asked = [Asked(text[span.start : span.end], span.standing.loan) for span in _spans(text, pieces, reader)]
    if len(asked) < 2:
        asked = set_against(text, pieces, reader)
    _check(text, pieces, asked, reader)
    understood = [_understood(reader, one) for one in asked]
    names = names_of([one.own_words for one in asked], planner)
    return [Part(name, one.question, known) for name, one, known in zip(names, asked, understood, strict=True)]


def _check(text: str, pieces: Sequence[Piece], asked: Sequence[Asked], reader: Reader) -> None:
    if len(asked) > MAX_PARTS:
        raise RefusalError(
            f"The question asks for {len(asked)} things; at most {MAX_PARTS} are answered at once.",
            suggestions=["Ask for some of them now and for the others after that."],
        )
    if any(isinstance(reader.plan(one.question), RefusalError) for one in asked or [Asked(text)]):
        _blame(text, pieces, reader)


def _blame(text: str, pieces: Sequence[Piece], reader: Reader) -> None:
    """Refuse over the piece that is not understood, where another one stands on its own."""
    said = [text[piece.start : piece.end] for piece in pieces]
    if not any(reader.standing(words, []) for words in said):
        return
    for piece, words in zip(pieces, said, strict=True):
        error = reader.plan(words)
        asks = piece.link is Link.SENTENCE or reader.asks(words)
        if isinstance(error, RefusalError) and (error.unmatched or error.did_you_mean) and asks:
            raise _named(words, error)


def _understood(reader: Reader, asked: Asked) -> Understanding:
    understood = reader.plan(asked.question)
    if isinstance(understood, RefusalError):
        raise _named(asked.question, understood)
    if not asked.loan.measure:
        return understood
    borrowed = f"What is asked for is the {asked.loan.measure}, as in another part."
    return replace(understood, assumptions=[borrowed, *understood.assumptions])


def _named(part: str, error: RefusalError) -> RefusalError:
    return replace(error, message=f"In the part “{part}”: {error.message[:1].lower()}{error.message[1:]}")


def _spans(text: str, pieces: Sequence[Piece], reader: Reader) -> list[_Span]:
    """The pieces as questions that stand: what does not goes with the one before, at first with the next."""
    spans: list[_Span] = []
    for at, piece in enumerate(pieces):
        if not spans:
            spans = _begun(text, pieces[: at + 1], reader)
            continue
        last, own = spans[-1], reader.standing(text[piece.start : piece.end], [s.standing.understood for s in spans])
        if own is None and piece.link is Link.SENTENCE:
            _check_sentence(text[piece.start : piece.end], reader)
        if own is None or (piece.link is not Link.SENTENCE and _goes_on(text, last, piece, own, reader)):
            spans[-1] = _grown(text, last, piece.end, reader)
        else:
            like = own if piece.link is Link.SENTENCE else _grouped_alike(text, last, piece, own, reader)
            spans.append(_Span(piece.start, piece.end, like))
    return spans


def _check_sentence(words: str, reader: Reader) -> None:
    """A sentence that asks for something and is not understood is not taken as the rest of the one before."""
    refused = reader.plan(words)
    if isinstance(refused, RefusalError) and reader.asks(words):
        raise _named(words, refused)


def _begun(text: str, pieces: Sequence[Piece], reader: Reader) -> list[_Span]:
    """The question's beginning up to a piece as one question; as two where the first needs the second's measure."""
    piece = pieces[-1]
    whole = reader.standing(text[: piece.end], [])
    if whole is not None:
        return [_Span(0, piece.end, whole)]
    own = reader.standing(text[piece.start : piece.end], [])
    if own is None or len(pieces) < 2 or not isinstance(reader.plan(text[: piece.end]), RefusalError):
        return []
    before = text[: pieces[-2].end]
    first = reader.standing(before, [own.understood])
    if first is None and piece.link is Link.SENTENCE and isinstance(refused := reader.plan(before), RefusalError):
        raise _named(before, refused)
    return [_Span(0, len(before), first), _Span(piece.start, piece.end, own)] if first else []


def _grouped_alike(text: str, last: _Span, piece: Piece, own: Standing, reader: Reader) -> Standing:
    """A bare number beside one with groups (`temperature by month and number of flights`) is asked for in these."""
    first, second = last.standing.understood.plan, own.understood.plan
    only_grouped = first.dimensions and not (first.filters or first.periods or first.having or first.limit)
    if own.opens or own.loan != Loan() or first.table == second.table or not (is_bare(second) and only_grouped):
        return own
    loan = Loan(after=grouped(first, reader.planner.schema))
    return reader.lent(text[piece.start : piece.end], loan) or own


def _grown(text: str, span: _Span, end: int, reader: Reader) -> _Span:
    understood = reader.plan(span.standing.loan.applied(text[span.start : end]))
    known = span.standing if isinstance(understood, RefusalError) else replace(span.standing, understood=understood)
    return replace(span, end=end, standing=known)


def _goes_on(text: str, last: _Span, piece: Piece, own: Standing, reader: Reader) -> bool:
    """Whether the question before and this piece are one query."""
    whole = reader.plan(last.standing.loan.applied(text[last.start : piece.end]))
    if isinstance(whole, RefusalError) or own.loan != Loan():
        return False
    first, second = last.standing.understood.plan, own.understood.plan
    if any(m.aggregate is Aggregate.NONE for m in whole.plan.measures):
        return True
    if own.weak and takes_in(first, second, whole.plan):
        return True
    complete = own.opens or text[last.start : last.end].lower().endswith(" there")
    return are_one(first, second, whole.plan, shared=not complete)
