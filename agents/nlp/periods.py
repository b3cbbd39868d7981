"""Phrases for time ("in March", "first week of June", "last quarter"): where they stand, and which days they mean."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import dateparser

from agents.nlp.plan import Period
from agents.nlp.refusal import RefusalError
from agents.nlp.timeline import Timeline, month_after

_MONTHS = ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"]
_WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_SEASONS = {"spring": (3, 4, 5), "summer": (6, 7, 8), "autumn": (9, 10, 11), "fall": (9, 10, 11), "winter": (12, 1, 2)}
_COUNTED = {"first": 1, "1st": 1, "second": 2, "2nd": 2, "third": 3, "3rd": 3, "fourth": 4, "4th": 4, "last": -1, "final": -1}
_MONTH = r"(?:january|february|march|april|may|june|july|august|september|october|november|december|" \
         r"jan|feb|mar|apr|jun|jul|aug|sept|sep|oct|nov|dec)"
_YEAR = r"(?:1[5-9]|2[01])\d\d"
_DAY = r"(?:[0-3]?\d)(?:st|nd|rd|th)?"
_DATE = rf"(?:{_YEAR}-\d\d?-\d\d?|\d\d?/\d\d?/{_YEAR}|{_MONTH} (?:the )?{_DAY}(?: {_YEAR})?(?!\d)|{_DAY} (?:of )?{_MONTH}(?: {_YEAR})?)"
_MONTHS_OF = rf"(?:(?:month of )?{_MONTH}(?: (?:of )?{_YEAR})?)"
_QUARTER = rf"(?:q[1-4](?: (?:of )?{_YEAR})?|(?:first|second|third|fourth|1st|2nd|3rd|4th) quarter(?: (?:of )?{_YEAR})?)"
_SEASON = rf"(?:(?:spring|summer|autumn|fall|winter)(?: (?:of )?{_YEAR})?)"
_POINT = rf"(?:{_DATE}|{_MONTHS_OF}|{_QUARTER}|{_SEASON}|(?:year )?{_YEAR})"
_COUNT = r"(?:first|second|third|fourth|1st|2nd|3rd|4th|last|final)"
_FORMS = {
    "range": rf"(?:between |from )?(?:the )?(?P<low>{_POINT}) (?:and|to|through|until|till) (?:the )?(?P<high>{_POINT})",
    "days": rf"(?:between |from )?(?P<month>{_MONTH}) (?P<low>{_DAY}) (?:and|to|through) (?P<high>{_DAY})(?: (?P<year>{_YEAR}))?",
    "days_first": rf"(?:between |from )?(?:the )?(?P<low>{_DAY}) (?:(?:and|to|through) )?(?:the )?(?P<high>{_DAY}) (?:of )?"
                  rf"(?P<month>{_MONTH})(?: (?P<year>{_YEAR}))?",
    "part": rf"(?P<count>{_COUNT}) (?:(?P<number>\d+) )?(?P<unit>days?|weeks?|half|months?) (?:of|in) (?P<whole>{_MONTHS_OF}|(?:the )?(?:year )?{_YEAR}"
            r"|the year)",
    "relative": r"(?P<which>last|past|previous|latest|most recent|this|current) (?:(?P<number>\d+) )?(?P<unit>day|week|month|quarter|year)s?",
    "open": rf"(?P<side>since|after|before|until|up to|starting) (?:the )?(?P<point>{_POINT})",
    "day": r"(?P<word>today|yesterday)",
    "weekdays": r"(?P<name>monday|tuesday|wednesday|thursday|friday|saturday|sunday|weekend|working day)s?",
    "point": rf"(?P<point>{_POINT})",
}
_PATTERN = {kind: re.compile(rf"\b{form}\b") for kind, form in _FORMS.items()}
_DOUBTFUL = frozenset({"may", "march", "mar", "fall", "spring", "dec", "jan", "sun", "sat"})
_BEFORE_MONTH = frozenset({"in", "of", "during", "for", "by", "this", "last", "and", "or", "to", "from", "vs", "versus", "until", "since",
                           "the", "than", "between"})
_BEFORE_NUMBER = frozenset({"than", "over", "above", "under", "below", "least", "most", "top", "exceeding", "exactly"})


PERIOD_WORDS = frozenset([*_MONTHS, *_WEEKDAYS, *_SEASONS, *_COUNTED, "quarter", "weekend", "today", "yesterday", "since", "until", "past",
                          "previous", "latest", "current", "recent"])


@dataclass(frozen=True)
class PeriodPhrase:
    """A phrase found at tokens `start` to `end`; what it means depends on the table's timeline."""

    start: int
    end: int
    kind: str
    match: re.Match[str]

    @property
    def text(self) -> str:
        """The words of the phrase."""
        return self.match[0]


