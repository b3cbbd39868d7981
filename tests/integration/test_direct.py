"""The direct path with Valkey there: recorded like any other, taken by the API process, and left to the workers."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
import requests
from fastapi.testclient import TestClient

from api.app import create_app
from api.direct_desk import DirectDesk
from api.problems import Problem
from pipeline.direct.memory_ledger import MemoryLedger
from pipeline.direct.threads import NoThread, Threads
from pipeline.question import Question, plan_workflow
from state import keys
from state.events import Event
from state.model import Path, StepStatus, WorkflowStatus
from tests.direct_api import Always, LocalApi
from tests.floor import FAST, Floor, floor_of
from tests.hanging_agent import HangingAgent
from tests.here import settings_here
from tests.no_thread import no_thread_to_be_had
from tests.processes import wait_for
from tests.scripted_agent import STANDARD, Reply
from tests.served_api import served_api

QUICK_RETRIES = {f"{name}_RETRY_BASE_S": "0.1" for name in ("NLP", "DATA", "VIZ")}
AT_ONCE_S = 0.5


@dataclass
class Direct:
    """An API in this process, with the switch in the test's hand."""

    url: str
    floor: Floor
    switch: Always

    def ask(self, query: str = "how many flights", **headers: str) -> requests.Response:
        return requests.post(f"{self.url}/api/query", json={"query": query}, headers=headers, timeout=60)

    def begin(self, query: str = "how many flights") -> str:
        reply = self.ask(query, Prefer="respond-async")
        assert reply.status_code == 202, reply.text
        return str(reply.json()["workflow_id"])

    def tell(self, workflow_id: str, verb: str) -> requests.Response:
        return requests.post(f"{self.url}/api/workflow/{workflow_id}/{verb}", json={}, timeout=20)


@pytest.fixture(scope="module")
def floor(valkey, tmp_path_factory) -> Iterator[Floor]:
    with floor_of(valkey, tmp_path_factory.mktemp("floor"), **QUICK_RETRIES) as floor:
        yield floor
        floor.agent.release()


@pytest.fixture(scope="module")
def direct(floor, valkey) -> Iterator[Direct]:
    switch = Always(Path.DIRECT)
    settings = {name: value for name, value in floor.environment.items() if name != "REDIS_URL"}
    with served_api(valkey.url, switch, **settings, DIRECT_CONCURRENCY="2") as url:
        yield Direct(url, floor, switch)


@pytest.fixture(autouse=True)
def as_new(floor, direct):
    floor.agent.reset(STANDARD)
    floor.forget()
    direct.switch.path = Path.DIRECT
    yield
    floor.agent.release()


def workers_of(floor: Floor, workflow_id: str) -> set[str]:
    entries = floor.client.xrange(keys.events(workflow_id))
    events = [Event.of_entry(entry, fields) for entry, fields in entries]
    return {event.data["worker"].partition("-")[0] for event in events if "worker" in event.data}


def overflow_of(floor: Floor, workflow_id: str) -> list[bytes | None]:
    """Why it took the other path, and whether it is on neither side of the rollout."""
    found: list[bytes | None] = floor.client.hmget(keys.record(workflow_id), "overflow", "excused")
    return found


def test_answered_without_a_worker_and_recorded(direct, floor):
    floor.no_worker()
    answer = direct.ask().json()
    assert (answer["status"], answer["path"], answer["recorded"]) == ("SUCCEEDED", "direct", True)
    again = requests.get(f"{direct.url}/api/workflow/{answer['workflow_id']}", timeout=5).json()
    assert again == answer
    assert workers_of(floor, answer["workflow_id"]) == {"api"}
    assert floor.client.zcard(keys.DUE) == 0
    listed = requests.get(f"{direct.url}/api/workflow?limit=1", timeout=5).json()["workflows"]
    assert [one["path"] for one in listed] == ["direct"]
    status = requests.get(f"{direct.url}/api/workflow/{answer['workflow_id']}/status", timeout=5).json()
    assert status["path"] == "direct"


