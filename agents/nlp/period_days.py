"""Which days a phrase for time means, on the timeline of a table."""

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta

import dateparser

from agents.nlp.periods import COUNTED, DATE, MONTH, MONTHS, SEASONS, WEEKDAYS, YEAR, PeriodPhrase
from agents.nlp.plan import Period
from agents.nlp.refusal import RefusalError
from agents.nlp.timeline import Timeline, month_after


def resolve(phrase: PeriodPhrase, timeline: Timeline) -> Period:
    """The days the phrase means on this timeline. Raises `RefusalError` when there is no data for them."""
    try:
        period = _RESOLVERS[phrase.kind](phrase.match, timeline).model_copy(update={"text": phrase.text})
    except (ValueError, OverflowError) as error:
        raise RefusalError(f"“{phrase.text}” is not a time there is.", unmatched=[phrase.text]) from error
    if (period.start is not None and period.start > timeline.last) or (
        period.end is not None and period.end <= timeline.first
    ):
        raise RefusalError(
            f"There is no data for “{phrase.text}”: it runs from {timeline.first} to {timeline.last}.",
            suggestions=[f"Ask about a time between {timeline.first} and {timeline.last}."],
        )
    return period


def _point(text: str, timeline: Timeline) -> Period:
    year = _year_in(text)
    season = next((months for name, months in SEASONS.items() if text.startswith(name)), None)
    if re.fullmatch(DATE, text):
        return _of_date(text, year, timeline)
    if season is not None:
        return _of_months(season, year)
    if "quarter" in text or re.match(r"q[1-4]", text):
        quarter = COUNTED[text.split(maxsplit=1)[0]] if "quarter" in text else int(text[1])
        return _of_months(tuple(range(3 * quarter - 2, 3 * quarter + 1)), year)
    if re.search(MONTH, text):
        return _of_months((_month_in(text),), year)
    return _span(date(year or 0, 1, 1), date((year or 0) + 1, 1, 1))


def _of_date(text: str, year: int | None, timeline: Timeline) -> Period:
    base = datetime(timeline.last.year, 1, 1)  # noqa: DTZ001 - the data's own days have no zone
    parsed: datetime | None = dateparser.parse(
        text.replace(" the ", " ").replace(" of ", " "), languages=["en"], settings={"RELATIVE_BASE": base}
    )
    if parsed is None:
        raise RefusalError(f"“{text}” is not a date.", unmatched=[text])
    if year is None and len(timeline.years) > 1:
        return Period(months=(parsed.month,), days=(parsed.day,))
    return _span(parsed.date(), parsed.date() + timedelta(days=1))


def _of_months(months: tuple[int, ...], year: int | None) -> Period:
    if year is None:
        return Period(months=months)
    start = date(year - (months[0] > months[-1]), months[0], 1)
    end = month_after(date(year, months[-1], 1))
    return _span(start, end)


def _range(match: re.Match[str], timeline: Timeline) -> Period:
    low, high = _point(match["low"], timeline), _point(match["high"], timeline)
    if low.start is None and high.end is not None and low.months and not low.days:
        low = _of_months(low.months, high.end.year if high.end.month > 1 else high.end.year - 1)
    if low.start is not None and high.end is not None:
        return _ordered(low.start, high.end, match[0])
    if low.months and high.months and not low.days and not high.days:
        count = (high.months[-1] - low.months[0]) % 12 + 1
        return Period(months=tuple((low.months[0] - 1 + i) % 12 + 1 for i in range(count)))
    raise RefusalError(f"“{match[0]}” needs a year: the data has several.", unmatched=[match[0]])


def _ordered(start: date, end: date, text: str) -> Period:
    if start >= end:
        raise RefusalError(f"“{text}” ends before it starts.", unmatched=[text])
    return _span(start, end)


def _days(match: re.Match[str], timeline: Timeline) -> Period:
    month, low, high = _month_in(match["month"]), *(int(re.sub(r"\D", "", match[side])) for side in ("low", "high"))
    if match["year"] is None and len(timeline.years) > 1:
        return Period(months=(month,), days=tuple(range(low, high + 1)))
    year = int(match["year"]) if match["year"] else timeline.last.year
    return _ordered(date(year, month, low), date(year, month, high) + timedelta(days=1), match[0])


