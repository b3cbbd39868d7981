"""Records of another version, on a real server: what is older is read, what is newer is left alone."""

import secrets

import pytest

from core.valkey import sync_client
from pipeline.build import chain_of
from pipeline.question import Question, accept, plan_workflow
from state import control, keys, recovery
from state import transitions as t
from state.errors import NewerRecord
from state.model import Mode, NewStep, NewWorkflow, WorkflowStatus
from state.store import Store
from state.transition import new_token
from state.version import MESSAGE_HEADER, MESSAGE_VERSION, OLDEST, VERSION
from tasks.newer import PUT_BACK_AT_MOST
from tests.floor import floor_of
from tests.processes import wait_for

LEASE_MS, GRACE_MS, GAP_MS = 60_000, 60_000, 1_000
AN_HOUR_S = 3_600


@pytest.fixture
def store(valkey):
    client = sync_client(valkey.url)
    client.flushall()
    yield Store(client)
    client.close()


def started(store):
    workflow = NewWorkflow(secrets.token_hex(16), {"query": "q"}, Mode.INTERACTIVE, 180.0,
                           (NewStep("nlp", "nlp", "agents.nlp", 30.0),))
    return store.run(t.start(workflow, GRACE_MS, new_token())).sends[0]


def made_newer(store):
    send = started(store)
    store.client.hset(keys.record(send.workflow_id), "version", VERSION + 1)
    return send


def begin(store, send):
    return store.run(t.begin(send, node="n", lease_ms=LEASE_MS, ttl_s=100, token=new_token()))


def as_it_stands(store, workflow_id):
    return (store.client.hgetall(keys.record(workflow_id)), store.client.xlen(keys.events(workflow_id)))


def test_a_new_record_says_its_version(store):
    send = started(store)
    assert store.record(send.workflow_id).version == VERSION


def test_a_record_that_says_none_is_of_the_oldest_version(store):
    send = started(store)
    store.client.hdel(keys.record(send.workflow_id), "version")
    assert store.record(send.workflow_id).version == OLDEST
    assert isinstance(begin(store, send), t.Go)


def test_a_newer_record_is_changed_by_nobody_here(store):
    send = made_newer(store)
    before = as_it_stands(store, send.workflow_id)
    assert begin(store, send) is t.Verdict.NEWER
    assert store.run(recovery.renew("n", [(send, False)], LEASE_MS, GAP_MS)) == []
    wishes = [
        control.cancel(send.workflow_id, actor="a", reason="", ttl_s=100),
        control.pause(send.workflow_id, actor="a", reason=""),
        control.reset_from(send.workflow_id, "", actor="a", reason="", grace_ms=GRACE_MS, token=new_token()),
    ]
    for wish in wishes:
        assert store.run(wish) == control.Controlled(WorkflowStatus.QUEUED, refusal="newer")
    assert as_it_stands(store, send.workflow_id) == before
    with pytest.raises(NewerRecord, match=f"record version {VERSION + 1}; this one reads up to {VERSION}"):
        store.record(send.workflow_id)


def test_a_newer_record_that_is_paused_is_not_resumed_here(store):
    send = started(store)
    store.run(control.pause(send.workflow_id, actor="a", reason=""))
    store.client.hset(keys.record(send.workflow_id), "version", VERSION + 1)
    before = as_it_stands(store, send.workflow_id)
    done = store.run(control.resume(send.workflow_id, actor="a", reason="", grace_ms=GRACE_MS))
    assert done == control.Controlled(WorkflowStatus.PAUSED, refusal="newer")
    assert as_it_stands(store, send.workflow_id) == before


@pytest.mark.parametrize("step", ["nlp", ""], ids=["step", "deadline"])
def test_what_is_overdue_of_a_newer_record_stays_due_for_a_newer_worker(store, step):
    send = made_newer(store)
    member = keys.due_member(send.workflow_id, step)
    store.client.zadd(keys.DUE, {member: 0})
    before = as_it_stands(store, send.workflow_id)
    taken = store.run(recovery.overdue(send.workflow_id, step, grace_ms=0, max_takeovers=3, ttl_s=100))
    assert taken.kind is recovery.OverdueKind.NEWER
    assert as_it_stands(store, send.workflow_id) == before
    seconds, _ = store.client.time()
    assert seconds * 1_000 < store.client.zscore(keys.DUE, member) < (seconds + 10) * 1_000


def test_a_newer_record_that_has_ended_is_as_final_as_any(store):
    send = started(store)
    store.run(control.cancel(send.workflow_id, actor="a", reason="", ttl_s=AN_HOUR_S))
    store.client.hset(keys.record(send.workflow_id), "version", VERSION + 1)
    assert begin(store, send) in (t.Verdict.FINAL, t.Verdict.GONE)
    done = store.run(control.cancel(send.workflow_id, actor="a", reason="", ttl_s=AN_HOUR_S))
    assert done == control.Controlled(WorkflowStatus.CANCELLED)


@pytest.mark.parametrize("put_back", [0, PUT_BACK_AT_MOST], ids=["first met", "put back for the last time"])
def test_a_newer_message_is_left_to_a_newer_worker_and_the_step_is_not_lost(valkey, tmp_path, put_back):
    with floor_of(valkey, tmp_path, LOG_FORMAT="json") as floor:
        worker = floor.worker()
        workflow = plan_workflow(Question("q"), Mode.BACKGROUND)
        (send,) = floor.store.run(accept(workflow, new_token())).sends
        newer = chain_of(floor.app, send)
        newer.tasks[0].options["headers"] = {MESSAGE_HEADER: MESSAGE_VERSION + 1}
        newer.tasks[0].options["retries"] = put_back
        newer.apply_async(root_id=send.workflow_id)
        wait_for(lambda: "left_to_newer" in worker.logs(), "the message to be left alone", 20)
        assert floor.agent.calls == []
        node = floor.app.control.inspect([worker.hostname], timeout=5)
        wait_for(lambda: not node.active()[worker.hostname], "its task to end")
        assert len(node.scheduled()[worker.hostname]) == (0 if put_back else 1)
        assert floor.ended(workflow.workflow_id).status is WorkflowStatus.SUCCEEDED  # by a message of the worker's own
        assert len(floor.agent.calls) == 3
