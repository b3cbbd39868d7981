"""Figures over windows, and `/metrics`, over HTTP on a real Valkey without workers."""

import json
import re
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families
from test_counts import LONG_MS, begin, client, fail, finish, overdue, retry, run_to_the_end, start, store

from api.metrics.families import FAMILIES
from api.routes.prometheus import STORE_UP, STORE_UP_ABOUT
from breakers.keys import EVENTS
from core.settings import ROOT
from state import control, keys, recovery
from state.metrics import HOUR_MS, MINUTE_MS

__all__ = ["client", "store"]  # fixtures


# --- windows ----------------------------------------------------------------------------------------------------------


def metrics(api, window):
    reply = api.get("/api/workflow/metrics", params={"window": window})
    assert reply.status_code == 200, reply.text
    return reply.json()


def accepted(api, window):
    return metrics(api, window)["workflows"]["accepted"]


def age(store, by_ms):
    """All that was counted was so much earlier."""
    store.client.hincrby(keys.METRICS, "minute_ms", -by_ms)
    for stream in (keys.METRICS_BY_MINUTE, keys.METRICS_BY_HOUR):
        entries = store.client.xrange(stream)
        store.client.delete(stream)
        for entry_id, fields in entries:
            store.client.xadd(stream, fields, id=f"{int(entry_id.partition(b'-')[0]) - by_ms}-0")


def test_a_window_holds_what_came_since_it_began(api, store):
    assert accepted(api, "5m") == 0
    for count, then_hours in ((30, 25), (4, 3), (1, 1), (2, 0)):
        for _ in range(count):
            start(store)
        age(store, then_hours * HOUR_MS)
    assert {window: accepted(api, window) for window in ("1m", "59m", "61m", "119m", "3h", "5h", "24h", "7d")} == {
        "1m": 2, "59m": 2, "61m": 3, "119m": 3, "3h": 3, "5h": 7, "24h": 7, "7d": 37}


def test_a_quiet_window_is_empty(api, store):
    run_to_the_end(store)
    age(store, 3 * HOUR_MS)
    quiet = metrics(api, "1h")
    assert quiet["workflows"]["accepted"] == 0
    assert quiet["workflows"]["success_rate"] is None
    assert quiet["agents"]["nlp"]["attempt_ms"] == {"count": 0, "average": None, "p50": None, "p95": None, "p99": None}
    assert accepted(api, "5h") == 1


def test_counts_that_are_removed_begin_anew(api, store):
    for _ in range(3):
        run_to_the_end(store)
    store.client.delete(keys.METRICS)
    run_to_the_end(store)
    assert {accepted(api, window) for window in ("1m", "7d")} == {1}


def test_a_clock_that_is_set_back_stops_nothing(api, store):
    run_to_the_end(store)
    age(store, -HOUR_MS)
    run_to_the_end(store)
    assert {accepted(api, window) for window in ("1m", "7d")} == {2}


def test_snapshots_are_bounded_and_expire(store):
    start(store)
    for _ in range(200):
        age(store, HOUR_MS)
        start(store)
    assert store.client.xlen(keys.METRICS_BY_MINUTE) <= 3
    assert 190 <= store.client.xlen(keys.METRICS_BY_HOUR) <= 8 * 24 + 1
    for stream, kept_ms in ((keys.METRICS_BY_MINUTE, 2 * HOUR_MS), (keys.METRICS_BY_HOUR, 8 * 24 * HOUR_MS)):
        assert kept_ms < store.client.pttl(stream) <= kept_ms + HOUR_MS
    assert store.client.ttl(keys.METRICS) == -1
    assert store.client.object("encoding", keys.METRICS) == b"hashtable"


@pytest.mark.parametrize(
    "window", ["", "1", "h", "0h", "8d", "1w", "169h", "-1h", "1 h", "1h ", "9" * 30 + "m", "1\u0663h"])
def test_a_window_that_cannot_be_is_refused(api, window):
    reply = api.get("/api/workflow/metrics", params={"window": window})
    assert reply.status_code == 422
    assert reply.json()["detail"].startswith("window: ")
    assert api.get("/api/workflow/metrics?windows=1h").status_code == 422


# --- figures ----------------------------------------------------------------------------------------------------------


def play(store):
    """3 good; 1 with 2 retries of nlp; 1 with data from elsewhere; 1 fails after a retry; 1 taken over; 1 cancelled."""
    for _ in range(3):
        run_to_the_end(store)
    (data,) = finish(store, begin(store, retry(store, retry(store, start(store))))).released
    finish(store, begin(store, data))
    (data,) = finish(store, begin(store, start(store))).released
    finish(store, begin(store, data), {"source": "elsewhere", "reason": "down"})
    fail(store, begin(store, retry(store, start(store))))
    send = start(store)
    begin(store, send)
    (data,) = finish(store, begin(store, overdue(store, send).send)).released
    finish(store, begin(store, data))
    store.run(control.cancel(start(store).workflow_id, actor="a", reason="r", ttl_s=100))