def _part(match: re.Match[str], timeline: Timeline) -> Period:
    whole = (
        _point(match["whole"], timeline)
        if match["whole"] != "the year"
        else _span(date(timeline.last.year, 1, 1), date(timeline.last.year + 1, 1, 1))
    )
    if whole.start is None:
        whole = _of_months(whole.months, timeline.last.year)
    if whole.start is None or whole.end is None:
        raise RefusalError(f"“{match[0]}” has no start or no end.", unmatched=[match[0]])
    unit, nth = match["unit"].rstrip("s"), COUNTED[match["count"]]
    length = {
        "day": timedelta(days=1),
        "week": timedelta(days=7),
        "half": (whole.end - whole.start) / 2,
        "month": timedelta(days=30),
    }[unit]
    if unit == "month" or (unit == "half" and (whole.end - whole.start).days > 31):
        return _part_of_year(whole.start, nth, 6 if unit == "half" else int(match["number"] or 1))
    length *= int(match["number"] or 1)
    start = whole.end - length if nth < 0 else whole.start + (nth - 1) * length
    return _span(start, start + length)


def _part_of_year(start: date, nth: int, months: int) -> Period:
    index = 12 - months if nth < 0 else (nth - 1) * months
    last = index + months
    return _span(start.replace(month=index + 1), start.replace(year=start.year + last // 12, month=last % 12 + 1))


def _relative(match: re.Match[str], timeline: Timeline) -> Period:
    unit, number = match["unit"], int(match["number"] or 1)
    end = timeline.last + timedelta(days=1)
    if unit in ("day", "week"):
        return _span(end - timedelta(days=number * (7 if unit == "week" else 1)), end)
    months = {"month": 1, "quarter": 3, "year": 12}[unit]
    if match["which"] in ("this", "current") or timeline.last == _last_of_block(timeline.last, months):
        stop = _last_of_block(timeline.last, months) + timedelta(days=1)
    else:
        stop = _first_of_block(timeline.last, months)
    count = stop.year * 12 + stop.month - 1 - months * number
    return _span(date(count // 12, count % 12 + 1, 1), stop)


def _first_of_block(day: date, months: int) -> date:
    return date(day.year, (day.month - 1) // months * months + 1, 1)


def _last_of_block(day: date, months: int) -> date:
    stop = _first_of_block(day, months)
    for _ in range(months):
        stop = month_after(stop)
    return stop - timedelta(days=1)


def _open(match: re.Match[str], timeline: Timeline) -> Period:
    point = _point(match["point"], timeline)
    if point.start is None:
        point = _of_months(point.months, timeline.last.year)
    sides = {
        "since": (point.start, None),
        "starting": (point.start, None),
        "after": (point.end, None),
        "before": (None, point.start),
    }
    start, end = sides.get(match["side"], (None, point.end))
    return Period(start=start, end=end)


def _day(match: re.Match[str], timeline: Timeline) -> Period:
    day = timeline.last - timedelta(days=match["word"] == "yesterday")
    return _span(day, day + timedelta(days=1))


def _weekdays(match: re.Match[str], _: Timeline) -> Period:
    groups = {"weekend": (6, 7), "working day": (1, 2, 3, 4, 5)}
    return Period(weekdays=groups.get(match["name"]) or (WEEKDAYS.index(match["name"]) + 1,))


def _span(start: date, end: date) -> Period:
    return Period(start=start, end=end)


def _year_in(text: str) -> int | None:
    found = re.search(rf"\b{YEAR}\b", text)
    return int(found[0]) if found else None


def _month_in(text: str) -> int:
    start = re.findall(MONTH, text)[0][:3]
    return next(i for i, name in enumerate(MONTHS, 1) if name.startswith(start))


_RESOLVERS: dict[str, Callable[[re.Match[str], Timeline], Period]] = {
    "range": _range,
    "days": _days,
    "days_first": _days,
    "part": _part,
    "relative": _relative,
    "open": _open,
    "day": _day,
    "weekdays": _weekdays,
    "point": lambda match, timeline: _point(match["point"], timeline),
}
