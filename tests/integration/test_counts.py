"""What the transitions count, on a real server."""

import secrets

import pytest

from core.settings import ROOT
from core.valkey import sync_client
from state import control, keys, recovery
from state import transitions as t
from state.histogram import LAST_BUCKET, upper_ms
from state.metrics import read_counts
from state.model import Mode, NewStep, NewWorkflow
from state.store import Store
from state.transition import new_token

LONG_MS = 3_600_000
TIMES = {"attempt", "step_time", "workflow_time"}


@pytest.fixture(scope="module")
def client(valkey):
    with sync_client(valkey.url) as client:
        yield client


@pytest.fixture
def store(client):
    client.flushall()
    return Store(client)


def start(store, mode=Mode.INTERACTIVE, queue="q", optional=False):
    workflow = NewWorkflow(secrets.token_hex(16), {"query": "q", "query_id": "q"}, mode, 180, (
        NewStep("nlp", "nlp", queue, 30, optional=optional), NewStep("data", "data", queue, 30, ("nlp",))))
    return store.run(t.start(workflow, 0, new_token())).sends[0]


def begin(store, send):
    return store.run(t.begin(send, node="n", lease_ms=LONG_MS, ttl_s=100, token=new_token()))


def finish(store, go, degradation=None, call=1):
    """`call` is the same for a call that is repeated."""
    return store.run(
        t.finish(go, {"of": go.step}, ttl_s=100, grace_ms=0, token=f"finish-{call}", degradation=degradation))


def fail(store, go):
    return store.run(t.fail(go, {"message": "no"}, ttl_s=100, grace_ms=0, token=new_token()))


def retry(store, send, called=True):
    go = begin(store, send)
    store.run(t.retry_later(go, 0, {"message": "again"}, lease_ms=LONG_MS, token=new_token(), called=called))
    return send


def overdue(store, send, max_takeovers=3):
    store.client.zadd(keys.DUE, {keys.due_member(send.workflow_id, send.step): 0})
    return store.run(recovery.overdue(send.workflow_id, send.step, grace_ms=0, max_takeovers=max_takeovers, ttl_s=100))


def run_to_the_end(store, mode=Mode.INTERACTIVE):
    (data,) = finish(store, begin(store, start(store, mode))).released
    finish(store, begin(store, data))


def counted(store):
    """All counts but those of times, by field."""
    counts = read_counts(store.client.hgetall(keys.METRICS).items())
    return {"|".join(path): count for path, count in counts.items() if path[0] not in TIMES}


def timed(store, field):
    """How many times were measured there."""
    counts = read_counts(store.client.hgetall(keys.METRICS).items())
    return sum(count for path, count in counts.items() if "|".join(path[:-1]) == field and path[-1] != "ms")



def test_a_workflow_that_goes_well(store):
    run_to_the_end(store)
    assert counted(store) == {"accepted|interactive": 1, "ended|interactive|SUCCEEDED": 1,
                              "path|celery|SUCCEEDED": 1, "routed|simple": 1,
                              "step|nlp|SUCCEEDED|1": 1, "step|data|SUCCEEDED|1": 1}
    for field in ("attempt|nlp|SUCCEEDED", "attempt|data|SUCCEEDED", "step_time|nlp", "step_time|data",
                  "workflow_time|interactive"):
        assert timed(store, field) == 1


def test_a_call_that_is_repeated_or_stale_counts_once(store):
    send = start(store)
    go = begin(store, send)
    begin(store, send)
    finish(store, go)
    finish(store, go)
    finish(store, go, call=2)
    assert counted(store) == {"accepted|interactive": 1, "step|nlp|SUCCEEDED|1": 1}
    assert timed(store, "attempt|nlp|SUCCEEDED") == timed(store, "step_time|nlp") == 1


def test_retries_waits_and_stand_ins(store):
    send = retry(store, retry(store, retry(store, start(store, Mode.BACKGROUND)), called=False))
    (data,) = finish(store, begin(store, send)).released
    finish(store, begin(store, retry(store, data)), {"source": "elsewhere", "reason": "down"})
    assert counted(store) == {
        "accepted|background": 1, "ended|background|DEGRADED": 1, "routed|simple": 1, "breaker_wait|nlp": 1,
        "step|nlp|SUCCEEDED|3": 1,
        "step|data|DEGRADED|2": 1}
    assert (timed(store, "attempt|nlp|RETRYING"), timed(store, "attempt|nlp|SUCCEEDED")) == (2, 1)
    assert (timed(store, "attempt|data|RETRYING"), timed(store, "attempt|data|DEGRADED")) == (1, 1)


def test_a_failure_skips_what_waits_for_it(store):
    fail(store, begin(store, start(store)))
    assert counted(store) == {"accepted|interactive": 1, "ended|interactive|FAILED": 1,
                              "path|celery|FAILED": 1, "routed|simple": 1,
        "step|nlp|FAILED|1": 1,
                              "step|data|SKIPPED|0": 1}
    assert timed(store, "attempt|nlp|FAILED") == timed(store, "workflow_time|interactive") == 1


