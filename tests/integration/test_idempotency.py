"""`Idempotency-Key` over HTTP on a real Valkey, without workers: what is accepted stays as the test leaves it."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from test_listing import fail

from core.settings import get_settings
from pipeline.question import Question, accept, plan_workflow
from state import keys
from state import transitions as t
from state.errors import KeyUsedOtherwise
from state.idempotency import once
from state.transition import Send, new_token
from tests.served_api import served_api

ASKED = {"query": "average delay"}
KEY = {"Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}


@pytest.fixture(scope="module")
def api(valkey):
    with served_api(valkey.url) as base_url, httpx.Client(base_url=base_url, timeout=30) as client:
        yield client


def count(store):
    return store.client.zcard(keys.BY_TIME)


def begun(reply, *, again):
    """The workflow that a 202 leads to."""
    assert reply.status_code == 202, reply.text
    assert reply.headers.get("Idempotency-Replayed") == ("true" if again else None)
    workflow_id = reply.json()["workflow_id"]
    assert reply.headers["Location"] == f"/api/workflow/{workflow_id}"
    return workflow_id


def refused(reply, status, error_type):
    assert (reply.status_code, reply.json()["error_type"]) == (status, error_type), reply.text
    assert reply.headers["Content-Type"] == "application/problem+json"
    return reply


def test_fifty_clients_with_one_key_begin_one_workflow(api, store):
    with ThreadPoolExecutor(50) as clients:
        replies = list(clients.map(lambda _: api.post("/api/workflow", json=ASKED, headers=KEY), range(50)))
    assert {reply.status_code for reply in replies} == {202}
    assert len({reply.text for reply in replies}) == 1
    assert [reply.headers.get("Idempotency-Replayed") for reply in replies].count("true") == 49
    assert count(store) == 1
    assert store.client.llen("agents.nlp") == 1


def test_another_request_under_a_key_is_refused_and_begins_nothing(api, store):
    first = begun(api.post("/api/workflow", json=ASKED, headers=KEY), again=False)
    for path, body in (("/api/workflow", {"query": "another"}), ("/api/workflow", {**ASKED, "mode": "interactive"}),
                       ("/api/query", ASKED), (f"/api/workflow/{first}/retry", ASKED)):
        refused(api.post(path, json=body, headers=KEY), 422, "idempotency_key_reused")
    assert count(store) == 1
    written_otherwise = b'{ "mode": "background",\n "query": "  average delay" }'
    kind = {"Content-Type": "application/json"}
    assert begun(api.post("/api/workflow", content=written_otherwise, headers={**KEY, **kind}), again=True) == first
    other = {"Idempotency-Key": KEY["Idempotency-Key"] + "x"}
    assert begun(api.post("/api/workflow", json=ASKED, headers=other), again=False) != first


def test_without_a_key_each_request_is_one_of_its_own(api, store):
    assert len({begun(api.post("/api/workflow", json=ASKED), again=False) for _ in range(3)}) == 3


def test_a_question_is_answered_as_the_first_time_once_it_has_ended(api, store):
    """In between it is told to come again (409), or waits if it would rather."""
    first = begun(api.post("/api/query", json=ASKED, headers={**KEY, "Prefer": "respond-async"}), again=False)
    busy = refused(api.post("/api/query", json=ASKED, headers=KEY), 409, "in_flight")
    assert (busy.headers["Retry-After"], busy.headers["Idempotency-Replayed"]) == ("1", "true")
    assert busy.json()["links"]["answer"] == f"/api/workflow/{first}"
    assert begun(api.post("/api/query", json=ASKED, headers={**KEY, "Prefer": "respond-async"}), again=True) == first
    with ThreadPoolExecutor(1) as waiting:
        patient = waiting.submit(api.post, "/api/query", json=ASKED, headers={**KEY, "Prefer": "wait=20"})
        send = Send(first, "nlp", 0, 1)
        fail(store, store.run(t.begin(send, node="n", lease_ms=60_000, ttl_s=100, token=new_token())))
        first_time = refused(patient.result(), 502, "agent_error")
    again = api.post("/api/query", json=ASKED, headers=KEY)
    assert (again.status_code, again.json()) == (first_time.status_code, first_time.json())
    assert again.headers["Idempotency-Replayed"] == "true"
    assert count(store) == 1


def test_a_key_outlives_the_workflow_it_began(api, store):
    first = begun(api.post("/api/workflow", json=ASKED, headers=KEY), again=False)
    async_key = {**KEY, "Idempotency-Key": "q"}
    second = begun(api.post("/api/query", json=ASKED, headers={**async_key, "Prefer": "respond-async"}), again=False)
    store.client.delete(*(key(i) for i in (first, second) for key in (keys.record, keys.outputs, keys.events)))
    assert begun(api.post("/api/workflow", json=ASKED, headers=KEY), again=True) == first
    refused(api.post("/api/query", json=ASKED, headers=async_key), 404, "not_found")


def test_a_question_put_differently_begins_one_new_workflow(api, store):
    first = begun(api.post("/api/workflow", json=ASKED), again=False)
    anew = {"query": "median delay"}
    second = begun(api.post(f"/api/workflow/{first}/retry", json=anew, headers=KEY), again=False)
    assert begun(api.post(f"/api/workflow/{first}/retry", json=anew, headers=KEY), again=True) == second != first
    refused(api.post(f"/api/workflow/{second}/retry", json=anew, headers=KEY), 422, "idempotency_key_reused")
    assert count(store) == 2


@pytest.mark.parametrize("key", ["", "x" * 201, "two words", "gr\u00fcn"])
def test_a_key_is_short_and_plain(api, store, key):
    headers = {"Idempotency-Key": key.encode("latin-1")}
    reply = refused(api.post("/api/workflow", json=ASKED, headers=headers), 422, "invalid_request")
    assert reply.json()["detail"].startswith("Idempotency-Key: ")
    assert count(store) == 0


def test_a_key_is_recorded_with_its_workflow_and_expires(store):
    """A start that is repeated because its answer was lost is still the first one."""
    workflow = plan_workflow(Question("q"))
    under = once("k", {"body": 1}, scope="local", ttl_s=get_settings().idempotency_ttl_s)
    start = accept(workflow, "token", under)
    assert store.run(start) == store.run(start)
    assert store.run(start).fresh
    assert 86_000 < store.client.ttl(under.place) <= 86_400
    again = store.run(accept(plan_workflow(Question("q")), "other", under))
    assert (again.workflow_id, again.fresh, again.sends) == (workflow.workflow_id, False, ())
    assert 86_000 < store.client.ttl(under.place) <= 86_400
    with pytest.raises(KeyUsedOtherwise):
        store.run(accept(plan_workflow(Question("q")), "third", once("k", {"body": 2}, scope="local", ttl_s=9)))
    assert store.run(accept(plan_workflow(Question("q")), "4th", once("k", {"body": 2}, scope="ann", ttl_s=9))).fresh
    assert count(store) == 2
