"""Rules for several times in one question: set against each other, they become one filter and a group."""

from datetime import date
from itertools import pairwise

from agents.nlp.draft import Draft
from agents.nlp.plan import Dimension, Grain, Order, Period
from agents.nlp.refusal import RefusalError
from agents.nlp.timeline import month_after


def join_times(draft: Draft) -> None:
    """`January and June`, `2012 or 2013`: one filter; `January versus July`: also a group. Other pairs are refused."""
    months = [p for p in draft.periods if p.months and not p.days]
    weekdays = [p for p in draft.periods if p.weekdays]
    spans = [p for p in draft.periods if p.start or p.end]
    dates = [p for p in draft.periods if p.days]
    if len(dates) > 1 or (dates and months) or (len(months) > 1 and spans):
        raise _refused(dates or months)
    if len(weekdays) > 1:
        days = tuple(sorted({p.weekdays[0] for p in _single(weekdays)}))
        _replace(draft, weekdays, Period(weekdays=days, text=_said(weekdays)), Grain.WEEKDAY)
    if len(months) > 1:
        joined = Period(months=tuple(sorted({p.months[0] for p in _single(months)})), text=_said(months))
        _replace(draft, months, joined, Grain.MONTH)
    elif len(spans) > 1:
        grain = Grain.YEAR if all(_is_year(p) for p in spans) else Grain.MONTH
        _replace(draft, spans, _union(spans, _said(spans)), grain)


def _said(periods: list[Period]) -> str:
    return " and ".join(p.text for p in periods)


def _single(periods: list[Period]) -> list[Period]:
    """The same periods, each one month or one weekday. Raises `RefusalError` where one is more."""
    if any(len(p.months or p.weekdays) > 1 for p in periods):
        raise _refused(periods)
    return periods


def _refused(periods: list[Period]) -> RefusalError:
    return RefusalError(
        f"{_said(periods)} cannot be taken together: name single months, days or years.",
        unmatched=[p.text for p in periods],
    )


def _union(spans: list[Period], text: str) -> Period:
    """Whole months of one year, or years or months that follow each other."""
    starts = [p.start for p in spans if p.start and _is_month(p)]
    if len(starts) == len(spans) and len({start.year for start in starts}) == 1:
        year = starts[0].year
        months = tuple(sorted({start.month for start in starts}))
        return Period(start=date(year, 1, 1), end=date(year + 1, 1, 1), months=months, text=text)
    return _neighbours(spans, text)


def _neighbours(spans: list[Period], text: str) -> Period:
    ordered = sorted(spans, key=lambda p: str(p.start))
    follow = all(one.end == two.start for one, two in pairwise(ordered))
    if not follow or not (all(_is_year(p) for p in spans) or all(_is_month(p) for p in spans)):
        raise RefusalError(
            f"{text} cannot be taken together: name times that follow each other.",
            unmatched=[p.text for p in spans],
        )
    return Period(start=ordered[0].start, end=ordered[-1].end, text=text)


def _is_year(period: Period) -> bool:
    return bool(
        period.start
        and period.end
        and period.start.replace(year=period.start.year + 1) == period.end
        and period.start.month == 1
    )


def _is_month(period: Period) -> bool:
    return bool(period.start and period.end and month_after(period.start) == period.end)


def _replace(draft: Draft, old: list[Period], new: Period, grain: Grain) -> None:
    draft.periods = [p for p in draft.periods if p not in old] + [new]
    draft.period_of = {i: new if p in old else p for i, p in draft.period_of.items()}
    if not _set_against(draft):
        return
    draft.dimensions.append(Dimension(grain=grain))
    draft.order = Order.DIMENSIONS
    for i in draft.open_marks("superlative"):
        if draft.marks[i].text.lower() == "more":
            draft.use(i)


def _set_against(draft: Draft) -> bool:
    """Whether the times are compared rather than listed."""
    counting = any(m.classes.get("aggregate", "").startswith("count") for m in draft.marks)
    words = {m.text.lower() for m in draft.marks if m.is_a("compare")} - {"or"}
    chosen = any(t.lower == "or" for t in draft.tokens) and not counting
    graded = any(m.prop and m.text.lower() in m.prop.comparatives for m in draft.marks)
    more = any(m.is_a("superlative") and m.text.lower() == "more" for m in draft.marks)
    return bool(words) or chosen or graded or more or draft.marks[0].is_a("which")
