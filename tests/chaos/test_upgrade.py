"""Workers and APIs of the previous release beside this one's; this one's beside those of the next."""

from pathlib import Path

import pytest
import requests

from core.release import RELEASE
from state.model import WorkflowStatus
from state.version import VERSION
from tests.chaos.arena import Arena, LocalApi, Shape
from tests.chaos.boundary import unfinished
from tests.chaos.load import post
from tests.chaos.upgrade import NEW, OLD, WORDS, run_upgrade
from tests.processes import LocalWorker, wait_for
from tests.releases import following, previous_release

SEED, WORKFLOWS = 7, 120


@pytest.mark.timeout(180)
def test_an_upgrade_and_its_way_back_lose_nothing_and_do_nothing_twice(tmp_path: Path) -> None:
    shape = Shape(beats=0, shortest_s=0.05, longest_s=0.3, fault_share=0.05, seed=SEED)
    outcome = run_upgrade(tmp_path, WORKFLOWS, 1, shape, print)
    print(outcome)
    assert outcome.verdict.faults == {}
    assert sum(outcome.verdict.statuses.values()) == outcome.verdict.accepted >= WORKFLOWS
    assert outcome.verdict.statuses["FAILED"] == 0
    assert min(outcome.begun_by[OLD], outcome.begun_by[NEW]) > WORKFLOWS // 10
    assert outcome.shared > 0
    assert outcome.complex_ones > 0
    told = (f"This is {RELEASE}, and gevent-", f"is {previous_release()}")
    assert any(all(words in one for words in told) for one in outcome.told)
    assert {word for word in WORDS if outcome.answers[word][202] or outcome.answers[word][200]} == set(WORDS)


@pytest.mark.timeout(120)
def test_what_the_next_release_records_waits_for_its_workers(tmp_path: Path) -> None:
    tree = following(tmp_path)
    with Arena(tmp_path, Shape(workers=1, apis=1, beats=0)) as arena:
        arena.ready()
        (here,) = arena.processes["worker"]
        api = LocalApi(tmp_path, arena.environment, tree)
        arena.processes["api"].append(api)
        api.ready()
        ids = [post(api.url, f"question {number}").workflow_id for number in range(5)]
        wait_for(lambda: "left_to_newer" in here.logs(), "the older worker to meet them")
        assert {arena.client.hget(f"baton:wf:{one}", "status") for one in ids} == {b"QUEUED"}
        there = LocalWorker(tmp_path, arena.environment, code=tree)
        arena.processes["worker"].append(there)
        wait_for(lambda: not unfinished(arena.client), "all workflows to end", 40)
        for one in ids:
            record = {key.decode(): value.decode() for key, value in arena.client.hgetall(f"baton:wf:{one}").items()}
            assert (record["version"], record["status"]) == (str(VERSION + 1), WorkflowStatus.SUCCEEDED)
            assert {event.data["worker"] for event in arena.events(one) if event.kind == "begun"} == {there.hostname}
        assert here.logs().count("left_to_newer") == 1
        assert here.status == "running"
        refused = requests.get(f"{arena.api_urls[0]}/api/workflow/{ids[0]}", timeout=10)
        assert (refused.status_code, refused.json()["error_type"]) == (503, "newer_record")
        assert requests.get(f"{api.url}/api/workflow/{ids[0]}", timeout=10).json()["status"] == "SUCCEEDED"