def test_it_leaves_no_mark_on_the_queues(direct, floor):
    """The workers tell lost messages by when others of the queue began: these never were in it."""
    floor.client.delete(keys.QUEUE_MARKS)
    assert direct.ask().json()["path"] == "direct"
    assert floor.client.hgetall(keys.QUEUE_MARKS) == {}
    assert floor.client.llen("agents.nlp") == 0


def test_a_long_queue_refuses_none_of_it(valkey, direct, floor):
    floor.client.lpush("agents.nlp", "one", "two")
    try:
        with settings_here(valkey.url, QUEUE_MAX="2"):
            assert direct.ask().json()["path"] == "direct"
            direct.switch.path = Path.CELERY
            answer = direct.ask().json()
            assert (answer["status"], answer["path"]) == ("SUCCEEDED", "direct")
            assert overflow_of(floor, answer["workflow_id"]) == [b"queue_full", b"1"]
            background = requests.post(f"{direct.url}/api/workflow", json={"query": "how many"}, timeout=20)
            assert background.json()["error_type"] == "queue_full"
            floor.agent.script("/process", *(Reply(STANDARD["/process"], until=floor.agent.released) for _ in range(2)))
            seated = [direct.begin("one"), direct.begin("two")]
            assert direct.ask().json()["error_type"] == "queue_full"
            floor.agent.release()
            assert [floor.ended(one).status for one in seated] == [WorkflowStatus.SUCCEEDED] * 2
    finally:
        floor.client.delete("agents.nlp")


def test_retries_are_waited_out_here(direct, floor):
    floor.agent.script("/execute", Reply({}, 503))
    answer = direct.ask().json()
    assert (answer["status"], answer["agent_performance"]["data"]["attempts"]) == ("SUCCEEDED", 2)
    attempts = [call.headers["X-Attempt"] for call in floor.agent.calls_of("/execute")]
    assert attempts == ["1", "2"]


def test_a_stand_in_answers_as_ever(direct, floor):
    floor.agent.script("/visualize", *(Reply({}, 500) for _ in range(3)))
    answer = direct.ask().json()
    assert answer["status"] == "DEGRADED"
    assert [told["source"] for told in answer["degradations"]] == ["own_chart"]
    floor.agent.script("/execute", *(Reply({}, 500) for _ in range(2)))
    again = direct.ask().json()
    assert [(told["step"], told["source"]) for told in again["degradations"]] == [("data", "last_good")]


def test_parallel_parts_run_side_by_side(direct, floor):
    queries = [{"name": name, "sql_query": f"SELECT '{name}'"} for name in ("one", "two", "three")]
    floor.agent.script("/process", Reply({"success": True, "queries": queries, "intent": {}}))
    barrier = threading.Event()
    floor.agent.script("/execute", *(Reply(STANDARD["/execute"], until=barrier) for _ in queries))
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(direct.ask, "compare flights and delays and carriers")
        wait_for(lambda: len(floor.agent.calls_of("/execute")) == 3, "three calls at once", 20)
        barrier.set()
        answer = asked.result().json()
    assert (answer["status"], answer["route"], len(answer["parts"])) == ("SUCCEEDED", "complex", 3)
    assert workers_of(floor, answer["workflow_id"]) == {"api"}


def test_a_cancel_ends_its_call_at_once(valkey, direct, floor):
    with HangingAgent().serving() as agent:
        # No renewal stops it in time: only the cancel itself.
        settings = {"NLP_AGENT_URL": agent.url, "LEASE_S": "600", "RENEW_INTERVAL_S": "300"}
        with served_api(valkey.url, Always(Path.DIRECT), **settings) as url:
            hanging = Direct(url, floor, direct.switch)
            workflow_id = hanging.begin()
            wait_for(lambda: agent.calls[workflow_id], "the call", 20)
            assert hanging.tell(workflow_id, "cancel").json()["status"] == "CANCELLED"
            wait_for(lambda: workflow_id in agent.closed_at, "the call to end", AT_ONCE_S)
    assert floor.record(workflow_id).steps["nlp"].status is StepStatus.CANCELLED


