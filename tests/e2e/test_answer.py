"""Questions over HTTP, through everything that `make run` starts."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from core.release import RELEASE
from core.settings import ROOT
from tests.processes import wait_for

QUESTION = "average departure delay by carrier"


def ask(system, query, **headers):
    return requests.post(f"{system.base_url}/api/query", json={"query": query}, headers=headers, timeout=60)


@pytest.fixture(scope="module")
def api(system):
    return f"{system.base_url}/api"


@pytest.fixture(scope="module")
def openapi(api):
    return requests.get(f"{api}/openapi.json", timeout=10).json()


def test_a_question_is_answered_like_a_plain_function(system):
    response = ask(system, QUESTION)
    assert response.status_code == 200, response.text
    answer = response.json()
    assert answer["status"] == "SUCCEEDED"
    assert answer["result"]["row_count"] == len(answer["result"]["data"]) == 16
    assert answer["result"]["sql_query"].upper().startswith("SELECT")
    assert answer["interpretation"]
    assert answer["visualization"]["spec"]["$schema"].startswith("https://vega.github.io/schema/vega-lite/")
    assert [answer["agent_performance"][step]["attempts"] for step in ("nlp", "data", "viz")] == [1, 1, 1]


def shape(value):
    """The JSON's structure: keys and types, the first element for a list, values left out."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    if isinstance(value, bool) or value is None:
        return type(value).__name__
    return "number" if isinstance(value, int | float) else type(value).__name__


PASSING = {"workflow_id", "query_id", "created_at", "finished_at", "duration_ms", "processing_time_ms", "wait_ms",
           "png_url", "svg_url"}


def lasting(value):
    """The JSON without what differs from one run to the next."""
    if isinstance(value, dict):
        return {key: lasting(inner) for key, inner in value.items() if key not in PASSING}
    return [lasting(inner) for inner in value] if isinstance(value, list) else value


def test_the_example_in_the_openapi_document_is_a_live_answer(system, openapi):
    media = openapi["paths"]["/api/query"]["post"]["responses"]["200"]["content"]["application/json"]
    example, live = media["example"], ask(system, QUESTION).json()
    assert shape(example) == shape(live)
    assert lasting(example) == lasting(live)


def test_the_answer_has_the_keys_it_was_designed_with(system):
    answer = ask(system, QUESTION).json()
    assert list(answer) == [
        "workflow_id", "query_id", "query", "status", "path", "recorded", "degraded", "degradations", "route",
        "route_why", "intent", "interpretation", "assumptions", "result", "visualization", "parts", "outputs", "error",
        "agent_performance", "created_at", "finished_at", "duration_ms"]
    assert list(answer["result"]) == ["data", "columns", "row_count", "truncated", "sql_query", "processing_time_ms"]
    assert list(answer["visualization"]) == ["chart_type", "title", "reason", "spec", "alt_text", "png_url", "svg_url",
                                             "chart_config", "chart_data"]
    assert list(answer["agent_performance"]["nlp"]) == ["status", "attempts", "duration_ms", "wait_ms"]


def test_respond_async_answers_at_once_with_the_place_of_the_answer(system):
    response = ask(system, QUESTION, Prefer="respond-async")
    assert response.status_code == 202
    assert response.headers["Preference-Applied"] == "respond-async"
    location = system.base_url + response.headers["Location"]
    wait_for(lambda: requests.get(location, timeout=10).json()["status"] == "SUCCEEDED", "the answer", 30)
    assert requests.get(f"{location}/status", timeout=10).json()["final"] is True


def events_of(url, last_event_id="0-0"):
    found = []
    with requests.get(url, headers={"Last-Event-ID": last_event_id}, stream=True, timeout=60) as response:
        assert response.headers["Content-Type"].startswith("text/event-stream")
        for line in response.iter_lines(decode_unicode=True):
            name, _, value = line.partition(": ")
            if name == "id":
                found.append({"id": value})
            elif name == "event":
                if value == "end":
                    found.append({})
                found[-1]["event"] = value
            elif name == "data":
                found[-1]["data"] = json.loads(value)
    return found


def test_the_events_follow_the_three_steps_and_can_be_resumed(system):
    location = system.base_url + ask(system, QUESTION, Prefer="respond-async").headers["Location"]
    events = events_of(f"{location}/events")
    steps = [(e["data"]["step"], e["data"]["status"]) for e in events if e["event"] == "step"]
    assert steps == [(step, status) for step in ("nlp", "data", "viz") for status in ("RUNNING", "SUCCEEDED")]
    assert events[-1]["event"] == "end"
    assert events[-1]["data"]["status"] == "SUCCEEDED"
    middle = events[3]["id"]
    assert events_of(f"{location}/events", middle) == events[4:]
    assert events_of(f"{location}/events", events[-2]["id"]) == events[-1:]


