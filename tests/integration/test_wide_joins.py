"""A join of many: released by whoever is last, in any order, at a cost that does not grow with its width."""

import random
import secrets

import pytest

from core.valkey import sync_client
from state import control
from state import transitions as t
from state.model import Mode, NewStep, NewWorkflow
from state.room import ENDLESS
from state.store import Store
from state.transition import new_token

GRACE_MS = LEASE_MS = 60_000


@pytest.fixture
def store(valkey):
    client = sync_client(valkey.url)
    client.flushall()
    yield Store(client)
    client.close()


def fan_in(width):
    names = [f"s{number}" for number in range(width)]
    return NewWorkflow(secrets.token_hex(16), {"query": "q", "query_id": "q"}, Mode.BACKGROUND, 180.0, (
        *(NewStep(name, "data", "agents.data", 30.0) for name in names),
        NewStep("join", "viz", "agents.viz", 30.0, tuple(names), tuple(names))))


def do(store, send):
    go = store.run(t.begin(send, node="n", lease_ms=LEASE_MS, ttl_s=100, token=new_token()))
    return store.run(t.finish(go, {"of": go.step}, ttl_s=100, grace_ms=GRACE_MS, token=new_token())).released


def looks(store):
    """Fields that scripts have read so far, counted by command."""
    return int(store.client.info("commandstats")["cmdstat_hmget"]["calls"])


def in_order(sends, order):
    if order == "random":
        return random.Random(1).sample(sends, len(sends))
    return list(sends) if order == "forwards" else list(reversed(sends))


@pytest.mark.parametrize("order", ["forwards", "backwards", "random"])
def test_the_last_one_releases_it(store, order):
    *first, last = in_order(store.run(t.start(fan_in(50), GRACE_MS, "s")).sends, order)
    assert [released for send in first for released in do(store, send)] == []
    (join,) = do(store, last)
    assert join.step == "join"


@pytest.mark.parametrize("order", ["forwards", "backwards", "random"])
def test_a_step_of_a_wide_join_costs_what_one_of_a_narrow_one_costs(store, order):
    def cost(width):
        sends = in_order(store.run(t.start(fan_in(width), GRACE_MS, "s")).sends, order)
        before = looks(store)
        for send in sends:
            do(store, send)
        return (looks(store) - before) / width

    assert cost(400) < 1.5 * cost(20)


def test_what_it_waited_for_may_be_run_again(store):
    workflow = fan_in(5)
    *others, last = store.run(t.start(workflow, GRACE_MS, "s")).sends
    for send in others:
        do(store, send)
    store.run(control.cancel(workflow.workflow_id, actor="a", reason="r", ttl_s=100))
    again = store.run(control.reset_from(workflow.workflow_id, "s2", actor="a", reason="r", grace_ms=GRACE_MS,
                                         token=new_token(), room=ENDLESS))
    assert sorted(send.step for send in again.sends) == ["s2", "s4"]
    by_step = {send.step: send for send in again.sends}
    assert do(store, by_step["s4"]) == ()
    (join,) = do(store, by_step["s2"])
    assert (join.step, last.step) == ("join", "s4")
