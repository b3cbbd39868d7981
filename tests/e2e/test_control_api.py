"""Cancel, pause, resume and retry through the API, on workers that call a scripted agent."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from celery import Celery

from pipeline.question import Question, plan_workflow
from state import keys
from state.model import StepStatus
from tests.chaos.arena import Arena, Shape
from tests.processes import wait_for

WITHIN_S = 20.0


@pytest.fixture(scope="module")
def arena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    """One API, one worker; agents do as they are told."""
    with Arena(tmp_path_factory.mktemp("control"), Shape(workers=1, apis=1, beats=0)) as running:
        yield running.ready()


def post(arena: Arena, path: str, body: dict[str, Any] | None = None) -> requests.Response:
    return requests.post(f"{arena.api_urls[0]}/api/workflow{path}", json=body, timeout=10)


def status(arena: Arena, workflow_id: str) -> dict[str, Any]:
    found: dict[str, Any] = requests.get(f"{arena.api_urls[0]}/api/workflow/{workflow_id}/status", timeout=10).json()
    return found


def ask(arena: Arena, query: str, step: str = "", word: str = "hold") -> str:
    """A workflow whose `step` is held at its agent, or fails with a status; the agent is told before the first call."""
    if not step:
        return str(post(arena, "", {"query": query}).json()["workflow_id"])
    workflow = plan_workflow(Question(query))
    arena.told(workflow.workflow_id, step, word)
    arena.send(workflow)
    return workflow.workflow_id


def ended(arena: Arena, workflow_id: str) -> str:
    wait_for(lambda: status(arena, workflow_id)["final"], "the end", WITHIN_S)
    return str(status(arena, workflow_id)["status"])


def running(arena: Arena, workflow_id: str, step: str) -> None:
    def runs() -> bool:
        record = arena.store.record(workflow_id)
        return record is not None and record.steps[step].status is StepStatus.RUNNING

    wait_for(runs, f"{step} to run", WITHIN_S)


def test_a_cancel_ends_the_running_call_and_is_told_once(arena: Arena) -> None:
    workflow_id = ask(arena, "is cancelled", "data")
    running(arena, workflow_id, "data")
    first = post(arena, f"/{workflow_id}/cancel", {"actor": "ann", "reason": "wrong month"})
    assert (first.status_code, first.json()["status"], first.json()["changed"]) == (200, "CANCELLED", True)
    second = post(arena, f"/{workflow_id}/cancel")
    assert (second.status_code, second.json()["changed"]) == (200, False)
    with Celery("looks", broker=arena.valkey.url, set_as_current=False) as app:
        inspect = app.control.inspect(timeout=5, limit=1)
        wait_for(lambda: (told := inspect.active()) and workflow_id not in str(told), "the call to end", WITHIN_S)
    kinds = [(event.kind, event.data.get("actor")) for event in arena.events(workflow_id)]
    assert kinds[-2:] == [("cancel_requested", "ann"), ("ended", None)]
    arena.told(workflow_id, "data", None)


def test_a_pause_lets_the_call_end_begins_nothing_and_goes_on_after_resume(arena: Arena) -> None:
    workflow_id = ask(arena, "is paused", "nlp")
    running(arena, workflow_id, "nlp")
    assert post(arena, f"/{workflow_id}/pause", {"reason": "lunch"}).json()["changed"] is True
    assert post(arena, f"/{workflow_id}/pause").json()["changed"] is False
    arena.told(workflow_id, "nlp", None)
    wait_for(lambda: status(arena, workflow_id)["steps"][0]["status"] == "SUCCEEDED", "the call's end", WITHIN_S)
    stands = status(arena, workflow_id)
    assert (stands["status"], [step["status"] for step in stands["steps"][1:]]) == ("PAUSED", ["WAITING", "WAITING"])
    assert arena.calls_per_step()[f"{workflow_id}:data:0"] == 0
    assert post(arena, f"/{workflow_id}/resume").json()["changed"] is True
    assert ended(arena, workflow_id) == "SUCCEEDED"
    assert arena.calls_per_step()[f"{workflow_id}:nlp:0"] == 1


def test_a_failed_workflow_runs_again_from_where_it_failed(arena: Arena) -> None:
    workflow_id = ask(arena, "fails", "nlp", "422")
    assert ended(arena, workflow_id) == "FAILED"
    arena.told(workflow_id, "nlp", None)
    again = post(arena, f"/{workflow_id}/retry", {"actor": "ann"})
    assert (again.status_code, again.headers["Location"]) == (202, f"/api/workflow/{workflow_id}")
    assert ended(arena, workflow_id) == "SUCCEEDED"
    assert arena.calls_per_step()[f"{workflow_id}:nlp:1"] == 1
    named = post(arena, f"/{workflow_id}/retry", {"step": "viz"})
    assert named.status_code == 202
    assert ended(arena, workflow_id) == "SUCCEEDED"
    calls = arena.calls_per_step()
    assert (calls[f"{workflow_id}:data:1"], calls[f"{workflow_id}:viz:2"]) == (1, 1)


def test_a_cancelled_workflow_runs_again(arena: Arena) -> None:
    workflow_id = ask(arena, "cancelled, then wanted", "nlp")
    running(arena, workflow_id, "nlp")
    post(arena, f"/{workflow_id}/cancel")
    arena.told(workflow_id, "nlp", None)
    assert post(arena, f"/{workflow_id}/retry").status_code == 202
    assert ended(arena, workflow_id) == "SUCCEEDED"


def test_another_wording_is_a_workflow_of_its_own(arena: Arena) -> None:
    workflow_id = ask(arena, "first wording")
    ended(arena, workflow_id)
    other = post(arena, f"/{workflow_id}/retry", {"query": "second wording"}).json()["workflow_id"]
    assert other != workflow_id
    assert ended(arena, other) == "SUCCEEDED"
    answer = requests.get(f"{arena.api_urls[0]}/api/workflow/{other}", timeout=10).json()
    assert answer["query"] == "second wording"


@pytest.mark.parametrize(("verb", "body"), [("pause", {}), ("resume", {}), ("cancel", {}), ("retry", {})])
def test_what_the_status_forbids_is_refused_with_the_reason(arena: Arena, verb: str, body: dict[str, Any]) -> None:
    workflow_id = ask(arena, "is done")
    assert ended(arena, workflow_id) == "SUCCEEDED"
    refused = post(arena, f"/{workflow_id}/{verb}", body)
    assert (refused.status_code, refused.json()["error_type"]) == (409, "forbidden_by_status")
    assert refused.json()["suggestions"]
    assert "SUCCEEDED" in refused.json()["detail"] or "good output" in refused.json()["detail"]


def test_what_is_not_there_or_makes_no_sense(arena: Arena) -> None:
    assert post(arena, f"/{'0' * 32}/cancel").status_code == 404
    assert post(arena, f"/{'0' * 32}/retry").status_code == 404
    workflow_id = ask(arena, "is done too")
    ended(arena, workflow_id)
    assert post(arena, f"/{workflow_id}/explode").status_code == 404
    nobody = post(arena, f"/{workflow_id}/retry", {"step": "nobody"})
    assert (nobody.status_code, nobody.json()["suggestions"]) == (422, ["There are nlp, data, viz."])
    assert post(arena, f"/{workflow_id}/retry", {"query": "x" * 5_000}).status_code == 422
    assert post(arena, f"/{workflow_id}/retry", {"step": "nlp", "query": "x"}).status_code == 422
    assert post(arena, "/cancel", {}).status_code == 422


def test_many_are_cancelled_at_once_each_with_its_own_answer(arena: Arena) -> None:
    done = ask(arena, "one that is done")
    ended(arena, done)
    open_ = [ask(arena, f"many {number}", "nlp") for number in range(30)]
    reply = post(arena, "/cancel", {"ids": [*open_, done, "0" * 32], "reason": "all of them"}).json()
    assert reply["changed"] == len(open_)
    results = {result["workflow_id"]: result for result in reply["results"]}
    assert all(results[one]["status"] == "CANCELLED" for one in open_)
    assert (results[done]["changed"], "SUCCEEDED" in results[done]["problem"]) == (False, True)
    assert results["0" * 32]["status"] is None
    for one in open_:
        arena.told(one, "nlp", None)
    assert arena.client.zcard(keys.DUE) == 0


def test_all_in_one_status_are_paused_and_resumed(arena: Arena) -> None:
    ids = [ask(arena, f"all {number}", "nlp") for number in range(5)]
    for one in ids:
        running(arena, one, "nlp")
    paused = post(arena, "/pause", {"status": ["RUNNING"]}).json()
    assert {result["workflow_id"] for result in paused["results"] if result["changed"]} >= set(ids)
    for one in ids:
        arena.told(one, "nlp", None)
    assert post(arena, "/resume", {"status": ["PAUSED"]}).json()["changed"] >= len(ids)
    assert {ended(arena, one) for one in ids} == {"SUCCEEDED"}


def test_many_that_failed_run_again_by_filter_and_call_after_call(arena: Arena) -> None:
    failed = [ask(arena, f"together {number}", "nlp", "422") for number in range(3)]
    alone = ask(arena, "alone", "nlp", "422")
    assert {ended(arena, one) for one in (*failed, alone)} == {"FAILED"}
    for one in (*failed, alone):
        arena.told(one, "nlp", None)
    wish: dict[str, Any] = {"failed_agent": "nlp", "text": "TOGETHER", "limit": 2, "actor": "ann", "reason": "is back"}
    first = post(arena, "/retry", wish).json()
    last = post(arena, "/retry", {**wish, "cursor": first["next_cursor"]}).json()
    assert [(one["workflow_id"], one["status"]) for reply in (first, last) for one in reply["results"]] == [
        (one, "QUEUED") for one in reversed(failed)]
    assert (first["changed"], last["changed"], last["next_cursor"]) == (2, 1, None)
    assert {ended(arena, one) for one in failed} == {"SUCCEEDED"}
    assert status(arena, alone)["status"] == "FAILED"
    (again,) = [event.data for event in arena.events(failed[0]) if event.kind == "reset"]
    assert (again["actor"], again["reason"]) == ("ann", "is back")
