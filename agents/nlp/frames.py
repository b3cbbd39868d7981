"""Whether two questions side by side are one query: the same rows in the same groups, or groups told apart."""

from agents.nlp.plan import Aggregate, ColumnRef, QueryPlan


def is_bare(plan: QueryPlan) -> bool:
    """Whether it asks for a number and nothing else: no groups, no conditions, no ranking."""
    limited = plan.filters or plan.periods or plan.having or plan.limit is not None
    return not (plan.dimensions or limited or _shows_rows(plan))


def are_one(first: QueryPlan, second: QueryPlan, whole: QueryPlan, *, shared: bool) -> bool:
    """Whether `whole`, what the two are understood as together, says all that each of them says.

    `shared`: groups and conditions said of one of them may be meant of both (`flights and average delay by carrier`).
    """
    tables = {plan.table for plan in (first, second, whole)}
    if len(tables) > 1 or not _measured(first) | _measured(second) <= _measured(whole):
        return False
    if is_bare(first) or is_bare(second):
        return shared or (is_bare(first) and is_bare(second))
    same_frame = _frame(first) == _frame(second) == _frame(whole)
    if same_frame and (whole.limit is None or (first.measures, first.order) == (second.measures, second.order)):
        return True
    return tells_apart(first, second, whole)


def tells_apart(first: QueryPlan, second: QueryPlan, whole: QueryPlan) -> bool:
    """Whether `whole` has a group more, by which its rows say what is the first's and what the second's."""
    if not first.measures == second.measures == whole.measures or first.limit or second.limit:
        return False
    both = set(first.dimensions) | set(second.dimensions)
    return both < set(whole.dimensions) and len(set(whole.dimensions) - both) == 1


def takes_in(first: QueryPlan, second: QueryPlan, whole: QueryPlan) -> bool:
    """Whether rows merely named (`female penguins`) go on with what the first asks: `whole` measures it of them too."""
    if whole.measures != first.measures or first.table != whole.table or (first.dimensions and second.dimensions):
        return False
    told = {d.column for d in whole.dimensions} | _limited(first)
    groups = set(first.dimensions) | set(second.dimensions)
    return groups <= set(whole.dimensions) and _limited(second) <= told


def differ_by_column(first: QueryPlan, second: QueryPlan) -> bool:
    """Whether each has conditions, and none on a column that the other limits too."""
    ones, twos = _limited(first), _limited(second)
    return bool(ones) and bool(twos) and not ones & twos


def _limited(plan: QueryPlan) -> set[ColumnRef]:
    return {f.column for f in plan.filters}


def _measured(plan: QueryPlan) -> set[ColumnRef | None]:
    return {m.column for m in plan.measures}


def _frame(plan: QueryPlan) -> tuple[object, ...]:
    return (set(plan.dimensions), set(plan.filters), set(plan.periods), plan.having, plan.limit, plan.sample)


def _shows_rows(plan: QueryPlan) -> bool:
    return any(m.aggregate is Aggregate.NONE for m in plan.measures)
