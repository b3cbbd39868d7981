"""Rules for conditions without a number: times, and values that are missing."""

from agents.nlp.draft import Draft
from agents.nlp.lexicon import RefKind
from agents.nlp.negation import negation_before
from agents.nlp.period_days import resolve
from agents.nlp.periods import PeriodPhrase
from agents.nlp.plan import ColumnRef, Filter, Operator, Period
from agents.nlp.refusal import RefusalError
from agents.nlp.timeline import Timeline, choose, timelines


def find_times(draft: Draft) -> None:
    """Phrases for time limit the rows to a period of the table's timeline."""
    marks = [i for i in draft.open_marks() if draft.marks[i].period]
    if not marks:
        return
    found = draft.scope.timelines()
    if not found:
        raise RefusalError("The data has no dates.", unmatched=[draft.marks[i].text for i in marks])
    timeline = choose(found, (s for t in draft.tokens for s in t.stems))
    draft.time_axis = timeline.axis
    if timeline.axis.moment and len(found) > 1:
        draft.assume(f"Times are those of {timeline.axis.moment.name}.")
    for i in marks:
        phrase = draft.marks[i].period
        if phrase is None:
            continue
        _take_time_word(draft, i, timeline)
        period = _resolved(draft.marks[i].text, phrase, timeline)
        draft.periods.append(period)
        draft.period_of[i] = period
        draft.use(i)
        _explain_time(draft, phrase, period, timeline)


def _resolved(said: str, phrase: PeriodPhrase, timeline: Timeline) -> Period:
    try:
        return resolve(phrase, timeline).model_copy(update={"text": said})
    except RefusalError as error:
        error.unmatched = [said]
        raise


def _take_time_word(draft: Draft, i: int, timeline: Timeline) -> None:
    """`built before 1990`: the word before a time says which time. Raises `RefusalError` for one of a joined table."""
    k = draft.before(i)
    if k is None or k in draft.used or draft.marks[k].classes or draft.marks[k].of(RefKind.TABLE, RefKind.VALUE):
        return
    refs = draft.scope.near(draft.marks[k].of(RefKind.COLUMN, RefKind.PARTIAL))
    times = [r for r in refs if (r.table, r.column) in _time_columns(draft)]
    if not times or any(draft.scope.is_numeric(r.table, r.column) for r in refs if r not in times):
        return
    axis = {(ref.table, ref.name) for ref in (timeline.axis.year, timeline.axis.moment) if ref is not None}
    if any((r.table, r.column) in axis for r in times):
        draft.use(k)
        draft.assume(f"“{draft.marks[k].text}” speaks of {times[0].column.replace('_', ' ')}.")
    elif all(r.table != draft.scope.base for r in times):
        text = draft.marks[k].text
        raise RefusalError(
            f"“{text}” is a time of {times[0].table}, which cannot be asked about together with {draft.scope.base}.",
            unmatched=[text],
            suggestions=[f"Ask about {times[0].table} alone."],
        )


def _time_columns(draft: Draft) -> set[tuple[str, str]]:
    axes = [found.axis for table in draft.scope.paths for found in timelines(draft.scope.lexicon.table(table), ())]
    return {(ref.table, ref.name) for axis in axes for ref in (axis.year, axis.moment) if ref is not None}


def _explain_time(draft: Draft, phrase: PeriodPhrase, period: Period, timeline: Timeline) -> None:
    text, last = f"“{phrase.text}”", timeline.last
    if phrase.kind == "relative":
        draft.assume(f"{text} counts back from {last}, the last day of the data.")
    elif phrase.kind == "day":
        draft.assume(f"{text} is taken as {period.start}: the last day of the data, {last}, is today.")
    elif period.start is None and period.months and len(timeline.years) > 1:
        draft.assume(f"{text} is taken of every year.")


def find_missing(draft: Draft) -> None:
    """`no departure time`, `dep_time is missing`, and words the schema says mean an empty column."""
    for i in list(draft.open_marks("no", "missing")):
        _find_empty(draft, i)
    for i in list(draft.open_marks("negation")):
        _find_undone(draft, i)
    for i in list(draft.open_marks()):
        empty = draft.scope.near(draft.marks[i].of(RefKind.EMPTY))
        if empty:
            _add_empty(draft, i, draft.located(empty[0], i))


def find_flags(draft: Draft) -> None:
    """`orders shipped late`: a yes-or-no column that is not grouped by is a condition."""
    for i in list(draft.open_marks()):
        refs = draft.scope.near(draft.marks[i].of(RefKind.COLUMN))
        flags = [r for r in refs if draft.scope.lexicon.column(r.table, r.column).type == "boolean"]
        if len(flags) == 1 == len(refs) and not (i and draft.marks[i - 1].is_a("group")):
            negation = negation_before(draft, i)
            flag = Filter(column=draft.located(flags[0], i), operator=Operator.EQ, values=(negation is None,))
            draft.require(flag, i)
            draft.use(i, *(() if negation is None else (negation,)))


def _find_empty(draft: Draft, i: int) -> None:
    following, previous = draft.after(i), draft.before(i)
    beyond = draft.after(following) if following is not None else None
    if beyond is not None and draft.marks[beyond].of(RefKind.VALUE):
        return
    side = following if following is not None and _column_only(draft, following) and following == i + 1 else None
    if side is None and draft.marks[i].is_a("missing"):
        side = previous
    if draft.marks[i].is_a("no") and following is not None and _column_only(draft, following):
        side = following
    if side is None or side in draft.used or not _column_only(draft, side):
        return
    column = draft.column(side)
    if column is not None:
        draft.require(Filter(column=column, operator=Operator.IS_NULL), i)
        draft.use(i, side)


def _find_undone(draft: Draft, i: int) -> None:
    """`never returned`: the word after the negation names a date, and that date is empty."""
    following = draft.after(i)
    if following is None or following in draft.used:
        return
    refs = draft.scope.near(draft.marks[following].of(RefKind.COLUMN, RefKind.PARTIAL))
    dates = [r for r in refs if draft.scope.lexicon.column(r.table, r.column).type in ("date", "datetime")]
    if len(dates) == 1 == len(refs):
        draft.require(Filter(column=draft.located(dates[0], following), operator=Operator.IS_NULL), i)
        draft.assume(f"“{draft.marks[i].text} {draft.marks[following].text}” means that {dates[0].column} is empty.")
        draft.use(i, following)


def _column_only(draft: Draft, i: int) -> bool:
    return bool(draft.marks[i].of(RefKind.COLUMN)) and not draft.marks[i].of(RefKind.VALUE)


def _add_empty(draft: Draft, i: int, column: ColumnRef) -> None:
    negation = negation_before(draft, i)
    operator = Operator.IS_NULL if negation is None else Operator.NOT_NULL
    draft.require(Filter(column=column, operator=operator), i)
    draft.assume(f"“{draft.marks[i].text}” means that {column.name} is empty.")
    draft.use(i, *(() if negation is None else (negation,)))