def test_figures_of_a_window(api, store):
    play(store)
    told = metrics(api, "5m")
    workflows = told["workflows"]
    assert workflows["accepted"] == 8
    assert workflows["ended"] == {"SUCCEEDED": 5, "DEGRADED": 1, "FAILED": 1, "CANCELLED": 1}
    assert (workflows["success_rate"], workflows["answered_rate"]) == (5 / 7, 6 / 7)
    assert workflows["duration_ms"]["count"] == 7
    assert workflows["operations"] == {"cancel": 1, "pause": 0, "resume": 0, "retry": 0}
    nlp, data = told["agents"]["nlp"], told["agents"]["data"]
    assert nlp["steps"] == {"SUCCEEDED": 6, "DEGRADED": 0, "FAILED": 1, "CANCELLED": 1, "SKIPPED": 0}
    assert data["steps"] == {"SUCCEEDED": 5, "DEGRADED": 1, "FAILED": 0, "CANCELLED": 1, "SKIPPED": 1}
    assert (nlp["success_rate"], data["fallback_share"]) == (6 / 7, 1 / 6)
    assert nlp["retry"] == {"retries": 3, "waits_for_breaker": 0, "steps_by_tries": {"1": 5, "2": 1, "3": 1},
                            "success_rate": 1 / 2}
    assert told["recovery"] == {"takeovers": 1, "resends": 0, "poisoned": 0, "brought_back": 1, "recovery_rate": 1.0}
    assert (nlp["attempt_ms"]["count"], nlp["step_ms"]["count"]) == (6, 7)
    assert told["agents"]["viz"]["steps"]["SUCCEEDED"] == 0
    assert told["now"]["open_workflows"] == {"QUEUED": 0, "RUNNING": 0, "PAUSED": 0}


def test_how_it_stands_now(api, store):
    name = "agents.nlp"
    sends = [start(store, queue=name) for _ in range(3)]
    for send in sends:
        store.client.lpush(name, json.dumps({"headers": {"id": send.task_id}}))
    store.client.hincrby(keys.record(sends[0].workflow_id), "nlp:queued_ms", -7_000)
    store.client.lpush("baton", "not a message of ours")
    begin(store, sends[2])
    store.run(recovery.look(1, LONG_MS, LONG_MS, "worker@here"))
    store.client.zadd(keys.WORKERS, {"worker@gone": 1_700_000_000_000})
    now = metrics(api, "1h")["now"]
    assert now["open_workflows"] == {"QUEUED": 2, "RUNNING": 1, "PAUSED": 0}
    assert now["queues"][name]["depth"] == 3
    assert 7.0 <= now["queues"][name]["oldest_age_s"] < 17.0
    assert now["queues"]["baton"] == {"depth": 1, "oldest_age_s": None}
    assert now["queues"]["agents.viz"] == {"depth": 0, "oldest_age_s": None}
    assert (now["due"], now["overdue"], now["workers"]) == (6, 2, 1)


def test_a_window_tells_how_often_breakers_opened(api, store):
    def opened(name, at_ms, before="CLOSED", after="OPEN"):
        store.client.xadd(EVENTS, {"breaker": name, "from": before, "to": after}, id=f"{at_ms}-*")

    now_ms = int(time.time() * 1000)
    opened("nlp", now_ms - 3 * HOUR_MS)
    opened("nlp", now_ms - MINUTE_MS)
    opened("nlp", now_ms - MINUTE_MS, "OPEN", "HALF_OPEN")
    opened("nlp", now_ms - MINUTE_MS, "HALF_OPEN")
    opened("nlp", now_ms - MINUTE_MS, "OPEN")
    assert metrics(api, "1h")["breaker_openings"] == {"data": 0, "nlp": 2, "viz": 0}
    assert metrics(api, "4h")["breaker_openings"]["nlp"] == 3


def test_a_day_of_many_fields_is_read_fast(api, store):
    fields = {f"{what}|{bucket}": 5 for bucket in range(10, 60) for agent in "abcde" for what in (
        f"step_time|{agent}", *(f"attempt|{agent}|{status}" for status in ("SUCCEEDED", "RETRYING", "FAILED")))}
    start(store)
    store.client.hset(keys.METRICS, mapping=fields)
    age(store, HOUR_MS)
    start(store)
    took_ms = []
    for _ in range(10):
        began = time.perf_counter()
        metrics(api, "24h")
        took_ms.append((time.perf_counter() - began) * 1000)
    assert min(took_ms) < 20, took_ms


