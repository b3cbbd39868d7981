"""Rules for conditions: times, missing values, numbers compared, and values named."""

from agents.nlp.draft import Draft, family
from agents.nlp.keywords import get_keywords
from agents.nlp.lexicon import RefKind
from agents.nlp.marks import Mark, Quantity
from agents.nlp.period_days import resolve
from agents.nlp.plan import ColumnRef, Filter, Having, Operator
from agents.nlp.refusal import RefusalError
from agents.nlp.timeline import choose

_FLIPPED = {
    Operator.GT: Operator.LE,
    Operator.GE: Operator.LT,
    Operator.LT: Operator.GE,
    Operator.LE: Operator.GT,
    Operator.EQ: Operator.NE,
}


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
        assert phrase is not None
        period = resolve(phrase, timeline).model_copy(update={"text": draft.marks[i].text})
        draft.periods.append(period)
        draft.use(i)
        if phrase.kind == "relative":
            draft.assume(f"“{phrase.text}” counts back from {timeline.last}, the last day of the data.")
        elif period.start is None and period.months and len(timeline.years) > 1:
            draft.assume(f"“{phrase.text}” is taken of every year.")


def find_missing(draft: Draft) -> None:
    """`no departure time`, `dep_time is missing`, and words the schema says mean an empty column."""
    for i in list(draft.open_marks("no", "missing")):
        following, previous = draft.after(i), draft.before(i)
        beyond = draft.after(following) if following is not None else None
        if beyond is not None and draft.marks[beyond].of(RefKind.VALUE):
            continue
        side = (
            following if following is not None and _column_only(draft, following) and following == i + 1 else previous
        )
        if draft.marks[i].is_a("no") and following is not None and _column_only(draft, following):
            side = following
        if side is None or side in draft.used or not _column_only(draft, side):
            continue
        column = draft.column(side)
        if column is not None:
            draft.conditions.append(Filter(column=column, operator=Operator.IS_NULL))
            draft.use(i, side)
    for i in list(draft.open_marks("negation")):
        _find_undone(draft, i)
    for i in list(draft.open_marks()):
        empty = draft.scope.near(draft.marks[i].of(RefKind.EMPTY))
        if empty:
            _add_empty(
                draft,
                i,
                ColumnRef(table=empty[0].table, name=empty[0].column)
                if not draft.scope.distance(empty[0].table)
                else draft.located(empty[0], i),
            )


def _find_undone(draft: Draft, i: int) -> None:
    """`never returned`: the word after the negation names a date, and that date is empty."""
    following = draft.after(i)
    if following is None or following in draft.used:
        return
    refs = draft.scope.near(draft.marks[following].of(RefKind.COLUMN, RefKind.PARTIAL))
    dates = [r for r in refs if draft.scope.lexicon.column(r.table, r.column).type in ("date", "datetime")]
    if len(dates) == 1 == len(refs):
        draft.conditions.append(Filter(column=draft.located(dates[0], following), operator=Operator.IS_NULL))
        draft.assume(f"“{draft.marks[i].text} {draft.marks[following].text}” means that {dates[0].column} is empty.")
        draft.use(i, following)


def _column_only(draft: Draft, i: int) -> bool:
    return bool(draft.marks[i].of(RefKind.COLUMN)) and not draft.marks[i].of(RefKind.VALUE)


def _add_empty(draft: Draft, i: int, column: ColumnRef) -> None:
    negation = _negation_before(draft, i)
    operator = Operator.IS_NULL if negation is None else Operator.NOT_NULL
    draft.conditions.append(Filter(column=column, operator=operator))
    draft.assume(f"“{draft.marks[i].text}” means that {column.name} is empty.")
    draft.use(i, *(() if negation is None else (negation,)))


def find_numbers(draft: Draft) -> None:
    """`more than 60 minutes late`, `visibility below 2 miles`, `between 3 and 5 seats`, `with 4 engines`."""
    for i in list(draft.open_marks("comparator")):
        if i not in draft.used:
            _compare(draft, i, Operator(draft.marks[i].classes["comparator"]))
    for i in list(draft.open_marks()):
        prop, than = draft.marks[i].prop, draft.after(i)
        if (
            prop
            and draft.marks[i].text.lower() in prop.comparatives
            and than is not None
            and draft.marks[than].text.lower() == "than"
        ):
            low = draft.marks[i].text.lower() in prop.low
            _compare(draft, than, Operator.LT if low else Operator.GT, operand=i)
    for i in list(draft.open_marks()):
        _exact_number(draft, i)


def _compare(draft: Draft, i: int, operator: Operator, *, operand: int | None = None) -> None:
    number = draft.after(i)
    if number is None or number in draft.used or draft.marks[number].quantity is None:
        number = draft.before(i) if draft.marks[i].text.lower() in ("or more", "or less") else None
    if number is None:
        return
    numbers = [number]
    if operator is Operator.BETWEEN:
        second = draft.after(number)
        if second is None or draft.marks[second].quantity is None:
            return
        numbers.append(second)
    target = operand if operand is not None else _operand(draft, i, numbers[-1])
    if _compared_by_unit(draft, i, operator, numbers, target):
        return
    if target is None:
        raise RefusalError(
            f"It is not clear what “{draft.marks[i].text} {draft.marks[number].text}” is said of.",
            unmatched=[draft.marks[i].text, draft.marks[number].text],
        )
    draft.use(i, *numbers)
    _add_number(draft, target, operator, [q for n in numbers if (q := draft.marks[n].quantity)])