def test_an_optional_step_that_fails_is_skipped_after_its_tries(store):
    (data,) = fail(store, begin(store, start(store, optional=True))).released
    finish(store, begin(store, data))
    assert counted(store) == {"accepted|interactive": 1, "ended|interactive|DEGRADED": 1,
                              "path|celery|DEGRADED": 1, "routed|simple": 1,
        "step|nlp|SKIPPED|1": 1,
                              "step|data|SUCCEEDED|1": 1}
    assert timed(store, "attempt|nlp|FAILED") == 1


def test_what_is_brought_back(store):
    send = start(store)
    overdue(store, send)
    assert overdue(store, send).why == "lost"  # missed twice
    begin(store, send)
    taken = overdue(store, send)
    assert taken.why == "takeover"
    finish(store, begin(store, taken.send))
    assert counted(store) == {"accepted|interactive": 1, "resent|nlp": 1, "taken_over|nlp": 1,
                              "step|nlp|SUCCEEDED|1": 1, "brought_back|nlp|SUCCEEDED": 1}


def test_the_time_of_a_step_goes_on_over_its_losses(store):
    send = start(store)
    store.client.hincrby(keys.record(send.workflow_id), "nlp:queued_ms", -5_000)
    overdue(store, send)
    overdue(store, send)
    begin(store, send)
    finish(store, begin(store, overdue(store, send).send))
    assert 5_000 <= int(store.client.hget(keys.METRICS, "step_time|nlp|ms")) < 10_000
    assert int(store.client.hget(keys.METRICS, "attempt|nlp|SUCCEEDED|ms")) < 5_000


def test_a_poisoned_step_and_one_without_time(store):
    send = start(store)
    begin(store, send)
    overdue(store, send, max_takeovers=0)
    late = start(store)
    store.client.zadd(keys.DUE, {keys.due_member(late.workflow_id, ""): 0})
    store.run(recovery.overdue(late.workflow_id, "", grace_ms=0, max_takeovers=3, ttl_s=100))
    assert counted(store) == {
        "accepted|interactive": 2, "taken_over|nlp": 1, "poisoned|nlp": 1, "out_of_time|deadline": 1,
        "brought_back|nlp|FAILED": 1, "step|nlp|FAILED|0": 2, "step|data|SKIPPED|0": 2,
        "ended|interactive|FAILED": 2, "path|celery|FAILED": 2, "routed|simple": 2}


def test_operations(store):
    send = start(store)
    of = {"actor": "a", "reason": "r"}
    for _ in range(2):
        store.run(control.pause(send.workflow_id, **of))
    for _ in range(2):
        store.run(control.resume(send.workflow_id, grace_ms=0, **of))
    for _ in range(2):
        store.run(control.cancel(send.workflow_id, ttl_s=100, **of))
    again = control.reset_from(send.workflow_id, "", grace_ms=0, token="r", **of)
    assert store.run(again) == store.run(again)
    assert counted(store) == {
        "accepted|interactive": 1, "control|pause": 1, "control|resume": 1, "control|cancel": 1, "control|retry": 1,
        "ended|interactive|CANCELLED": 1, "routed|simple": 1, "step|nlp|CANCELLED|0": 1, "step|data|CANCELLED|0": 1}
    assert timed(store, "workflow_time|interactive") == timed(store, "step_time|nlp") == 0


def test_a_round_s_time_begins_with_the_round_and_leaves_pauses_out(store):
    send = start(store)
    workflow_id, of = send.workflow_id, {"actor": "a", "reason": "r"}
    fail(store, begin(store, send))
    store.client.hincrby(keys.record(workflow_id), "created_ms", -LONG_MS)
    (send,) = store.run(control.reset_from(workflow_id, "", grace_ms=0, token="r", **of)).sends
    store.run(control.pause(workflow_id, **of))
    store.client.hincrby(keys.record(workflow_id), "paused_ms", -LONG_MS)
    store.client.hincrby(keys.record(workflow_id), "deadline_ms", -LONG_MS)
    (send,) = store.run(control.resume(workflow_id, grace_ms=0, **of)).sends
    (data,) = finish(store, begin(store, send)).released
    finish(store, begin(store, data))
    assert timed(store, "workflow_time|interactive") == 2
    assert int(store.client.hget(keys.METRICS, "workflow_time|interactive|ms")) < 10_000


def test_the_script_s_buckets_are_the_reader_s(client):
    client.flushall()
    edges = [int(upper_ms(bucket)) + more for bucket in range(LAST_BUCKET) for more in (-1, 0, 1)]
    script = (ROOT / "state/lua/metrics.lua").read_text()
    client.eval(script + "for _, ms in ipairs(ARGV) do measure('edge|' .. ms, tonumber(ms)) end", 0, *edges, -5, 10**9)
    for path in read_counts(client.hgetall(keys.METRICS).items()):
        ms, bucket = int(path[1]), path[2]
        if bucket != "ms":
            assert ms <= upper_ms(int(bucket))
            assert int(bucket) == 0 or ms > upper_ms(int(bucket) - 1)
