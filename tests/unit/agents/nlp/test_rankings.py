"""Rankings and counts of groups: what one grouping can say, and what is refused."""

import pytest
from library import connect, library_schema

from agents.nlp.plan import Aggregate, Operator, Order
from agents.nlp.planner import RulePlanner
from agents.nlp.refusal import RefusalError


@pytest.fixture(scope="module")
def planner() -> RulePlanner:
    return RulePlanner(library_schema(connect()))


@pytest.mark.parametrize(
    "question",
    [
        "number of loans by branch for the top 3 genres",
        "top 2 genres by number of loans per branch",
        "Which branch has the most loans in each genre?",
    ],
)
def test_a_ranking_within_groups_is_refused(planner: RulePlanner, question: str) -> None:
    with pytest.raises(RefusalError, match="ranking"):
        planner.plan(question)


@pytest.mark.parametrize(
    "question", ["How many branches had more than 20 loans?", "How many days had more than 1 loan?"]
)
def test_counting_groups_is_refused_with_the_question_to_ask(planner: RulePlanner, question: str) -> None:
    with pytest.raises(RefusalError) as refused:
        planner.plan(question)
    assert refused.value.suggestions[0].startswith("Ask which")


def test_the_question_offered_instead_is_answered(planner: RulePlanner) -> None:
    assert planner.plan("Which branches had more than 20 loans?").plan.having is not None


@pytest.fixture(scope="module")
def delayed() -> RulePlanner:
    """The library with a delay for each loan."""
    connection = connect()
    connection.execute("ALTER TABLE loans ADD COLUMN delay INTEGER; UPDATE loans SET delay = days_kept - 10")
    return RulePlanner(library_schema(connection))


@pytest.mark.parametrize(("superlative", "order"), [("most", Order.MEASURE_DESC), ("fewest", Order.MEASURE_ASC)])
def test_the_most_of_rows_with_a_property_is_a_count(delayed: RulePlanner, superlative: str, order: Order) -> None:
    understood = delayed.plan(f"Which branch had the {superlative} delayed loans?")
    (condition,) = understood.plan.filters
    assert [m.aggregate for m in understood.plan.measures] == [Aggregate.COUNT]
    assert (condition.column.name, condition.operator, condition.values) == ("delay", Operator.GT, (0,))
    assert (understood.plan.order, understood.plan.limit) == (order, 1)
    assert "“delayed” means delay above 0." in understood.assumptions


def test_the_most_of_rows_without_a_group_is_refused(delayed: RulePlanner) -> None:
    with pytest.raises(RefusalError, match="how many or how much"):
        delayed.plan("show the most delayed loans")


@pytest.mark.parametrize("question", ["how many different joined", "number of different returned"])
def test_one_word_of_a_date_is_not_counted(planner: RulePlanner, question: str) -> None:
    with pytest.raises(RefusalError):
        planner.plan(question)
