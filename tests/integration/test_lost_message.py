"""A queued step whose message is gone is sent again; one whose turn has not come is not, however long the queue."""

import json

import pytest

from core.valkey import sync_client
from pipeline.question import Question, plan_workflow
from state import keys, recovery
from state import transitions as t
from state.store import Store

GRACE_MS = 60_000
QUEUE = "agents.nlp"


@pytest.fixture
def store(valkey):
    client = sync_client(valkey.url)
    client.flushall()
    yield Store(client)
    client.close()


def queued(store):
    """A new workflow whose first message somebody forgot to publish."""
    workflow = plan_workflow(Question("q"))
    return store.run(t.start(workflow, GRACE_MS, "token")).sends[0]


def publish(store, send):
    store.client.lpush(QUEUE, json.dumps({"body": "", "headers": {"id": send.task_id}}))


def sent_ms(store, send, at_ms):
    store.client.hset(keys.record(send.workflow_id), f"{send.step}:queued_ms", at_ms)


def look_at(store, send):
    """What is found at the second look: the first one never sends."""
    for _ in range(2):
        store.client.zadd(keys.DUE, {keys.due_member(send.workflow_id, send.step): 0})
        found = store.run(recovery.overdue(send.workflow_id, send.step, grace_ms=GRACE_MS, max_takeovers=3, ttl_s=60))
    return found


def test_it_is_lost_when_all_that_waits_was_sent_later(store):
    lost, later = queued(store), queued(store)
    sent_ms(store, lost, 1_000)
    sent_ms(store, later, 2_000)
    publish(store, later)
    assert look_at(store, lost).why == "lost"


def test_it_is_not_lost_while_an_older_message_waits(store):
    older, waiting, later = queued(store), queued(store), queued(store)
    for at_ms, send in enumerate((older, waiting, later), start=1):
        sent_ms(store, send, at_ms)
        publish(store, send)
    assert look_at(store, waiting).kind is recovery.OverdueKind.LATER
    store.client.rpop(QUEUE)
    assert look_at(store, waiting).kind is recovery.OverdueKind.LATER
    store.client.rpop(QUEUE)
    assert look_at(store, waiting).why == "lost"


def test_a_message_that_was_sent_again_since_proves_nothing(store):
    waiting, resent = queued(store), queued(store)
    sent_ms(store, waiting, 1_000)
    publish(store, resent)
    store.client.hset(keys.record(resent.workflow_id), "nlp:send", 2)
    assert look_at(store, waiting).kind is recovery.OverdueKind.LATER


@pytest.mark.parametrize("strange", ["no message", "[]", '{"headers": 1}', '{"headers": {"id": "health-check"}}'])
def test_a_strange_message_proves_nothing(store, strange):
    waiting = queued(store)
    store.client.lpush(QUEUE, strange)
    assert look_at(store, waiting).kind is recovery.OverdueKind.LATER
