"""Phrases for time, on a timeline of one year and on one of several."""

from datetime import date

import pytest

from agents.nlp.period_days import resolve
from agents.nlp.periods import find_periods
from agents.nlp.plan import Period, TimeAxis
from agents.nlp.refusal import RefusalError
from agents.nlp.timeline import Timeline

ONE_YEAR = Timeline(TimeAxis(), date(2013, 1, 1), date(2013, 12, 31), frozenset())
MANY = Timeline(TimeAxis(), date(2010, 4, 2), date(2015, 8, 20), frozenset())


def read(text: str, timeline: Timeline = ONE_YEAR) -> Period:
    phrase = max(find_periods(text.lower().split()), key=lambda p: p.end - p.start)
    return resolve(phrase, timeline)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2013-07-04", date(2013, 7, 4), date(2013, 7, 5)),
        ("July 4th 2013", date(2013, 7, 4), date(2013, 7, 5)),
        ("the 4th of July", date(2013, 7, 4), date(2013, 7, 5)),
        ("March 2013", date(2013, 3, 1), date(2013, 4, 1)),
        ("Q3 2013", date(2013, 7, 1), date(2013, 10, 1)),
        ("first week of June", date(2013, 6, 1), date(2013, 6, 8)),
        ("last week of June", date(2013, 6, 24), date(2013, 7, 1)),
        ("second half of 2013", date(2013, 7, 1), date(2014, 1, 1)),
        ("between June 1 and June 7", date(2013, 6, 1), date(2013, 6, 8)),
        ("last quarter", date(2013, 10, 1), date(2014, 1, 1)),
        ("last 2 months", date(2013, 11, 1), date(2014, 1, 1)),
        ("June 3 to 5", date(2013, 6, 3), date(2013, 6, 6)),
        ("between 3 and 5 June", date(2013, 6, 3), date(2013, 6, 6)),
        ("yesterday", date(2013, 12, 30), date(2013, 12, 31)),
    ],
)
def test_phrases_mean_days(text: str, start: date, end: date) -> None:
    period = read(text)
    assert (period.start, period.end) == (start, end)


@pytest.mark.parametrize(
    ("text", "months"),
    [
        ("in December", (12,)),
        ("summer", (6, 7, 8)),
        ("winter", (12, 1, 2)),
        ("June to August", (6, 7, 8)),
        ("between June and August", (6, 7, 8)),
        ("November to January", (11, 12, 1)),
    ],
)
def test_months_without_a_year_are_of_every_year(text: str, months: tuple[int, ...]) -> None:
    assert read(text, MANY).months == months


def test_the_last_month_is_the_last_whole_one() -> None:
    period = read("last month", MANY)
    assert (period.start, period.end) == (date(2015, 7, 1), date(2015, 8, 1))


def test_one_side_may_be_open() -> None:
    assert read("since 2012", MANY).start == date(2012, 1, 1)
    assert read("before 2012", MANY).end == date(2012, 1, 1)


@pytest.mark.parametrize("text", ["2019", "August 2020", "1998-05-03"])
def test_times_without_data_are_refused(text: str) -> None:
    with pytest.raises(RefusalError, match="2013-12-31"):
        read(text)


def test_a_number_after_a_comparison_is_no_year() -> None:
    assert not find_periods(["more", "than", "2000", "miles"])


def test_may_is_a_month_only_where_one_can_stand() -> None:
    assert not find_periods(["what", "may", "happen"])
    assert find_periods(["loans", "in", "may"])


@pytest.mark.parametrize("text", ["january and june", "june 1 and june 7", "june 1 and 7", "3 and 5 june"])
def test_and_without_between_makes_no_range(text: str) -> None:
    assert {phrase.kind for phrase in find_periods(text.split())} == {"point"}
