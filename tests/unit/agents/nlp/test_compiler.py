"""From plans to SQL that DuckDB runs."""

from datetime import date

import pytest
from library import connect, library_schema

from agents.nlp.compiler import PlanError, compile_plan
from agents.nlp.plan import (
    Aggregate,
    ColumnRef,
    Dimension,
    Filter,
    Grain,
    Measure,
    Operator,
    Order,
    Period,
    QueryPlan,
    TimeAxis,
)

FINE = ColumnRef(table="loans", name="fine_eur")
GENRE = ColumnRef(table="books", name="genre", via=("book_id",))
LOANED = TimeAxis(moment=ColumnRef(table="loans", name="loaned_on"))
COUNT = Measure(aggregate=Aggregate.COUNT)


def compiled(plan: QueryPlan) -> str:
    connection = connect()
    sql = compile_plan(plan, library_schema(connection))
    connection.execute(sql).fetchall()
    return sql


def test_one_table_needs_no_prefixes() -> None:
    plan = QueryPlan(table="loans", measures=(Measure(aggregate=Aggregate.AVG, column=FINE),))
    assert compiled(plan) == "SELECT AVG(fine_eur) AS avg_fine_eur FROM loans"


def test_a_join_follows_the_foreign_key() -> None:
    sql = compiled(
        QueryPlan(table="loans", measures=(COUNT,), dimensions=(Dimension(column=GENRE),), order=Order.MEASURE_DESC)
    )
    assert "JOIN books ON loans.book_id = books.book_id" in sql
    assert sql.endswith("GROUP BY 1 ORDER BY 2 DESC, 1 ASC")


def test_a_period_is_half_open() -> None:
    period = Period(start=date(2023, 3, 1), end=date(2023, 4, 1), text="March 2023")
    sql = compiled(QueryPlan(table="loans", measures=(COUNT,), time_axis=LOANED, periods=(period,)))
    assert "loaned_on >= CAST('2023-03-01' AS DATE)" in sql
    assert "loaned_on < CAST('2023-04-01' AS DATE)" in sql


@pytest.mark.parametrize("grain", list(Grain))
def test_every_step_of_time_runs(grain: Grain) -> None:
    axis = TimeAxis(moment=ColumnRef(table="loans", name="loaned_on"))
    plan = QueryPlan(table="loans", measures=(COUNT,), dimensions=(Dimension(grain=grain),), time_axis=axis)
    assert "GROUP BY 1" in compiled(plan)


@pytest.mark.parametrize("operator", list(Operator))
def test_every_operator_runs(operator: Operator) -> None:
    count = {Operator.BETWEEN: 2, Operator.IN: 3, Operator.NOT_IN: 3, Operator.IS_NULL: 0, Operator.NOT_NULL: 0}.get(
        operator, 1
    )
    condition = Filter(column=FINE, operator=operator, values=tuple(range(1, count + 1)))
    assert "WHERE" in compiled(QueryPlan(table="loans", measures=(COUNT,), filters=(condition,)))


def test_text_is_quoted_so_that_it_stays_text() -> None:
    nasty = Filter(
        column=ColumnRef(table="loans", name="branch"), operator=Operator.EQ, values=("x'; DROP TABLE loans; --",)
    )
    assert "'x''; DROP TABLE loans; --'" in compiled(QueryPlan(table="loans", measures=(COUNT,), filters=(nasty,)))


def test_a_column_the_schema_does_not_have_is_an_error() -> None:
    unknown = Measure(aggregate=Aggregate.AVG, column=ColumnRef(table="loans", name="weight"))
    with pytest.raises(PlanError):
        compile_plan(QueryPlan(table="loans", measures=(unknown,)), library_schema(connect()))


def test_weekdays_come_in_the_order_of_the_week() -> None:
    plan = QueryPlan(
        table="loans",
        measures=(COUNT,),
        dimensions=(Dimension(grain=Grain.WEEKDAY),),
        time_axis=LOANED,
        order=Order.DIMENSIONS,
    )
    days = [day for day, _ in connect().execute(compiled(plan)).fetchall()]
    assert days == ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


def test_a_sample_is_drawn_of_the_rows_that_fulfil_the_conditions() -> None:
    condition = Filter(column=ColumnRef(table="loans", name="branch"), operator=Operator.EQ, values=("Harbour",))
    plan = QueryPlan(
        table="loans",
        measures=(Measure(aggregate=Aggregate.NONE, column=FINE),),
        filters=(condition,),
        sample=20,
    )
    assert len(connect().execute(compiled(plan)).fetchall()) == 20
