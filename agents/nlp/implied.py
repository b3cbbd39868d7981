"""Rules for numbers without an aggregate: `departure delay by month`, `how late`, `the heaviest`."""

from agents.nlp.draft import Draft
from agents.nlp.keywords import get_keywords
from agents.nlp.lexicon import RefKind
from agents.nlp.marks import Mark
from agents.nlp.plan import Aggregate, ColumnRef, Measure

_COUNTS = (Aggregate.COUNT, Aggregate.COUNT_DISTINCT, Aggregate.SHARE)


def find_degrees(draft: Draft) -> None:
    """`longest distance`: before a number's own name, how something is only says highest or lowest."""
    for i in list(draft.open_marks()):
        mark = draft.marks[i]
        if mark.prop is None or mark.text.lower() not in mark.prop.superlatives:
            continue
        following = draft.after(i)
        if following is not None and draft.marks[following].is_a("aggregate"):
            following = draft.after(following)
        if following is not None and _is_named_number(draft, following):
            degree = "low" if mark.text.lower() in mark.prop.low else "high"
            draft.marks[i] = Mark(mark.start, mark.end, mark.text, classes={"superlative": degree})


def _is_named_number(draft: Draft, i: int) -> bool:
    mark = draft.marks[i]
    return not mark.prop and bool(mark.of(RefKind.COLUMN)) and draft.column(i, numeric=True) is not None


def find_implied(draft: Draft) -> None:
    """Columns and properties without an aggregate (`departure delay by month`, `how late`, `the heaviest`)."""
    if draft.measures and all(m.aggregate in _COUNTS for m in draft.measures) and not _ordering(draft):
        return
    for i in list(draft.open_marks()):
        column = _implied_column(draft, i)
        if column is not None and not any(m.column == column for m in draft.measures):
            aggregate = _implied_aggregate(draft, i) if not draft.measures else _listed(draft, i)
            if aggregate is None:
                continue
            draft.measures.append(Measure(aggregate=aggregate, column=column))
            draft.use(i)
        elif column is not None:
            draft.use(i)


def _ordering(draft: Draft) -> bool:
    return any(draft.marks[i].prop for i in draft.open_marks())


def _implied_column(draft: Draft, i: int) -> ColumnRef | None:
    mark = draft.marks[i]
    if mark.quantity or mark.period or mark.of(RefKind.VALUE) or (mark.classes and not mark.of(RefKind.COLUMN)):
        return None
    if draft.names_rows(i) or (mark.prop and not mark.refs):
        return None
    return draft.column(i, numeric=True)


def _listed(draft: Draft, i: int) -> Aggregate | None:
    """A further column joined by `and` to one that is measured is measured alike."""
    joined = i > 1 and draft.marks[i - 1].text.lower() == "and" and i - 2 in draft.used
    last = draft.measures[-1].aggregate
    return last if joined and last not in _COUNTS else None


def _implied_aggregate(draft: Draft, i: int) -> Aggregate:
    mark = draft.marks[i]
    if not draft.ranked:
        extreme = _extreme(draft, i, mark)
        if extreme is not None:
            return extreme
    adds_up = bool({t.lower for t in draft.tokens[mark.start : mark.end]} & get_keywords().additive)
    draft.assume(f"“{mark.text.lower()}” is taken as its {'total' if adds_up else 'average'}.")
    return Aggregate.SUM if adds_up else Aggregate.AVG


def _extreme(draft: Draft, i: int, mark: Mark) -> Aggregate | None:
    """`the heaviest`, `largest body mass`, `how much does the heaviest weigh`: the largest or smallest value."""
    before = draft.before(i)
    said = draft.marks[before].classes.get("superlative") if before is not None and before not in draft.used else None
    if before is not None and said in ("high", "low"):
        draft.use(before)
        return Aggregate.MAX if said == "high" else Aggregate.MIN
    graded = [(m, m.prop) for m in draft.marks if m.prop and m.text.lower() in m.prop.superlatives]
    same = [(m, prop) for m, prop in graded if mark.prop == prop]
    if not same:
        return None
    word, prop = same[0]
    return Aggregate.MIN if word.text.lower() in prop.low else Aggregate.MAX
