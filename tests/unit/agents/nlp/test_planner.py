"""Single rules of the planner, each on the library."""

import pytest
from library import connect, library_schema

from agents.nlp.compiler import compile_plan
from agents.nlp.plan import Aggregate, Chart, Grain, Operator, Order, QueryPlan
from agents.nlp.planner import RulePlanner
from agents.nlp.refusal import RefusalError


@pytest.fixture(scope="module")
def planner() -> RulePlanner:
    return RulePlanner(library_schema(connect()))


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


def test_steps_of_time_make_a_line(planner: RulePlanner) -> None:
    plan = plan_of(planner, "monthly number of loans")
    assert [d.grain for d in plan.dimensions] == [Grain.MONTH]
    assert plan.chart is Chart.LINE


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
