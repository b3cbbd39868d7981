"""Rules for steps of time the rows are grouped by: `monthly`, `per day`, `over time`."""

from agents.nlp.draft import Draft
from agents.nlp.plan import Dimension, Grain, Order
from agents.nlp.refusal import RefusalError
from agents.nlp.timeline import Timeline, choose


def add_grain(draft: Draft, i: int) -> bool:
    """Group by the step of time mark `i` names."""
    return _group_by_time(draft, i, Grain(draft.marks[i].classes["grain"]))


def _group_by_time(draft: Draft, i: int, grain: Grain) -> bool:
    timeline = _timeline(draft)
    if timeline is None or not _has(timeline, grain):
        raise RefusalError(f"The data does not tell the {grain.value}.", unmatched=[draft.marks[i].text])
    draft.time_axis = timeline.axis
    draft.dimensions.append(Dimension(grain=grain))
    draft.order = Order.DIMENSIONS
    draft.use(i)
    return True


def _timeline(draft: Draft) -> Timeline | None:
    found = draft.scope.timelines()
    return choose(found, (s for t in draft.tokens for s in t.stems)) if found else None


def _has(timeline: Timeline, grain: Grain) -> bool:
    axis = timeline.axis
    if axis.moment or grain is Grain.YEAR:
        return True
    if grain in (Grain.MONTH, Grain.QUARTER):
        return axis.month is not None
    return axis.hour is not None if grain is Grain.HOUR else axis.month is not None and axis.day is not None


def add_trend(draft: Draft) -> None:
    """`over time` without a step: months; years where the data is long or knows no more; days where it is short."""
    marks = list(draft.open_marks("trend"))
    draft.use(*marks)
    timeline = _timeline(draft)
    if any(d.grain for d in draft.dimensions):
        return
    if timeline is None:
        raise RefusalError("The data has no dates.", unmatched=[draft.marks[marks[0]].text])
    days = (timeline.last - timeline.first).days
    grain = Grain.YEAR if days > 365 * 6 or not _has(timeline, Grain.MONTH) else Grain.MONTH if days > 92 else Grain.DAY
    _group_by_time(draft, marks[0], grain)
    draft.assume(f"“{draft.marks[marks[0]].text}” is shown by {grain.value}.")
