"""What the dashboard reads, on a real server: minute by minute, the failures, the workers' load."""

import asyncio
from itertools import pairwise

from test_counts import begin, client, fail, finish, run_to_the_end, start, store
from test_metrics_api import age

from core.valkey import async_client
from state import keys, recovery
from state.faults import read_faults
from state.load import read_load
from state.metrics import HOUR_MS, MINUTE_MS
from state.store import AsyncStore
from state.timeline import NOTHING, read_timeline

__all__ = ["client", "store"]  # fixtures


def read(valkey, reading):
    async def do():
        async with async_client(valkey.url) as client:
            return await reading(AsyncStore(client))

    return asyncio.run(do())


def ended(slots):
    return [slot.counted.ended.get("SUCCEEDED", 0) for slot in slots]


def test_each_minute_has_what_ended_in_it(store, valkey):
    for many, then_minutes in ((1, 2), (2, 1), (3, 0)):
        for _ in range(many):
            run_to_the_end(store)
        age(store, then_minutes * MINUTE_MS)
    slots = read(valkey, lambda store: read_timeline(store, 5 * MINUTE_MS))
    counts = [count for count in ended(slots) if count]
    assert sum(counts) == 6
    assert counts == [1, 2, 3]
    assert ended(slots)[-4] == 1  # three minutes before the last one
    assert slots[-3].counted == NOTHING
    assert [b.at_ms - a.at_ms for a, b in pairwise(slots)] == [MINUTE_MS] * 5
    newest = slots[-1].counted
    assert newest.p50_ms.keys() == newest.p99_ms.keys() == {"nlp", "data"}
    assert all(newest.p50_ms[agent] <= newest.p99_ms[agent] for agent in newest.p50_ms)
    assert ended(read(valkey, lambda store: read_timeline(store, 5 * MINUTE_MS))) == ended(slots)


def test_a_long_window_goes_by_hours(store, valkey):
    run_to_the_end(store)
    age(store, 3 * HOUR_MS)
    run_to_the_end(store)
    slots = read(valkey, lambda store: read_timeline(store, 24 * HOUR_MS))
    assert len(slots) == 25
    assert (ended(slots)[-4], ended(slots)[-1]) == (1, 1)


def test_without_counts_there_are_empty_slots(store, valkey):
    assert sum(ended(read(valkey, lambda store: read_timeline(store, HOUR_MS)))) == 0


def test_faults_are_those_of_failed_workflows_only(store, valkey):
    run_to_the_end(store)
    (data,) = finish(store, begin(store, start(store))).released
    fail(store, begin(store, data))
    (fault,) = read(valkey, lambda store: read_faults(store, 0))
    assert (fault.workflow_id, fault.agent, fault.message) == (data.workflow_id, "data", "no")
    assert fault.at_ms > 0
    assert read(valkey, lambda store: read_faults(store, fault.at_ms + HOUR_MS)) == []


def test_load_counts_the_steps_that_run_by_worker(store, valkey):
    for worker in ("n", "idle@here"):
        store.run(recovery.look(1, HOUR_MS, HOUR_MS, worker))
    for _ in range(2):
        begin(store, start(store))
    start(store)
    store.client.zadd(keys.DUE, {"f" * 32 + "|gone": 1})
    load = {worker.name: worker.running for worker in read(valkey, read_load)}
    assert load == {"n": 2, "idle@here": 0}
