"""Single rules of the planner, each on the library."""

import duckdb
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from library import connect, library_schema

from agents.nlp.compiler import compile_plan
from agents.nlp.plan import Aggregate, Grain, Operator, Order, QueryPlan
from agents.nlp.planner import RulePlanner
from agents.nlp.refusal import RefusalError


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    return connect()


@pytest.fixture(scope="module")
def planner(connection: duckdb.DuckDBPyConnection) -> RulePlanner:
    return RulePlanner(library_schema(connection))


def plan_of(planner: RulePlanner, question: str) -> QueryPlan:
    return planner.plan(question).plan


def test_an_aggregate_is_of_the_column_after_it(planner: RulePlanner) -> None:
    (measure,) = plan_of(planner, "What is the median fine?").measures
    assert measure.aggregate is Aggregate.MEDIAN
    assert measure.column is not None
    assert measure.column.name == "fine_eur"


def test_counting_rows_chooses_their_table(planner: RulePlanner) -> None:
    assert plan_of(planner, "How many members are there?").table == "members"
    assert plan_of(planner, "How many loans are there?").table == "loans"


def test_a_ranking_has_an_order_and_a_limit(planner: RulePlanner) -> None:
    plan = plan_of(planner, "Which 2 branches have the fewest loans?")
    assert (plan.order, plan.limit) == (Order.MEASURE_ASC, 2)


def test_negation_reaches_the_value_after_it(planner: RulePlanner) -> None:
    (condition,) = plan_of(planner, "How many loans were not from Harbour?").filters
    assert (condition.operator, condition.values) == (Operator.NE, ("Harbour",))


def test_values_set_against_each_other_group_the_rows(planner: RulePlanner) -> None:
    plan = plan_of(planner, "Compare the average fine of Harbour and North Hall")
    assert [d.by.name for d in plan.dimensions] == ["branch"]
    assert plan.filters[0].values == ("Harbour", "North Hall")


def test_units_are_converted(planner: RulePlanner) -> None:
    (condition,) = plan_of(planner, "How many loans were kept more than 2 weeks?").filters
    assert (condition.column.name, condition.values) == ("days_kept", (14,))


def test_a_foreign_unit_is_refused(planner: RulePlanner) -> None:
    with pytest.raises(RefusalError):
        planner.plan("How many loans have days kept over 3 miles?")


def test_a_condition_on_a_count_is_a_having(planner: RulePlanner) -> None:
    plan = plan_of(planner, "Which genres have more than 20 loans?")
    assert plan.having is not None
    assert plan.having.values == (20,)


def test_steps_of_time_group_the_rows_in_their_order(planner: RulePlanner) -> None:
    plan = plan_of(planner, "monthly number of loans")
    assert [d.grain for d in plan.dimensions] == [Grain.MONTH]
    assert plan.order is Order.DIMENSIONS


def test_a_typing_error_is_put_right_and_told(planner: RulePlanner) -> None:
    understood = planner.plan("averge fine per brnach")
    assert "“averge” is read as “average”." in understood.assumptions
    assert [d.by.name for d in understood.plan.dimensions] == ["branch"]


def test_an_unknown_word_is_named_in_the_refusal(planner: RulePlanner) -> None:
    with pytest.raises(RefusalError) as refused:
        planner.plan("average mileage by branch")
    assert refused.value.unmatched == ["mileage"]


@pytest.mark.parametrize(
    "question", ["Why are loans late?", "predict loans for next year", "Which branch should we close?"]
)
def test_what_no_table_answers_is_refused(planner: RulePlanner, question: str) -> None:
    with pytest.raises(RefusalError):
        planner.plan(question)


def test_a_time_without_data_is_refused_with_the_range(planner: RulePlanner) -> None:
    with pytest.raises(RefusalError, match="2023-01-14"):
        planner.plan("How many loans in 2031?")


def test_identifiers_are_never_averaged(planner: RulePlanner) -> None:
    with pytest.raises(RefusalError):
        planner.plan("average book id")


def test_the_same_question_gives_the_same_sql(planner: RulePlanner) -> None:
    sqls = {compile_plan(plan_of(planner, "average fine per genre"), planner.schema) for _ in range(3)}
    assert len(sqls) == 1


def test_both_ends_of_a_range_have_its_unit(planner: RulePlanner) -> None:
    (condition,) = plan_of(planner, "How many loans were kept between 1 and 2 weeks?").filters
    assert condition.values == (7, 14)


def test_a_sorting_is_no_ranking(planner: RulePlanner) -> None:
    plan = plan_of(planner, "average fine per branch, lowest first")
    assert (plan.order, plan.limit) == (Order.MEASURE_ASC, None)


def test_a_share_is_of_the_rows_named_before_the_verb(planner: RulePlanner) -> None:
    plan = plan_of(planner, "What percentage of loans from Harbour were never returned?")
    assert [f.column.name for f in plan.filters] == ["branch"]
    assert [f.column.name for f in plan.measures[0].where] == ["returned_on"]


def test_two_times_that_cannot_be_set_against_each_other_are_refused(planner: RulePlanner) -> None:
    with pytest.raises(RefusalError):
        planner.plan("average fine in winter vs summer")


def test_a_day_that_does_not_exist_is_refused(planner: RulePlanner) -> None:
    with pytest.raises(RefusalError):
        planner.plan("number of loans from June 25 to 40 2023")


WORDS = [
    "loans",
    "books",
    "by",
    "average",
    "fine",
    "Harbour",
    "top",
    "5",
    "not",
    "in",
    "March",
    "or less",
    "between",
    "correlation",
    "monthly",
    "share of",
    "genre",
    "most",
    "without",
    "more than",
    "2 weeks",
    "members",
    "longest",
    "city",
    "versus",
    "how many",
    "days kept",
]


@example(words=["fine", "versus", "how many", "correlation", "days kept"])
@example(words=["correlation", "fine", "loans", "days kept", "share of"])
@given(words=st.lists(st.sampled_from(WORDS), min_size=1, max_size=8))
def test_any_words_are_answered_or_refused(
    connection: duckdb.DuckDBPyConnection, planner: RulePlanner, words: list[str]
) -> None:
    try:
        sql = compile_plan(planner.plan(" ".join(words)).plan, planner.schema)
    except RefusalError:
        return
    connection.execute(sql.split(" USING SAMPLE")[0]).fetchall()
