import pytest

from pipeline.complexity import complexity_of

SEVERAL = {
    "compare average delay by month for United and Delta, and show the ten worst airports": "comparison",
    "average delay by carrier and also the number of flights by month": "also",
    "top 5 destinations versus top 5 origins": "versus",
    "flights by month; delay by carrier": "semicolon",
    "first show flights by month, then delays by carrier": "first ... then",
    "average delay by carrier, flights by month": "groups of their own",
    "number of flights per carrier and average distance per origin": "groups of their own",
    "What is the average delay? How many flights are there?": "question marks",
    "How many flights are there. Average delay by carrier.": "sentences",
    "average delay by carrier as well as the worst airports": "as well as",
    "flights by month and which carrier has the most": "a second question follows",
}
ONE = [
    "flights and average delay by carrier",
    "delays in January and February",
    "flights between 5 and 10 miles",
    "average delay by carrier and month",
    "flights by origin and by month",
    "How many flights left J.F.K. in May?",
    "How many flights to St. Louis?",
    "avg. delay by carrier",
    "United and Delta flights by month",
    "top 5 destinations",
    "median of dep. delay in 2013?",
    "How many flights were more than 1.5 hours late?",
]


@pytest.mark.parametrize(("query", "why"), SEVERAL.items())
def test_a_question_that_asks_for_several_things_is_told_by_its_words(query, why):
    verdict = complexity_of(query)
    assert verdict.complex
    assert why in verdict.why


@pytest.mark.parametrize("query", ONE)
def test_one_question_is_one_whatever_it_lists(query):
    assert not complexity_of(query).complex


def test_a_long_text_is_judged_quickly():
    assert not complexity_of("by a " * 400).complex
    assert not complexity_of("a" * 2_000).complex
