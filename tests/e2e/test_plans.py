"""Complex questions and plans of one's own, over HTTP, through everything that `make run` starts."""

import pytest
import requests

from tests.processes import wait_for

COMPLEX = "average departure delay by carrier and also the number of flights by month"
BY_ORIGIN = "SELECT origin, count(*) AS flights FROM flights GROUP BY 1 ORDER BY 1"
DELAYS = "SELECT origin, avg(dep_delay) AS delay FROM flights GROUP BY 1"


@pytest.fixture(scope="module")
def api(system):
    return f"{system.base_url}/api"


@pytest.fixture(scope="module")
def answer(api):
    response = requests.post(f"{api}/query", json={"query": COMPLEX}, timeout=60)
    assert response.status_code == 200, response.text
    return response.json()


def ended(api, workflow_id):
    found = {}

    def final():
        found.update(requests.get(f"{api}/workflow/{workflow_id}/status", timeout=10).json())
        return found["final"]

    wait_for(final, f"the end of {workflow_id}")
    return found


def accepted(api, **body):
    response = requests.post(f"{api}/workflow", json=body, timeout=10)
    assert response.status_code == 202, response.text
    return response.json()["workflow_id"]


def data(name, sql, **more):
    return {"name": name, "agent": "data", "input": {"sql_query": sql}, **more}


def test_a_question_of_two_parts_is_answered_with_both(answer):
    assert answer["status"] == "SUCCEEDED"
    assert answer["route"] == "complex"
    assert "2 queries" in answer["route_why"]
    assert [part["result"]["row_count"] for part in answer["parts"]] == [16, 12]
    assert all(part["visualization"]["spec"] for part in answer["parts"])
    assert answer["visualization"]["spec"]["$schema"].startswith("https://vega.github.io/schema/vega-lite/")
    assert answer["visualization"]["alt_text"]
    assert answer["interpretation"]


def test_the_status_tells_the_plan_and_why_it_is_that(api, answer):
    status = requests.get(f"{api}/workflow/{answer['workflow_id']}/status", timeout=10).json()
    steps = {step["step"]: step for step in status["steps"]}
    assert status["route"] == "complex"
    assert len(steps) == 6
    assert steps["compose"]["after"] == ["nlp", *(name for part in answer["parts"] for name in part["steps"])]
    assert [step["optional"] for step in steps.values()] == [False, True, True, True, True, False]


def test_a_simple_question_keeps_the_ordinary_plan(api):
    simple = requests.post(f"{api}/query", json={"query": "average departure delay by carrier"}, timeout=60).json()
    assert (simple["route"], simple["parts"], list(simple["agent_performance"])) == (
        "simple",
        [],
        ["nlp", "data", "viz"],
    )


def test_each_part_has_a_picture_of_its_own(api, answer):
    whole = requests.get(f"{api}/workflow/{answer['workflow_id']}/chart.svg", timeout=30)
    parts = [
        requests.get(f"{api.removesuffix('/api')}{part['visualization']['svg_url']}", timeout=30)
        for part in answer["parts"]
    ]
    assert [picture.status_code for picture in (whole, *parts)] == [200] * 3
    assert len({picture.text for picture in (whole, *parts)}) == 3
    unknown = requests.get(f"{api}/workflow/{answer['workflow_id']}/chart.svg?step=nobody", timeout=30)
    assert unknown.status_code == 404


def test_the_page_shows_every_part(system, answer):
    page = requests.get(f"{system.base_url}/ask/{answer['workflow_id']}", timeout=30).text
    assert page.count('<section class="part">') == 2
    for part in answer["parts"]:
        assert part["interpretation"] in page


def test_a_plan_of_ones_own_is_carried_out_and_its_rows_are_joined(api):
    workflow_id = accepted(
        api,
        query="flights and delays by origin",
        steps=[
            data("flights", BY_ORIGIN),
            data("delays", DELAYS),
            {"name": "chart", "agent": "viz", "after": ["flights"]},
            {"name": "all", "agent": "compose", "after": ["chart", "delays"]},
        ],
    )
    assert ended(api, workflow_id)["status"] == "SUCCEEDED"
    own = requests.get(f"{api}/workflow/{workflow_id}", timeout=10).json()
    assert own["route"] == "plan"
    assert {row["origin"]: row["flights"] for row in own["result"]["data"]} == {
        "EWR": 120835,
        "JFK": 111279,
        "LGA": 104662,
    }
    assert all(row["delay"] > 10 for row in own["result"]["data"])


def test_a_step_reads_what_another_gave(api):
    sql = "SELECT 'SELECT 40 + 2 AS n' AS statement"
    workflow_id = accepted(
        api,
        query="a statement out of a statement",
        steps=[data("write", sql), data("run", {"$from": "write", "path": "rows.0.statement"})],
    )
    assert ended(api, workflow_id)["status"] == "SUCCEEDED"
    assert requests.get(f"{api}/workflow/{workflow_id}", timeout=10).json()["result"]["data"] == [{"n": 42}]


def test_an_optional_step_that_fails_is_left_out_and_told(api):
    workflow_id = accepted(
        api,
        query="one of two",
        steps=[
            data("good", BY_ORIGIN),
            data("bad", "SELECT nothing FROM nowhere", optional=True),
            {"name": "all", "agent": "compose", "after": ["good", "bad"]},
        ],
    )
    status = ended(api, workflow_id)
    assert status["status"] == "DEGRADED"
    assert {step["step"]: step["status"] for step in status["steps"]} == {
        "good": "SUCCEEDED",
        "bad": "SKIPPED",
        "all": "SUCCEEDED",
    }
    own = requests.get(f"{api}/workflow/{workflow_id}", timeout=10).json()
    assert [(told["step"], told["source"]) for told in own["degradations"]] == [("bad", "left_out")]
    assert "nowhere" in own["degradations"][0]["reason"]


def test_a_required_step_that_fails_takes_along_what_needs_it_and_nothing_else(api):
    workflow_id = accepted(
        api,
        query="a branch fails",
        steps=[
            data("bad", "SELECT nothing FROM nowhere"),
            {"name": "chart", "agent": "viz", "after": ["bad"]},
            data("good", BY_ORIGIN),
        ],
    )
    status = ended(api, workflow_id)
    assert status["status"] == "FAILED"
    assert {step["step"]: step["status"] for step in status["steps"]} == {
        "bad": "FAILED",
        "chart": "SKIPPED",
        "good": "SUCCEEDED",
    }
    again = requests.post(f"{api}/workflow/{workflow_id}/retry", json={"reason": "once more"}, timeout=10)
    assert again.status_code in (200, 202), again.text
    status = ended(api, workflow_id)
    assert {step["step"]: step["attempt"] for step in status["steps"]} == {"good": 1, "bad": 1, "chart": 0}


def test_a_bad_plan_is_refused_and_nothing_is_recorded(api):
    before = requests.get(f"{api}/workflow?limit=1", timeout=10).json()["workflows"][0]["workflow_id"]
    refused = requests.post(
        f"{api}/workflow",
        json={"query": "bad", "steps": [{"name": "a", "agent": "dat"}, {"name": "b", "agent": "viz", "after": ["c"]}]},
        timeout=10,
    )
    assert refused.status_code == 422
    problem = refused.json()
    assert problem["error_type"] == "bad_plan"
    assert "Did you mean 'data'?" in problem["detail"]
    assert len(problem["suggestions"]) == 2
    after = requests.get(f"{api}/workflow?limit=1", timeout=10).json()["workflows"][0]["workflow_id"]
    assert after == before
