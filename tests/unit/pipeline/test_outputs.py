"""What a workflow's steps gave, found whatever the plan is."""

from steps_at_work import ROWS, UNDERSTOOD, contents, record, step

from pipeline.outputs import Outputs

MORE_ROWS = {**ROWS, "row_count": 7}
CHART = {"chart_type": "bar", "title": "Flights"}
TOLD = [{"name": "a", "query": "a", "data": "rows_a", "viz": "chart_a"}]


def test_of_several_steps_of_an_agent_the_last_with_an_output_speaks():
    steps = record(step("nlp"), step("first", "data"), step("second", "data"), step("third", "data"))
    found = Outputs(steps, contents(nlp=UNDERSTOOD, first=ROWS, second=MORE_ROWS))
    assert (found.data.row_count, found.nlp.sql_query, found.interpretation) == (7, "SELECT 1", "Flights, by carrier.")
    assert found.chart is None
    assert found.told_parts == []


def test_an_answer_that_is_not_there_yet_is_empty():
    found = Outputs(record(step("nlp"), step("data"), step("viz")), contents())
    assert (found.nlp, found.data, found.chart, found.composed) == (None, None, None, None)
    assert (found.interpretation, found.further, found.query("a"), found.rows_of("data")) == ("", {}, None, None)


def test_what_further_agents_gave_is_kept_by_step_as_it_is():
    steps = record(step("rows", "data"), step("rain", "weather"), step("snow", "weather"), step("all", "compose"))
    found = Outputs(steps, contents(rows=ROWS, rain={"mm": 3}, all={"interpretation": "Both."}))
    assert found.further == {"rain": {"mm": 3}}


def test_of_a_question_with_parts_the_composed_step_speaks_and_no_part_for_the_whole():
    steps = record(step("nlp"), step("rows_a", "data"), step("chart_a", "viz"),
                   step("compose", spec={"parts": TOLD}))
    parts = {"nlp": {"queries": [{"name": "a", "sql_query": "SELECT 'a'"}]}, "rows_a": ROWS, "chart_a": CHART}
    before = Outputs(steps, contents(**parts))
    assert (before.data, before.chart, before.told_parts) == (None, None, TOLD)
    assert (before.rows_of("rows_a").row_count, before.chart_of("chart_a").title) == (2, "Flights")
    assert before.query("a").sql_query == "SELECT 'a'"
    after = Outputs(steps, contents(**parts, compose={"interpretation": "Both.", "data": MORE_ROWS, "chart": CHART}))
    assert (after.data.row_count, after.chart.chart_type, after.interpretation) == (7, "bar", "Both.")