def test_the_example_in_openapi_is_one(api, store):
    route = api.get("/api/openapi.json").json()["paths"]["/api/workflow/metrics"]["get"]
    example = route["responses"]["200"]["content"]["application/json"]["example"]
    assert example.keys() == metrics(api, "1h").keys()
    assert example["agents"]["nlp"].keys() == metrics(api, "1h")["agents"]["nlp"].keys()
    assert example["workflows"]["duration_ms"]["p50"] == pytest.approx(512, rel=0.1)


# --- Prometheus -------------------------------------------------------------------------------------------------------


def scrape(api):
    """{(sample, labels): value}, and the kind of each family."""
    reply = api.get("/metrics")
    assert reply.status_code == 200
    families = list(text_string_to_metric_families(reply.text))
    samples = {(sample.name, tuple(sorted(sample.labels.items()))): sample.value
               for family in families for sample in family.samples}
    return samples, {family.name: family.type for family in families}


def value(samples, name, **labels):
    return samples[name, tuple(sorted(labels.items()))]


def test_prometheus_reads_the_same_counts(api, store):
    play(store)
    samples, _ = scrape(api)
    assert value(samples, STORE_UP) == 1
    assert value(samples, "baton_workflows_accepted_total", mode="interactive") == 8
    assert value(samples, "baton_workflows_ended_total", mode="interactive", status="SUCCEEDED") == 5
    assert value(samples, "baton_workflows_ended_total", mode="background", status="FAILED") == 0
    assert value(samples, "baton_steps_ended_total", agent="nlp", status="SUCCEEDED") == 6
    assert value(samples, "baton_step_takeovers_total", agent="nlp") == 1
    assert value(samples, "baton_step_resends_total", agent="viz") == 0
    assert value(samples, "baton_workflow_operations_total", operation="cancel") == 1
    assert [value(samples, "baton_step_tries_bucket", agent="nlp", le=le) for le in ("1.0", "2.0", "3.0", "+Inf")] == [
        5, 6, 7, 7]
    assert value(samples, "baton_step_tries_sum", agent="nlp") == 5 + 2 + 3
    assert value(samples, "baton_attempt_duration_seconds_count", agent="nlp", status="RETRYING") == 3


def test_prometheus_buckets_are_cumulative_seconds(api, store):
    start(store)
    store.client.hset(keys.METRICS, mapping={
        "step_time|nlp|0": 1, "step_time|nlp|4": 2, "step_time|nlp|5": 4, "step_time|nlp|89": 8,
        "step_time|nlp|ms": 5_000_500})
    samples, _ = scrape(api)
    name = "baton_step_duration_seconds"
    limits = ("0.001", "0.002", "0.004", "4194.304", "+Inf")
    assert [value(samples, name + "_bucket", agent="nlp", le=limit) for limit in limits] == [1, 3, 7, 7, 15]
    assert (value(samples, name + "_sum", agent="nlp"), value(samples, name + "_count", agent="nlp")) == (5000.5, 15)


def test_prometheus_hears_of_breakers(api, store):
    breaker = api.post("/api/circuit-breakers/data/mode",
                       json={"mode": "forced_open", "actor": "a", "reason": "r"})
    assert breaker.status_code == 200, breaker.text
    store.client.hset("baton:breaker:data", mapping={"opened": 3, "state": "OPEN", "calls": 9})
    samples, _ = scrape(api)
    assert value(samples, "baton_breaker_openings_total", breaker="data") == 3
    assert value(samples, "baton_breaker_calls_total", breaker="data") == 9
    assert [value(samples, "baton_breaker_state", breaker="data", state=state)
            for state in ("CLOSED", "OPEN", "HALF_OPEN")] == [0, 1, 0]


def test_every_family_is_told_and_documented(api, store):
    play(store)
    _, kinds = scrape(api)
    told = {family.name.removesuffix("_total"): str(family.kind) for family in FAMILIES} | {STORE_UP: "gauge"}
    assert kinds == told
    page = (ROOT / "docs" / "metrics.md").read_text()
    rows = re.findall(r"^\| `(baton_\w+)` \| (\w+) \| (.*?) \| (.*?) \|$", page, re.MULTILINE)
    assert rows == [
        (STORE_UP, "gauge", "", STORE_UP_ABOUT),
        *((one.name, str(one.kind), ", ".join(f"`{label}`" for label in one.labels), one.about) for one in FAMILIES)]
