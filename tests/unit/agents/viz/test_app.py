from fastapi.testclient import TestClient

from agents.viz.app import app

CLIENT = TestClient(app)
BODY = {
    "data": [{"carrier": "AA", "avg_dep_delay": 8.6}, {"carrier": "F9", "avg_dep_delay": 20.2}],
    "columns": [{"name": "carrier", "type": "string"}, {"name": "avg_dep_delay", "type": "number", "unit": "minutes"}],
    "query": "average departure delay by carrier",
    "intent": {"visualization_hint": "bar"},
    "unknown_field": 1,
}


def test_rows_come_back_as_a_chart_in_the_standard_dialect():
    reply = CLIENT.post("/visualize", json=BODY).json()
    assert reply["success"] is True
    assert reply["agent_metadata"]["agent_name"] == "viz"
    assert reply["agent_metadata"]["processing_time_ms"] > 0
    assert reply["chart_config"]["chart_type"] == "bar"
    assert reply["chart_config"]["title"] == "Average departure delay (minutes) by carrier"
    assert reply["chart_data"]["$schema"].startswith("https://vega.github.io/schema/vega-lite/v6")
    assert reply["chart_data"]["data"]["values"][0] == {"x": "AA", "y": 8.6}
    assert reply["export_options"]["formats"] == ["png", "svg"]


def test_no_rows_are_an_empty_table():
    reply = CLIENT.post("/visualize", json={**BODY, "data": []}).json()
    assert reply["chart_config"]["chart_type"] == "table"
    assert reply["chart_data"] is None
    assert reply["export_options"]["formats"] == []


def test_a_request_out_of_shape_is_refused():
    assert CLIENT.post("/visualize", json={"data": "rows"}).status_code == 422


def test_the_agent_says_that_it_is_well():
    assert CLIENT.get("/health").json()["status"] == "healthy"
