"""Late messages of an earlier round: they begin what is to be done, and say nothing about what else is in a queue."""

import json

import pytest
from test_state import begin, chain_of_three, overdue, reset, start

from core.valkey import sync_client
from state import control, keys, recovery
from state.store import Store

MAYBE_LOST_MS = 1


@pytest.fixture
def store(valkey):
    client = sync_client(valkey.url)
    client.flushall()
    yield Store(client)
    client.close()


def again(store):
    """A workflow that was cancelled and runs again: its first message of each round."""
    workflow = chain_of_three()
    old = start(store, workflow)
    store.run(control.cancel(workflow.workflow_id, actor="ann", reason="r", ttl_s=100))
    (new,) = reset(store, workflow).sends
    assert (old.send, new.send, old.round, new.round) == (1, 1, 0, 1)
    return old, new


def waiting(store):
    """A workflow whose message was sent long ago, and is in its queue, behind others."""
    workflow = chain_of_three()
    start(store, workflow, grace_ms=0)
    store.client.hset(keys.record(workflow.workflow_id), "nlp:queued_ms", MAYBE_LOST_MS)
    return workflow.workflow_id


def is_waited_for(store, workflow_id):
    """Twice found to be in its queue still."""
    for _ in range(2):
        store.client.zadd(keys.DUE, {keys.due_member(workflow_id, "nlp"): 0})
        if overdue(store, workflow_id, "nlp").kind is not recovery.OverdueKind.LATER:
            return False
    return store.client.hget(keys.record(workflow_id), "nlp:missed") is None


def queue_up(store, send):
    store.client.rpush("agents.nlp", json.dumps({"headers": {"id": send.task_id}}))


def test_one_that_begins_a_step_does_not_make_older_ones_look_lost(store):
    patient = waiting(store)
    old, new = again(store)
    store.client.lpush("agents.nlp", "a long queue")
    assert begin(store, old).round == new.round
    assert is_waited_for(store, patient)


def test_one_at_the_head_of_a_queue_does_not_make_those_behind_it_look_lost(store):
    patient = waiting(store)
    old, new = again(store)
    queue_up(store, old)
    assert is_waited_for(store, patient)
    store.client.delete("agents.nlp")
    queue_up(store, new)
    assert not is_waited_for(store, patient)