def find_periods(words: list[str]) -> list[PeriodPhrase]:
    """All phrases for time, longest forms first; they may overlap."""
    line, starts = " ".join(words), {}
    position = 0
    for index, word in enumerate(words):
        starts[position] = index
        position += len(word) + 1
    found = []
    for kind, pattern in _PATTERN.items():
        for match in pattern.finditer(line):
            first = starts[match.start()] if match.start() in starts else None
            if first is not None and _plausible(kind, match[0], words[first - 1] if first else ""):
                found.append(PeriodPhrase(first, first + len(match[0].split()), kind, match))
    return found


def _plausible(kind: str, text: str, before: str) -> bool:
    if kind != "point":
        return True
    if text in _DOUBTFUL:
        return before in _BEFORE_MONTH
    return not (text.isdigit() and before in _BEFORE_NUMBER)


def resolve(phrase: PeriodPhrase, timeline: Timeline) -> Period:
    """The days the phrase means on this timeline. Raises `RefusalError` when there is no data for them."""
    period = _RESOLVERS[phrase.kind](phrase.match, timeline).model_copy(update={"text": phrase.text})
    if period.start is not None and period.start > timeline.last or period.end is not None and period.end <= timeline.first:
        raise RefusalError(f"There is no data for “{phrase.text}”: it runs from {timeline.first} to {timeline.last}.",
                      suggestions=[f"Ask about a time between {timeline.first} and {timeline.last}."])
    return period


def _point(text: str, timeline: Timeline) -> Period:
    year = _year_in(text)
    season = next((months for name, months in _SEASONS.items() if text.startswith(name)), None)
    if re.fullmatch(_DATE, text):
        return _of_date(text, year, timeline)
    if season is not None:
        return _of_months(season, year)
    if "quarter" in text or re.match(r"q[1-4]", text):
        quarter = _COUNTED[text.split()[0]] if "quarter" in text else int(text[1])
        return _of_months(tuple(range(3 * quarter - 2, 3 * quarter + 1)), year)
    if re.search(_MONTH, text):
        return _of_months((_month_in(text),), year)
    return _span(date(year or 0, 1, 1), date((year or 0) + 1, 1, 1))


def _of_date(text: str, year: int | None, timeline: Timeline) -> Period:
    base = datetime(timeline.last.year, 1, 1)  # noqa: DTZ001 - the data's own days have no zone
    parsed = dateparser.parse(text.replace(" the ", " ").replace(" of ", " "), languages=["en"], settings={"RELATIVE_BASE": base})
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
    whole = _point(match["whole"], timeline) if "the year" != match["whole"] else _span(date(timeline.last.year, 1, 1), date(timeline.last.year + 1, 1, 1))
    if whole.start is None:
        whole = _of_months(whole.months, timeline.last.year)
    assert whole.start is not None
    assert whole.end is not None
    unit, nth = match["unit"].rstrip("s"), _COUNTED[match["count"]]
    length = {"day": timedelta(days=1), "week": timedelta(days=7), "half": (whole.end - whole.start) / 2, "month": timedelta(days=30)}[unit]
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
    sides = {"since": (point.start, None), "starting": (point.start, None), "after": (point.end, None), "before": (None, point.start)}
    start, end = sides.get(match["side"], (None, point.end))
    return Period(start=start, end=end)


def _day(match: re.Match[str], timeline: Timeline) -> Period:
    day = timeline.last - timedelta(days=match["word"] == "yesterday")
    return _span(day, day + timedelta(days=1))


def _weekdays(match: re.Match[str], _: Timeline) -> Period:
    groups = {"weekend": (6, 7), "working day": (1, 2, 3, 4, 5)}
    return Period(weekdays=groups.get(match["name"]) or (_WEEKDAYS.index(match["name"]) + 1,))


def _span(start: date, end: date) -> Period:
    return Period(start=start, end=end)


def _year_in(text: str) -> int | None:
    found = re.search(rf"\b{_YEAR}\b", text)
    return int(found[0]) if found else None


def _month_in(text: str) -> int:
    found = re.search(_MONTH, text)
    assert found is not None
    return next(i for i, name in enumerate(_MONTHS, 1) if name.startswith(found[0][:3]))


_RESOLVERS = {"range": _range, "days": _days, "days_first": _days, "part": _part, "relative": _relative, "open": _open, "day": _day,
              "weekdays": _weekdays, "point": lambda match, timeline: _point(match["point"], timeline)}