def test_what_is_paused_stops_and_is_resumed_by_the_workers(direct, floor):
    floor.agent.script("/process", Reply(STANDARD["/process"], until=floor.agent.released))
    workflow_id = direct.begin()
    wait_for(lambda: floor.agent.calls_of("/process"), "the call", 20)
    assert direct.tell(workflow_id, "pause").json()["status"] == "PAUSED"
    floor.agent.release()
    wait_for(lambda: floor.record(workflow_id).steps["nlp"].status is StepStatus.SUCCEEDED, "the call's end", 20)
    assert floor.record(workflow_id).steps["data"].status is StepStatus.WAITING
    assert direct.tell(workflow_id, "resume").status_code == 200
    floor.worker()
    assert floor.ended(workflow_id).status is WorkflowStatus.SUCCEEDED
    assert floor.record(workflow_id).path is Path.DIRECT
    assert workers_of(floor, workflow_id) == {"api", "gevent"}


def test_without_a_seat_the_question_goes_to_celery(direct, floor):
    floor.agent.script("/process", *(Reply(STANDARD["/process"], until=floor.agent.released) for _ in range(2)))
    seated = [direct.begin("one"), direct.begin("two")]
    third = direct.begin("three")
    assert [floor.record(one).path for one in (*seated, third)] == [Path.DIRECT, Path.DIRECT, Path.CELERY]
    assert [overflow_of(floor, one) for one in (*seated, third)] == [[None, None]] * 2 + [[b"no_seat", b"1"]]
    floor.agent.release()
    assert [floor.ended(one).status for one in seated] == [WorkflowStatus.SUCCEEDED] * 2
    floor.worker()
    assert floor.ended(third).status is WorkflowStatus.SUCCEEDED
    assert workers_of(floor, third) == {"gevent"}
    assert direct.ask().json()["path"] == "direct"  # the seats are free again