def _compared_by_unit(draft: Draft, i: int, operator: Operator, numbers: list[int], target: int | None) -> bool:
    """`longer than 2000 miles`, `between 500 and 1000 miles`: the one column of the table that is measured in such a unit."""
    unit = next((q.unit for n in numbers if (q := draft.marks[n].quantity) and q.unit), "")
    if not unit or (target is not None and not draft.marks[target].prop):
        return False
    before = list(draft.assumptions)
    said = draft.column(target, numeric=True) if target is not None else None
    draft.assumptions = before
    if said is not None and family(draft.scope.schema(said).unit or "") == family(unit):
        return False
    base = draft.scope.base
    measured = [
        c
        for c in draft.scope.lexicon.table(base).columns
        if c.unit and family(c.unit) == family(unit) and draft.scope.is_numeric(base, c.name)
    ]
    if len(measured) != 1:
        return False
    column = ColumnRef(table=base, name=measured[0].name)
    values = tuple(_in_unit(draft, column, q) for n in numbers if (q := draft.marks[n].quantity))
    draft.conditions.append(Filter(column=column, operator=operator, values=values))
    draft.assume(f"What is measured in {unit} is {column.name.replace('_', ' ')}.")
    draft.use(i, *numbers, *(() if target is None else (target,)))
    return True


def _operand(draft: Draft, comparator: int, number: int) -> int | None:
    """The mark a comparison is about: the one right after the number, or right before the comparison, or the last column said."""
    after, before = draft.after(number), draft.before(comparator)
    if before is not None and draft.marks[before].is_a("negation") and before in draft.used:
        before = draft.before(before)
    if before is not None and _measurable(draft, before):
        return before
    if after is not None and (_measurable(draft, after) or draft.marks[after].of(RefKind.TABLE)):
        return after
    return next((k for k in range(comparator - 1, -1, -1) if _measurable(draft, k)), None)


def _measurable(draft: Draft, i: int) -> bool:
    mark = draft.marks[i]
    if i in draft.used or mark.quantity or mark.period:
        return False
    return bool(mark.prop) or any(
        draft.scope.is_numeric(r.table, r.column)
        for r in mark.of(RefKind.COLUMN, RefKind.PARTIAL)
        if not mark.of(RefKind.TABLE) and not mark.classes
    )


def _add_number(draft: Draft, target: int, operator: Operator, quantities: list[Quantity]) -> None:
    mark, previous = draft.marks[target], draft.before(target)
    if mark.of(RefKind.TABLE) and not mark.prop:
        _count_having(draft, mark, operator, quantities)
        return
    column = draft.column(target, numeric=True)
    if column is None:
        raise RefusalError(f"“{mark.text}” is not a number in this data.", unmatched=[mark.text])
    values = tuple(_in_unit(draft, column, q) for q in quantities)
    aggregated = previous is not None and _averages(draft.marks[previous])
    if aggregated:
        draft.having = Having(operator=operator, values=values)
        return
    draft.use(target)
    negation = _negation_before(draft, target)
    if negation is not None and operator in _FLIPPED:
        operator = _FLIPPED[operator]
        draft.use(negation)
    draft.conditions.append(Filter(column=column, operator=operator, values=values))


def _averages(mark: Mark) -> bool:
    """Whether the mark makes one number of the column after it; `on average` speaks of what came before."""
    return (
        mark.is_a("aggregate")
        and not mark.classes["aggregate"].startswith("count")
        and not mark.text.lower().startswith("on ")
    )


def _count_having(draft: Draft, mark: Mark, operator: Operator, quantities: list[Quantity]) -> None:
    if draft.scope.base not in {ref.table for ref in mark.of(RefKind.TABLE)}:
        raise RefusalError(f"Counting {mark.text} per row cannot be done from here.", unmatched=[mark.text])
    draft.having = Having(operator=operator, values=tuple(_plain(q.value) for q in quantities))


def _in_unit(draft: Draft, column: ColumnRef, quantity: Quantity) -> float | int:
    own = draft.scope.schema(column).unit or ""
    value = quantity.value
    if quantity.unit and own and quantity.unit != own.lower():
        if family(quantity.unit) != family(own) or not family(own):
            raise RefusalError(f"{column.name} is in {own}, not in {quantity.unit}.", unmatched=[quantity.unit])
        units = get_keywords().units
        value *= units[quantity.unit].size / (units.get(own) or units[own.lower()]).size
    return _plain(value)


def _plain(value: float) -> float | int:
    return int(value) if value == int(value) else value


def _exact_number(draft: Draft, i: int) -> None:
    """`4 engines`, `flight 1545`: a whole-number column right beside a number."""
    quantity = draft.marks[i].quantity
    if quantity is None or i in draft.used or quantity.unit:
        return
    for side in (draft.after(i), draft.before(i)):
        if (
            side is None
            or side in draft.used
            or draft.marks[side].of(RefKind.TABLE)
            or not draft.marks[side].of(RefKind.COLUMN)
        ):
            continue
        column = draft.column(side)
        if column is not None and draft.scope.schema(column).type == "integer" and not draft.marks[side].period:
            draft.conditions.append(Filter(column=column, operator=Operator.EQ, values=(int(quantity.value),)))
            draft.use(i, side)
            return


def _negation_before(draft: Draft, i: int) -> int | None:
    for k in range(i - 1, max(i - 5, -1), -1):
        if draft.marks[k].is_a("negation", "no"):
            return k
        if not (draft.marks[k].soft or draft.marks[k].refs or draft.marks[k].is_a("comparator")) or draft.marks[k].of(
            RefKind.VALUE
        ):
            return None
    return None


negation_before = _negation_before
