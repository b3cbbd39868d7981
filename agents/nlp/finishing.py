"""Rules that end a plan: what the rows are ordered by, how many are kept, how a share is meant, and the chart."""

import re

from agents.nlp.draft import Draft
from agents.nlp.keywords import get_keywords
from agents.nlp.lexicon import column_terms
from agents.nlp.measuring import asks_rows
from agents.nlp.plan import Aggregate, Dimension, Filter, Measure, Order, QueryPlan
from agents.nlp.refusal import RefusalError
from agents.nlp.spoken_names import spoken
from agents.nlp.tokens import stem

_LIST_LIMIT = 1_000
_VERBS = frozenset({"is", "are", "was", "were", "has", "have", "had", "be", "been"})


def find_order(draft: Draft) -> None:
    """`most`, `lowest`, `latest`, `top`, `worst`: the rows are ordered by the number asked for."""
    if not draft.dimensions or not draft.measures:
        return
    for i in list(draft.open_marks("superlative", "top")):
        mark = draft.marks[i]
        _take_number(draft, i)
        if mark.is_a("judgements"):
            _check_judgement(draft, i)
        low = mark.classes.get("superlative", mark.classes.get("top", "")).endswith("low") and not _good_is_low(
            draft, i
        )
        _order(draft, i, low=low)
    for i in list(draft.open_marks("sorting")):
        draft.order = Order.MEASURE_ASC if draft.marks[i].classes["sorting"] == "low" else Order.MEASURE_DESC
        draft.use(i)
    for mark in draft.marks:
        if mark.prop and mark.text.lower() in mark.prop.superlatives and draft.order is not Order.MEASURE_ASC:
            _order(draft, None, low=mark.text.lower() in mark.prop.low)


def _take_number(draft: Draft, i: int) -> None:
    """`..., top 10` at the end: the number of places without the name of the group."""
    number = draft.marks[i + 1].quantity if draft.marks[i].is_a("top") and i + 2 == len(draft.marks) else None
    if number is not None and not number.unit and draft.limit is None and number.value >= 1:
        draft.limit = int(number.value)
        draft.use(i + 1)


def _order(draft: Draft, i: int | None, *, low: bool) -> None:
    draft.order = Order.MEASURE_ASC if low else Order.MEASURE_DESC
    if i is not None:
        draft.use(i)
    if draft.limit is None and not _plural(draft):
        draft.limit = 1
    for dimension in draft.dimensions:
        if dimension.column is not None:
            _without_missing(draft, dimension)


def _without_missing(draft: Draft, dimension: Dimension) -> None:
    """A place in a ranking goes to something known."""
    if draft.scope.schema(dimension.by).null_count and not dimension.by.via:
        draft.conditions.append(Filter.model_validate({"column": dimension.by, "operator": "not_null"}))
        draft.assume(f"Rows without {spoken(draft.scope.schema(dimension.by))} are left out.")


def _check_judgement(draft: Draft, i: int) -> None:
    """`best` and `worst` mean something only of what nobody wants, such as a delay."""
    column = draft.measures[0].column
    unwanted = {stem(noun) for prop in get_keywords().properties if prop.bare for noun in prop.nouns}
    known = draft.scope.schema(column) if column else None
    if known is None or not any(unwanted & set(term) for term in column_terms(known)):
        raise RefusalError(
            f"What “{draft.marks[i].text}” means here is not clear: say highest or lowest.",
            unmatched=[draft.marks[i].text],
            did_you_mean=["highest", "lowest"],
        )
    draft.assume("The best is the lowest, the worst the highest.")


def _good_is_low(draft: Draft, i: int) -> bool:
    return draft.marks[i].is_a("judgements") and draft.marks[i].text.lower() == "worst"


def _plural(draft: Draft) -> bool:
    """Whether several places are asked for: the word for the group is a plural, and the verb is not singular."""
    words = [t.lower for t in draft.tokens]
    groups = {e["text"].lower().split()[-1] for e in draft.entities if e["type"] == "dimension"}
    singular = re.search(r"\b(which|what) (\w+ ){1,3}(has|is|was|does|makes|gets|takes)\b", " ".join(words))
    return not singular and any(word.endswith("s") and stem(word) != word for word in groups)


def find_share(draft: Draft) -> None:
    """A share is of all rows per group; conditions say which rows the share is about."""
    for place, measure in enumerate(draft.measures):
        if measure.aggregate is Aggregate.SHARE:
            about = _predicates(draft)
            draft.measures[place] = measure.model_copy(update={"where": tuple(about)})
            draft.conditions = [condition for condition in draft.conditions if condition not in about]
            if not draft.dimensions and not draft.measures[place].where:
                raise RefusalError(
                    "A share needs a condition or a group.",
                    suggestions=["Say the share of what, for example per group."],
                )


def _predicates(draft: Draft) -> list[Filter]:
    """What a share is about: in `flights from EWR were cancelled` what follows the verb; without one, everything."""
    verbs = [i for i, mark in enumerate(draft.marks) if mark.text.lower() in _VERBS]
    after = [c for c in draft.conditions if verbs and draft.said_at.get(c, -1) > verbs[-1]]
    return after or list(draft.conditions)


def find_listing(draft: Draft) -> None:
    """Rows as they are: asked to list or show rows under some condition."""
    listed = any(m.is_a("list") and m.text.lower().startswith("list") for m in draft.marks)
    if draft.measures or not (asks_rows(draft) and (draft.conditions or draft.periods or listed)):
        return
    columns = draft.scope.lexicon.table(draft.scope.base).columns
    draft.measures.extend(
        Measure.model_validate({"aggregate": "none", "column": {"table": draft.scope.base, "name": c.name}})
        for c in columns
    )
    draft.limit = draft.limit or _LIST_LIMIT


def to_plan(draft: Draft) -> QueryPlan:
    """The finished plan."""
    if draft.order is Order.NONE and draft.dimensions:
        draft.order = Order.DIMENSIONS if draft.dimensions[0].column is None else Order.MEASURE_DESC
    return QueryPlan(
        table=draft.scope.base,
        measures=tuple(draft.measures),
        dimensions=tuple(_ordered(draft.dimensions)),
        filters=tuple(dict.fromkeys(draft.conditions)),
        time_axis=draft.time_axis,
        periods=tuple(draft.periods),
        having=draft.having,
        order=draft.order,
        limit=draft.limit,
        sample=draft.sample,
        chart=draft.chart,
    )


def _ordered(dimensions: list[Dimension]) -> list[Dimension]:
    """Time first, as a reader expects it."""
    return sorted(dict.fromkeys(dimensions), key=lambda d: d.grain is None)
