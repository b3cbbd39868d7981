import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.contract import DataResult, NlpResult, VizResult
from agents.dialects import parse
from agents.errors import AgentError, AgentRefused, InvalidResponse
from tests.scripted_agent import FLAT, STANDARD, VEGA


@pytest.mark.parametrize("dialect", [STANDARD, FLAT], ids=["standard", "flat"])
def test_both_dialects_become_one_model(dialect):
    nlp = parse("nlp", dialect["/process"])
    data = parse("data", dialect["/execute"])
    viz = parse("viz", dialect["/visualize"])
    assert isinstance(nlp, NlpResult)
    assert isinstance(data, DataResult)
    assert isinstance(viz, VizResult)
    assert nlp.sql_query == "SELECT 1 AS x"
    assert nlp.intent.metric_type == "count"
    assert nlp.intent.time_period == "unknown"
    assert (data.rows, [c.name for c in data.columns], data.row_count) == ([{"x": 1}], ["x"], 1)
    assert viz.title == "x"


def test_flat_nlp_details_are_kept():
    nlp = parse("nlp", FLAT["/process"])
    assert nlp.interpretation == "Counts x."
    assert nlp.entities == [{"name": "metric", "value": "x"}]
    assert nlp.processing_time_ms == pytest.approx(12)


@pytest.mark.parametrize("name", ["data", "rows", "processed_data"])
def test_rows_may_stand_at_top_level_as_lists_or_objects(name):
    as_lists = parse("data", {name: [[1, "a"], [2, "b"]], "columns": ["n", "t"]})
    as_objects = parse("data", {name: [{"n": 1, "t": "a"}, {"n": 2, "t": "b"}]})
    assert as_lists.rows == as_objects.rows == [{"n": 1, "t": "a"}, {"n": 2, "t": "b"}]
    assert [c.name for c in as_objects.columns] == ["n", "t"]
    assert as_lists.row_count == 2


def test_a_vega_lite_spec_is_told_from_plotly_and_html():
    assert parse("viz", STANDARD["/visualize"]).spec == VEGA
    plotly = parse("viz", FLAT["/visualize"])
    assert (plotly.spec, plotly.chart_kind) == (None, "plotly")
    assert plotly.chart_data == FLAT["/visualize"]["chart_json"]
    html = parse("viz", {"chart_html": "<b>x</b>"})
    assert (html.spec, html.chart_kind, html.chart_data) == (None, "html", "<b>x</b>")


@pytest.mark.parametrize(("reply", "message"), [
    ({"success": False, "error": "no such table"}, "no such table"),
    ({"success": False, "error": None}, "the nlp agent reports a failure and gives no reason"),
    ({"success": False}, "the nlp agent reports a failure and gives no reason"),
    ({"success": False, "error": {"message": "m", "error_type": "special"}}, "m"),
    ({"success": False, "error": {"suggestions": "not a list"}}, "the nlp agent reports a failure and gives no reason"),
])
def test_a_reported_failure_is_a_refusal(reply, message):
    with pytest.raises(AgentRefused, match=message):
        parse("nlp", reply)


def test_a_refusal_carries_what_the_agent_said():
    fault = {"error_type": "question_not_understood", "message": "m", "recovery_action": "rephrase",
             "suggestions": ["s"],
             "unmatched": ["colour"]}
    with pytest.raises(AgentRefused) as caught:
        parse("nlp", {"success": False, "error": fault})
    assert caught.value.described() == fault
    assert not caught.value.may_retry


def test_a_refusal_is_retried_only_when_the_agent_says_so():
    with pytest.raises(AgentRefused) as caught:
        parse("nlp", {"success": False, "error": {"message": "m", "recovery_action": "retry"}})
    assert caught.value.may_retry


@pytest.mark.parametrize(("agent", "reply", "named"), [
    ("nlp", [], "list"),
    ("nlp", "text", "str"),
    ("nlp", {}, "sql_query"),
    ("nlp", {"sql_query": ""}, "sql_query"),
    ("nlp", {"sql_query": 7}, "sql_query"),
    ("nlp", {"queries": "SELECT 1"}, "queries"),
    ("nlp", {"queries": [{"name": "a"}]}, "sql_query"),
    ("nlp", {"queries": [{"name": "a", "sql_query": "SELECT 1", "after": "b"}]}, "after"),
    ("data", {}, "rows"),
    ("data", {"result": {}}, "rows"),
    ("data", {"rows": "none"}, "rows"),
    ("data", {"rows": {"x": 1}}, "rows"),
    ("data", {"rows": [[1, 2]], "columns": ["x"]}, "row 0"),
    ("data", {"rows": [{"x": 1}, 7], "columns": ["x"]}, "row 1"),
    ("data", {"rows": [], "columns": "x"}, "columns"),
    ("data", {"rows": [], "columns": [{"type": "number"}]}, "name"),
    ("viz", {}, "chart_config"),
    ("viz", {"success": True}, "chart_config"),
    ("viz", {"chart_config": "bar"}, "chart_config"),
])
def test_a_malformed_reply_names_the_field(agent, reply, named):
    with pytest.raises(InvalidResponse, match=named):
        parse(agent, reply)


NAMES = st.sampled_from([
    "success", "error", "intent", "query_intent", "sql_query", "queries", "entities", "result", "data", "rows",
    "columns", "row_count", "name", "type", "unit", "model", "fields", "filters", "message", "chart_config",
    "chart_data", "chart_json", "chart_html", "suggestions", "retry_after_s"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5), max_leaves=12)


@given(agent=st.sampled_from(["nlp", "data", "viz"]), reply=st.dictionaries(NAMES, JSON, max_size=8) | JSON)
def test_any_json_is_a_result_or_an_agent_error(agent, reply):
    try:
        parsed = parse(agent, reply)
    except AgentError as error:
        said = error.described()["message"]
    else:
        said = type(parsed).model_validate(parsed.model_dump()) == parsed
    assert said


def test_odd_details_of_an_intent_are_no_reason_to_give_up():
    nlp = parse("nlp", {"sql_query": "SELECT 1", "entities": 3, "intent": {
        "model": "gpt", "filters": ["a"], "time_period": {"year": 2013}}})
    assert nlp.intent.filters == {"given": ["a"]}
    assert nlp.intent.time_period == '{"year": 2013}'
    assert nlp.entities == []


@pytest.mark.parametrize(("spelled", "known"), [
    ("VARCHAR", "string"), ("BIGINT", "integer"), ("float64", "number"), ("DECIMAL(10,2)", "number"),
    ("object", "string"), ("INTERVAL", "other"),
    ("TIMESTAMP WITH TIME ZONE", "datetime"), ("DATE", "date"), ("datetime64[ns]", "datetime"), ("Boolean", "boolean"),
    ("GEOMETRY", "other"), (None, "other"), ("integer", "integer"), ("time", "time"),
])
def test_column_types_are_known_however_they_are_spelled(spelled, known):
    assert parse("data", {"rows": [], "columns": [{"name": "a", "type": spelled}]}).columns[0].type == known


def test_an_agent_cannot_fill_what_is_ours():
    with pytest.raises(AgentRefused) as caught:
        parse("nlp", {"success": False, "error": {"message": "m", "retry_after_s": "soon", "step": 7, "hint": "h"}})
    assert caught.value.described() == {"hint": "h", "error_type": "agent_error", "message": "m",
                                        "recovery_action": "rephrase", "suggestions": []}