@pytest.fixture
def no_thread(monkeypatch):
    """The machine gives the direct path none (for real: tests/unit/pipeline/test_direct_path.py)."""
    def refuse(self, work):
        raise NoThread("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(Threads, "start", refuse)
        yield patch


def test_without_a_thread_the_workers_take_it_at_once(direct, floor, no_thread):
    floor.worker()
    answers = [direct.ask().json() for _ in range(3)]  # more than there are seats
    assert [(one["status"], one["path"]) for one in answers] == [("SUCCEEDED", "direct")] * 3
    assert [workers_of(floor, one["workflow_id"]) for one in answers] == [{"gevent"}] * 3
    excused = [overflow_of(floor, one["workflow_id"]) for one in answers]
    assert excused == [[None, b"1"]] * 3, "who began them did nothing: they are on neither side"
    no_thread.undo()
    again = direct.ask().json()
    assert workers_of(floor, again["workflow_id"]) == {"api"}


def test_what_cannot_be_sent_for_want_of_a_thread_is_accepted(valkey, floor, capsys):
    with (settings_here(valkey.url, LEASE_S="4"), TestClient(create_app(), client=("127.0.0.1", 1)) as api,
          no_thread_to_be_had()):
        reply = api.post("/api/workflow", json={"query": "how many flights"})
        assert reply.status_code == 202, reply.text
        assert "send_failed" in capsys.readouterr().err
    workflow_id = reply.json()["workflow_id"]
    floor.store.hurry(workflow_id, ["nlp"])
    floor.worker()
    assert floor.ended(workflow_id).status is WorkflowStatus.SUCCEEDED


def unrecorded(direct: Direct):
    async def ask():
        return await DirectDesk(direct.switch).answer(plan_workflow(Question("how many flights")))

    return asyncio.run(ask())


def test_unrecorded_and_without_a_thread_it_is_refused(direct, no_thread):
    assert unrecorded(direct) is None  # a 503


def test_an_unrecorded_question_that_breaks_off_is_no_answer(direct, floor, monkeypatch):
    def broken(*args, **more):
        raise ZeroDivisionError("a bug of ours")

    assert unrecorded(direct)[0].status is WorkflowStatus.SUCCEEDED
    monkeypatch.setattr(MemoryLedger, "finish", broken)
    with pytest.raises(Problem, match="broke off") as told:
        unrecorded(direct)
    assert (told.value.status, told.value.error_type, told.value.extra["recorded"]) == (500, "internal_error", False)


def test_what_was_asked_before_leaves_its_seat(direct):
    first, *again = [direct.ask(**{"Idempotency-Key": "asked-four-times"}) for _ in range(4)]
    assert {reply.json()["workflow_id"] for reply in again} == {first.json()["workflow_id"]}
    assert direct.ask().json()["path"] == "direct"


def test_a_call_that_is_no_longer_its_own_is_stopped(valkey, direct, floor):
    with HangingAgent().serving() as agent, served_api(
            valkey.url, Always(Path.DIRECT), NLP_AGENT_URL=agent.url, LEASE_S="600", RENEW_INTERVAL_S="0.2") as url:
        workflow_id = Direct(url, floor, direct.switch).begin()
        wait_for(lambda: agent.calls[workflow_id], "the call", 20)
        floor.client.hset(keys.record(workflow_id), "nlp:owner", "somebody@else/0.1")
        wait_for(lambda: workflow_id in agent.closed_at, "the call to end", 5)
    floor.client.zrem(keys.DUE, keys.due_member(workflow_id, "nlp"))


def test_only_what_somebody_waits_for_takes_it(direct, floor):
    def path_of(**body):
        reply = requests.post(f"{direct.url}/api/workflow", json={"query": "how many", **body}, timeout=20)
        begun.append(reply.json()["workflow_id"])
        return floor.record(begun[-1]).path

    begun: list[str] = []
    plan = [{"name": "rows", "agent": "data", "input": {"sql_query": "SELECT 1"}}]
    assert path_of(mode="interactive") is Path.DIRECT
    assert path_of() is Path.CELERY
    assert path_of(mode="interactive", steps=plan) is Path.CELERY
    floor.worker()
    for one in begun:
        floor.ended(one)  # or it takes a reply that is meant for the next test


@pytest.mark.parametrize(("signal", "lease"), [
    ("SIGKILL", FAST),
    ("SIGTERM", {"LEASE_S": "600", "RENEW_INTERVAL_S": "1"}),  # who ends in order waits for no lease to run out
], ids=["SIGKILL", "SIGTERM"])
def test_an_api_that_ends_in_the_middle_loses_nothing(floor, tmp_path, signal, lease):
    floor.agent.script("/execute", Reply(STANDARD["/execute"], until=floor.agent.released))
    api = LocalApi(tmp_path, {**floor.environment, **lease}, Path.DIRECT)
    try:
        api.ready()
        floor.worker()
        workflow_id = Direct(api.url, floor, Always(Path.DIRECT)).begin()
        wait_for(lambda: floor.agent.calls_of("/execute"), "data to be called")
        api.kill(signal)
    finally:
        api.teardown()
    record = floor.ended(workflow_id)
    assert (record.status, record.path) == (WorkflowStatus.SUCCEEDED, Path.DIRECT)
    assert record.steps["data"].takeovers == 1
    assert overflow_of(floor, workflow_id) == [None, b"1"], "both paths had a hand in it: it is on neither side"
    assert workers_of(floor, workflow_id) == {"api", "gevent"}


def test_valkey_away_while_a_step_is_being_done(direct, floor, valkey):
    floor.agent.script("/execute", Reply(STANDARD["/execute"], until=floor.agent.released))
    workflow_id = direct.begin()
    floor.running(workflow_id, "data")
    valkey.kill()
    floor.agent.release()
    valkey.start()
    valkey.ready()
    record = floor.ended(workflow_id)
    assert record.status is WorkflowStatus.SUCCEEDED
    assert (record.steps["data"].attempt, record.steps["data"].takeovers) == (1, 0)