def test_pictures_rows_and_the_answer_as_files(system):
    location = system.base_url + ask(system, QUESTION).headers["Location"]
    assert requests.get(f"{location}/chart.png", timeout=30).content.startswith(b"\x89PNG\r\n")
    assert b"<svg" in requests.get(f"{location}/chart.svg", timeout=30).content[:200]
    rows = requests.get(f"{location}/rows.csv", timeout=30)
    assert "attachment" in rows.headers["Content-Disposition"]
    assert len(rows.text.splitlines()) == 17
    assert requests.get(f"{location}/answer.json", timeout=30).json() == requests.get(location, timeout=30).json()


def test_a_question_that_is_not_understood_is_refused_with_what_to_ask_instead(system):
    response = ask(system, "what colour were the sandwiches on board")
    assert response.status_code == 422
    assert response.headers["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert problem["error_type"] == "question_not_understood"
    assert problem["recovery_action"] == "rephrase"
    assert problem["unmatched"]
    assert ask(system, problem["examples"][0]).status_code == 200


@pytest.mark.parametrize(("body", "status"), [
    ({}, 422), ({"query": ""}, 422), ({"query": "   "}, 422), ({"query": 7}, 422), ({"query": "x" * 5_000}, 422),
    ({"query": "x", "wrong": 1}, 422), ([], 422), ({"query": "x", "deadline_s": 0}, 422),
    ({"query": "x", "deadline_s": 1e9}, 422), ({"query": "x", "context": "y" * 2_000_000}, 413),
])
def test_a_bad_request_is_told_what_is_wrong(api, body, status):
    response = requests.post(f"{api}/query", json=body, timeout=10)
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == status
    assert {"type", "title", "detail", "error_type", "recovery_action", "suggestions"} <= problem.keys()


@pytest.mark.parametrize(("path", "status"), [
    ("/workflow/" + "0" * 32, 404), ("/workflow/" + "0" * 32 + "/status", 404),
    ("/workflow/" + "0" * 32 + "/events", 404),
    ("/workflow/" + "0" * 32 + "/chart.png", 404), ("/workflow/nonsense", 422), ("/nowhere", 404), ("/query", 405),
])
def test_what_is_not_there_is_a_problem_document(api, path, status):
    response = requests.get(api + path, timeout=10)
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/problem+json"


def test_health_is_live_ready_and_known_of_each_agent(system, api):
    assert requests.get(f"{system.base_url}/health/live", timeout=10).json() == {"status": "live", "release": RELEASE}
    assert requests.get(f"{system.base_url}/health/ready", timeout=10).json() == {"status": "ready"}

    def healthy():
        return requests.get(f"{api}/health/agents", timeout=10).json()["status"] == "healthy"

    wait_for(healthy, "beat's health checks", 30)
    seen = requests.get(f"{api}/health/agents", timeout=10).json()["agents"]
    assert seen.keys() == {"nlp", "data", "viz"}
    assert all(agent["version"] and agent["checked_at"] for agent in seen.values())


def test_flower_shows_the_tasks_of_a_question(system):
    workflow_id = ask(system, QUESTION).json()["workflow_id"]
    flower = f"http://127.0.0.1:{system.ports['flower']}"

    def shown():
        page = requests.get(f"{flower}/task/{workflow_id}.data.0.1", timeout=10)
        return page.ok and "agents.data" in page.text and "SUCCESS" in page.text

    wait_for(shown, "Flower to show the data step", 20)


def test_every_problem_the_document_names_is_a_problem_document(openapi):
    found = 0
    for path, methods in openapi["paths"].items():
        for method, operation in methods.items():
            for status, response in operation["responses"].items():
                if int(status) >= 400:
                    assert list(response["content"]) == ["application/problem+json"], (method, path, status)
                    found += 1
    assert found > 20


def test_a_body_that_is_not_json_is_told_where(api):
    as_json = {"Content-Type": "application/json"}
    response = requests.post(f"{api}/query", data='{"query": }', headers=as_json, timeout=10)
    assert response.status_code == 422
    assert "not JSON" in response.json()["detail"]


def test_celery_s_own_command_shows_the_result(system):
    workflow_id = ask(system, QUESTION).json()["workflow_id"]
    command = Path(sys.executable).with_name("celery")
    done = subprocess.run([command, "-A", "tasks", "result", workflow_id], cwd=ROOT, text=True, capture_output=True,
                          env={**os.environ, "REDIS_URL": system.redis_url}, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "SUCCEEDED" in done.stdout
