"""Rules for numbers compared: `more than 60 minutes late`, `visibility below 2 miles`, `4 engines`."""

from agents.nlp.draft import Draft, family
from agents.nlp.keywords import get_keywords
from agents.nlp.lexicon import RefKind, unit_of
from agents.nlp.marks import Mark, Quantity
from agents.nlp.negation import negation_before
from agents.nlp.plan import ColumnRef, Filter, Having, Operator
from agents.nlp.refusal import RefusalError

_FLIPPED = {
    Operator.GT: Operator.LE,
    Operator.GE: Operator.LT,
    Operator.LT: Operator.GE,
    Operator.LE: Operator.GT,
    Operator.EQ: Operator.NE,
}


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
    if number is None or draft.marks[number].quantity is None:
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
    said = [q for n in numbers if (q := draft.marks[n].quantity)]
    _add_number(draft, target, operator, [Quantity(q.value, q.unit or said[-1].unit) for q in said])


def _compared_by_unit(draft: Draft, i: int, operator: Operator, numbers: list[int], target: int | None) -> bool:
    """`longer than 2000 miles`: the one column of the table that is measured in such a unit."""
    unit = next((q.unit for n in numbers if (q := draft.marks[n].quantity) and q.unit), "")
    if not unit or (target is not None and not draft.marks[target].prop):
        return False
    before = list(draft.assumptions)
    said = draft.column(target, numeric=True) if target is not None else None
    draft.assumptions = before
    if said is not None and family(unit_of(draft.scope.schema(said))) == family(unit):
        return False
    base = draft.scope.base
    measured = [
        c
        for c in draft.scope.lexicon.table(base).columns
        if family(unit_of(c)) == family(unit) and draft.scope.is_numeric(base, c.name)
    ]
    if len(measured) != 1:
        return False
    column = ColumnRef(table=base, name=measured[0].name)
    quantities = [Quantity(q.value, q.unit or unit) for n in numbers if (q := draft.marks[n].quantity)]
    values = tuple(_in_unit(draft, column, q) for q in quantities)
    draft.require(Filter(column=column, operator=operator, values=values), i)
    draft.assume(f"What is measured in {unit} is {column.name.replace('_', ' ')}.")
    draft.use(i, *numbers, *(() if target is None else (target,)))
    return True


def _operand(draft: Draft, comparator: int, number: int) -> int | None:
    """What a comparison is about: right before it, or right after its number, or the last column said."""
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
    negation = negation_before(draft, target)
    if negation is not None and operator in _FLIPPED:
        operator = _FLIPPED[operator]
        draft.use(negation)
    draft.require(Filter(column=column, operator=operator, values=values), target)


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
    own = unit_of(draft.scope.schema(column))
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
            draft.require(Filter(column=column, operator=Operator.EQ, values=(int(quantity.value),)), i)
            draft.use(i, side)
            return
