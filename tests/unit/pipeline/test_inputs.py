"""What each agent is asked."""

import pytest
from steps_at_work import REQUEST, ROWS, UNDERSTOOD, begun

from agents.errors import MissingInput
from pipeline.inputs import answered_without_call, asked_of, payload_for, question_of

PARTS = {"queries": [{"name": "a", "question": "flights?", "sql_query": "SELECT 'a'", "intent": {"metric_type": "a"}},
                     {"name": "b", "sql_query": "SELECT 'b'"}], "interpretation": "Two things."}
TOWN = {"$from": "places", "path": "rows.1.city"}
PLACES = {"places": {"rows": [{"city": "Rome"}, {"city": "Oslo"}]}}


def test_the_nlp_agent_gets_the_question_and_who_asks():
    assert payload_for("nlp", begun("nlp")) == {
        "query": "flights by carrier", "user_id": "ann", "session_id": "s1", "context": {"source": "here"},
        "query_id": "q7"}


def test_the_data_agent_gets_the_query_and_what_it_means():
    payload = payload_for("data", begun("data", {"nlp": UNDERSTOOD}, database_context={"tables": ["flights"]}))
    assert payload["sql_query"] == "SELECT 1"
    assert payload["query_context"]["metric_type"] == payload["query_context"]["query_intent"]["metric_type"] == "count"
    assert payload["database_context"] == {"tables": ["flights"]}


def test_the_viz_agent_gets_the_rows_their_columns_and_the_wishes():
    payload = payload_for("viz", begun("viz", {"nlp": UNDERSTOOD, "data": ROWS}))
    assert payload["data"] == ROWS["rows"]
    assert [column["name"] for column in payload["columns"]] == ["carrier", "flights"]
    assert payload["visualization_config"] == {"theme": "dark"}
    assert "database_context" not in payload


def test_a_further_agent_gets_the_question_and_all_it_reads():
    assert payload_for("weather", begun("weather", PLACES))["inputs"] == PLACES


def test_what_a_step_is_given_comes_before_what_it_would_be_asked():
    go = begun("data", {"nlp": UNDERSTOOD}, {"input": {"sql_query": "SELECT 2"}})
    assert payload_for("data", go)["sql_query"] == asked_of(go) == "SELECT 2"


@pytest.mark.parametrize(("value", "found"), [
    (TOWN, "Oslo"), ([TOWN, 1], ["Oslo", 1]), ({"in": {"town": TOWN}}, {"in": {"town": "Oslo"}}),
    ({"$from": "places"}, PLACES["places"]), ({"$from": "nowhere", "default": None}, None),
    ({"$from": "places", "path": "rows.7.city", "default": "Bonn"}, "Bonn"),
    ({"$from": "places", "path": "rows.1.city.name", "default": "Bonn"}, "Bonn"),
])
def test_a_reference_stands_for_another_step_s_output(value, found):
    assert payload_for("weather", begun("weather", PLACES, {"input": {"at": value}}))["at"] == found


@pytest.mark.parametrize("path", ["rows.7.city", "rows.first", "rows.1.town", "columns", "rows.1.city.name"])
def test_a_reference_to_nothing_names_what_is_missing(path):
    go = begun("weather", PLACES, {"input": {"at": {"$from": "places", "path": path}}})
    with pytest.raises(MissingInput, match=f"Step weather reads {path} of step places, whose output has no"):
        payload_for("weather", go)


def test_a_part_is_asked_its_own_query_as_if_it_were_all():
    reads = {"reads": {"nlp": "nlp"}}
    first, second, other = (begun("data", {"nlp": PARTS}, {**reads, "query": name}) for name in ("a", "b", "c"))
    assert (payload_for("data", first)["sql_query"], question_of(first)) == ("SELECT 'a'", "flights?")
    assert (payload_for("data", second)["sql_query"], question_of(second)) == ("SELECT 'b'", REQUEST["query"])
    with pytest.raises(MissingInput, match="no query 'c'"):
        payload_for("data", other)


def test_of_several_queries_a_step_that_names_none_runs_the_first():
    assert asked_of(begun("data", {"nlp": PARTS})) == "SELECT 'a'"


def test_without_rows_there_is_nothing_to_draw_and_nobody_is_called():
    empty = answered_without_call("viz", begun("viz", {"nlp": UNDERSTOOD, "data": {"rows": []}}))
    assert (empty.chart_type, empty.title, empty.spec) == ("table", "flights by carrier", None)
    assert answered_without_call("viz", begun("viz", {"data": ROWS})) is None
    assert answered_without_call("viz", begun("viz", {}, {"input": {"data": []}})) is None
    assert answered_without_call("data", begun("data", {"nlp": UNDERSTOOD})) is None


def test_a_chart_of_rows_that_were_never_fetched_is_refused():
    with pytest.raises(MissingInput, match="Step viz has no rows to draw"):
        payload_for("viz", begun("viz", {"nlp": UNDERSTOOD}))
