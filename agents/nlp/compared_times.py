"""Rules for several times in one question: set against each other, they become one filter and a group."""

from itertools import pairwise

from agents.nlp.draft import Draft
from agents.nlp.plan import Dimension, Grain, Order, Period
from agents.nlp.refusal import RefusalError
from agents.nlp.timeline import month_after


def join_times(draft: Draft) -> None:
    """`January versus July`, `2012 or 2013`: one step of time each. Other pairs of times are refused."""
    months = [p for p in draft.periods if p.months and not p.days]
    spans = [p for p in draft.periods if p.start or p.end]
    text = " and ".join(p.text for p in draft.periods)
    if len(months) > 1:
        if any(len(p.months) > 1 for p in months):
            raise RefusalError(
                f"{text} cannot be set against each other: name single months or years.",
                unmatched=[p.text for p in months],
            )
        joined = Period(months=tuple(sorted({m for p in months for m in p.months})), text=text)
        _replace(draft, months, joined, Grain.MONTH)
    elif len(spans) > 1:
        _replace(draft, spans, _neighbours(spans, text), Grain.YEAR if all(_is_year(p) for p in spans) else Grain.MONTH)


def _neighbours(spans: list[Period], text: str) -> Period:
    ordered = sorted(spans, key=lambda p: str(p.start))
    follow = all(one.end == two.start for one, two in pairwise(ordered))
    if not follow or not (all(_is_year(p) for p in spans) or all(_is_month(p) for p in spans)):
        raise RefusalError(
            f"{text} cannot be set against each other: name times that follow each other.",
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
    draft.dimensions.append(Dimension(grain=grain))
    draft.order = Order.DIMENSIONS
    for i in draft.open_marks("superlative"):
        if draft.marks[i].text.lower() == "more":
            draft.use(i)
