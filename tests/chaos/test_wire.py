"""Faults of the wire between Baton and Valkey: an answer lost after the write, a connection that is open and dead."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.question import Question, plan_workflow
from state import keys
from state.model import NewWorkflow
from tests.chaos.arena import Arena, Shape
from tests.chaos.load import Promise, post
from tests.chaos.proxy import Act, Proxy, begin_of, publish, script
from tests.chaos.verdict import judge, settle
from tests.processes import AGENTS, wait_for

ANSWER_LIMIT_S = 30.0
GIVEN_UP_LIMIT_S = 60.0
FAST = {"LEASE_S": "1", "RENEW_INTERVAL_S": "0.3"}
SHAPE = Shape(workers=1, apis=1, beats=0, proxied=True, handoff=False, settings=FAST)


@pytest.fixture(scope="module")
def arena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    with Arena(tmp_path_factory.mktemp("wire"), SHAPE) as running:
        running.ready()
        post(running.api_urls[0], "which makes every script known to the server")
        settle(running, ANSWER_LIMIT_S)
        yield running


@pytest.fixture
def proxy(arena: Arena) -> Proxy:
    assert arena.proxy
    return arena.proxy


def newest(arena: Arena) -> list[str]:
    return [raw.decode() for raw in arena.client.zrange(keys.BY_TIME, -1, -1)]


def kinds(arena: Arena, workflow: NewWorkflow) -> list[str]:
    return [str(event.kind) for event in arena.events(workflow.workflow_id)]


@pytest.mark.parametrize("act", ["begin", "finish", "publish"])
def test_an_answer_lost_after_the_write_changes_nothing(arena: Arena, proxy: Proxy, act: str) -> None:
    workflow = plan_workflow(Question(act))
    marks = {"begin": begin_of(workflow.workflow_id, "data"), "finish": script("finish", workflow.workflow_id),
             "publish": publish(f"{workflow.workflow_id}.data.0.1")}
    trap = proxy.trap(Act.LOSE_REPLY, marks[act])
    arena.send(workflow)
    settle(arena, ANSWER_LIMIT_S)
    assert trap.sprung.is_set()
    assert kinds(arena, workflow) == ["accepted", *["begun", "succeeded"] * 3, "ended"]
    assert [arena.calls_per_step()[f"{workflow.workflow_id}:{step}:0"] for step in AGENTS] == [1, 1, 1]
    assert judge(arena, [workflow.workflow_id]).faults == {}


def test_a_question_whose_start_lost_its_answer_is_recorded_once_and_ends(arena: Arena, proxy: Proxy) -> None:
    """The API asks again at once with the same token, and is told what it did the first time."""
    before = arena.client.zcard(keys.BY_TIME)
    trap = proxy.trap(Act.LOSE_REPLY, script("start"))
    promise = post(arena.api_urls[0], "once")
    assert trap.sprung.is_set()
    assert promise.status == 202
    assert arena.client.zcard(keys.BY_TIME) == before + 1
    settle(arena, ANSWER_LIMIT_S)
    verdict = judge(arena, [promise.workflow_id])
    assert verdict.faults == {}
    assert verdict.statuses == {"SUCCEEDED": 1}


@pytest.mark.parametrize("boundary", ["before it is recorded", "between record and send"])
def test_an_api_killed_while_it_accepts_promises_nothing_and_leaves_nothing_open(
        arena: Arena, proxy: Proxy, boundary: str) -> None:
    recorded = boundary == "between record and send"
    wait_for(lambda: post(arena.api_urls[0], "taken again").status == 202, "the door to be open", ANSWER_LIMIT_S)
    settle(arena, ANSWER_LIMIT_S)
    before = arena.client.zcard(keys.BY_TIME)
    trap = proxy.trap(Act.HOLD, (b"LPUSH", b'"task": "agents.nlp"') if recorded else script("start"))
    promises: list[Promise] = []
    client = threading.Thread(target=lambda: promises.append(post(arena.api_urls[0], boundary)))
    client.start()
    assert trap.sprung.wait(ANSWER_LIMIT_S)
    (api,) = arena.processes["api"]
    api.kill()
    client.join()
    assert promises[0].status == 0
    assert arena.client.zcard(keys.BY_TIME) == before + recorded
    settle(arena, ANSWER_LIMIT_S)
    assert judge(arena, []).faults == {}
    api.start()
    api.ready()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("pool", ["gevent"])
def test_connections_that_are_open_and_dead_are_given_up(tmp_path: Path, pool: str) -> None:
    """A peer that vanished without a word: nothing arrives any more, nothing is refused."""
    shape = Shape(pool=pool, workers=1, concurrency=4, apis=0, beats=0, proxied=True, settings=FAST)
    with Arena(tmp_path, shape) as arena:
        arena.ready()
        assert arena.proxy
        first, second = plan_workflow(Question("warm")), plan_workflow(Question("after"))
        arena.send(first)
        settle(arena, ANSWER_LIMIT_S)
        assert arena.proxy.go_silent() > 0
        arena.send(second)
        wait_for(lambda: arena.record(second).status.final, "an answer in spite of dead connections", GIVEN_UP_LIMIT_S)
        assert arena.record(second).status == "SUCCEEDED"
        assert arena.processes["worker"][0].status == "running"
        assert judge(arena, [first.workflow_id, second.workflow_id]).faults == {}
