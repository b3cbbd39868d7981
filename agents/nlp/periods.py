"""Phrases for time ("in March", "first week of June", "last quarter"): what they look like and where they stand."""

import re
from dataclasses import dataclass

MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
SEASONS = {"spring": (3, 4, 5), "summer": (6, 7, 8), "autumn": (9, 10, 11), "fall": (9, 10, 11), "winter": (12, 1, 2)}
COUNTED = {
    "first": 1,
    "1st": 1,
    "second": 2,
    "2nd": 2,
    "third": 3,
    "3rd": 3,
    "fourth": 4,
    "4th": 4,
    "last": -1,
    "final": -1,
}
MONTH = (
    r"(?:january|february|march|april|may|june|july|august|september|october|november|december|"
    r"jan|feb|mar|apr|jun|jul|aug|sept|sep|oct|nov|dec)"
)
YEAR = r"(?:1[89]|20)\d\d"
_DAY = r"(?:[0-3]?\d)(?:st|nd|rd|th)?"
_OF_YEAR = rf"(?: {YEAR})?"
DATE = (
    rf"(?:{YEAR}-\d\d?-\d\d?|\d\d?/\d\d?/{YEAR}"
    rf"|{MONTH} (?:the )?{_DAY}{_OF_YEAR}(?!\d)|{_DAY} (?:of )?{MONTH}{_OF_YEAR})"
)
_MONTHS_OF = rf"(?:(?:month of )?{MONTH}(?: (?:of )?{YEAR})?)"
_QUARTER = rf"(?:q[1-4](?: (?:of )?{YEAR})?|(?:first|second|third|fourth|1st|2nd|3rd|4th) quarter(?: (?:of )?{YEAR})?)"
_SEASON = rf"(?:(?:spring|summer|autumn|fall|winter)(?: (?:of )?{YEAR})?)"
_POINT = rf"(?:{DATE}|{_MONTHS_OF}|{_QUARTER}|{_SEASON}|(?:year )?{YEAR})"
_COUNT = r"(?:first|second|third|fourth|1st|2nd|3rd|4th|last|final)"
# `and` makes a range only after `between`; elsewhere it lists.
_FROM = r"(?:(?P<between>between )|from )?(?:the )?"
_TO = r"(?(between)(?:and|to)|(?:to|through|until|till))"
_NUMBER = r"(?:(?P<number>\d+) )?"
_YEAR_SAID = rf"(?: (?P<year>{YEAR}))?"
_FORMS = {
    "range": rf"{_FROM}(?P<low>{_POINT}) {_TO} (?:the )?(?P<high>{_POINT})",
    "days": rf"{_FROM}(?P<month>{MONTH}) (?P<low>{_DAY}) {_TO} (?P<high>{_DAY}){_YEAR_SAID}",
    "days_first": rf"{_FROM}(?P<low>{_DAY}) (?:{_TO} )?(?:the )?(?P<high>{_DAY}) (?:of )?"
    rf"(?P<month>{MONTH}){_YEAR_SAID}",
    "part": rf"(?P<count>{_COUNT}) {_NUMBER}(?P<unit>days?|weeks?|half|months?) (?:of|in) "
    rf"(?P<whole>{_MONTHS_OF}|(?:the )?(?:year )?{YEAR}|the year)",
    "relative": rf"(?P<which>last|past|previous|latest|most recent|this|current) {_NUMBER}"
    r"(?P<unit>day|week|month|quarter|year)s?",
    "open": rf"(?P<side>since|after|before|until|up to|starting) (?:the )?(?P<point>{_POINT})",
    "day": r"(?P<word>today|yesterday)",
    "weekdays": r"(?P<name>monday|tuesday|wednesday|thursday|friday|saturday|sunday|weekend|working day)s?",
    "point": rf"(?P<point>{_POINT})",
}
_PATTERN = {kind: re.compile(rf"\b{form}\b") for kind, form in _FORMS.items()}
_DOUBTFUL = frozenset({"may", "march", "mar", "fall", "spring", "dec", "jan", "sun", "sat"})
_BEFORE_MONTH = frozenset(
    {
        "in",
        "of",
        "during",
        "for",
        "by",
        "this",
        "last",
        "and",
        "or",
        "to",
        "from",
        "vs",
        "versus",
        "until",
        "since",
        "the",
        "than",
        "between",
    }
)
_BEFORE_NUMBER = frozenset({"than", "over", "above", "under", "below", "least", "most", "top", "exceeding", "exactly"})


PERIOD_WORDS = frozenset(
    [
        *MONTHS,
        *WEEKDAYS,
        *SEASONS,
        *COUNTED,
        "quarter",
        "weekend",
        "today",
        "yesterday",
        "since",
        "until",
        "past",
        "previous",
        "latest",
        "current",
        "recent",
    ]
)


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
            first = starts.get(match.start())
            if first is not None and _plausible(kind, match[0], words[first - 1] if first else ""):
                found.append(PeriodPhrase(first, first + len(match[0].split()), kind, match))
    return found


def _plausible(kind: str, text: str, before: str) -> bool:
    if kind != "point":
        return True
    if text in _DOUBTFUL:
        return before in _BEFORE_MONTH or before in MONTHS
    return not (text.isdigit() and before in _BEFORE_NUMBER)
