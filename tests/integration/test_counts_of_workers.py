"""Real workers that die, retry and get messages twice: what was counted is what the histories tell, all together."""

import time
from collections import Counter

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pipeline.build import publish
from state import keys
from state.events import Event
from state.metrics import read_counts
from state.transition import Send
from tests.floor import floor_of
from tests.processes import LocalWorker, wait_for
from tests.scripted_agent import Reply


@pytest.fixture(scope="module")
def floor(valkey, tmp_path_factory):
    with floor_of(valkey, tmp_path_factory.mktemp("floor"), NLP_RETRY_BASE_S="0.05", DATA_RETRY_BASE_S="0.05",
                  DATA_BREAKER_THRESHOLD="100") as floor:
        yield floor


@pytest.fixture
def workers(floor, tmp_path):
    """Two, which start side by side."""
    starting = [LocalWorker(tmp_path, floor.environment, concurrency=4) for _ in range(2)]
    try:
        for worker in starting:
            worker.ready()
        yield starting
    finally:
        for worker in starting:
            if worker.status == "running":
                worker.kill()


def told(floor, workflow_ids):
    """What the histories and records of these workflows tell, as the counts would."""
    found = Counter()
    for workflow_id in workflow_ids:
        record = floor.record(workflow_id)
        found["ended", record.mode, record.status] += 1
        for step in record.steps.values():
            found["step", step.agent, step.status, str(max(0, step.attempt - step.takeovers))] += 1
        for entry in floor.client.xrange(keys.events(workflow_id)):
            event = Event.of_entry(*entry)
            agent = record.steps[event.step].agent if event.step else ""
            match event.kind:
                case "accepted":
                    found["accepted", record.mode] += 1
                case "succeeded" | "failed":
                    status = event.status or "FAILED"
                    found["attempt", agent, status] += 1
                case "retrying":
                    found["attempt", agent, "RETRYING"] += 1
                case "taken_over" | "resent":
                    found[event.kind, agent] += 1
    return found


def counted(floor):
    """The counts, times without their buckets; what the histories do not tell is left out."""
    found = Counter()
    for path, count in read_counts(floor.client.hgetall(keys.METRICS).items()).items():
        if path[0] == "attempt" and path[-1] != "ms":
            found[path[:-1]] += count
        elif path[0] in {"accepted", "ended", "step", "taken_over", "resent"}:
            found[path] += count
    return found


def test_counts_are_what_the_histories_tell(floor, workers, api):
    assert api.get("/api/workflow/metrics").json()["now"]["workers"] == 2
    floor.agent.script("/process", Reply({}, 503), Reply({}, 500))
    floor.agent.script("/execute", Reply({}, 503), Reply({"success": False, "error": "no"}), Reply({}, 503))
    asked = [floor.ask(f"question {number}") for number in range(8)]
    for workflow_id in asked:
        floor.ended(workflow_id)

    floor.agent.script("/visualize", Reply(until=floor.agent.released))
    hung = floor.ask("one whose worker dies")
    floor.running(hung, "viz")
    owner = floor.record(hung).steps["viz"].owner.rpartition("/")[0]
    next(worker for worker in workers if worker.hostname == owner).kill()
    floor.ended(hung)
    floor.agent.release()

    publish(floor.app, Send(asked[0], "nlp", 0, 1, "agents.nlp"))
    last = floor.ask("one behind the doubled message")
    floor.ended(last)
    everything = [*asked, hung, last]
    expected = told(floor, everything)
    assert counted(floor) == expected
    assert expected["taken_over", "viz"] == 1
    assert expected["accepted", "interactive"] == 10
    assert sum(n for path, n in expected.items() if path[::2] == ("attempt", "RETRYING")) >= 3
    assert len([path for path in expected if path[0] == "ended"]) >= 2, expected

    told_now = api.get("/api/workflow/metrics", params={"window": "5m"}).json()
    assert told_now["workflows"]["accepted"] == 10
    assert told_now["recovery"] | {"resends": 0} == {
        "takeovers": 1, "resends": 0, "poisoned": 0, "brought_back": 1, "recovery_rate": 1.0}
    samples = [sample for family in text_string_to_metric_families(api.get("/metrics").text)
               for sample in family.samples]
    ended = {("ended", sample.labels["mode"], sample.labels["status"]): sample.value for sample in samples
             if sample.name == "baton_workflows_ended_total" and sample.value}
    assert ended == {path: n for path, n in expected.items() if path[0] == "ended"}


def test_without_the_store_prometheus_is_told_so_at_once(api, valkey):
    valkey.kill()
    try:
        for _ in range(3):
            began = time.monotonic()
            reply = api.get("/metrics")
            assert time.monotonic() - began < 1
            assert reply.status_code == 200
            families = list(text_string_to_metric_families(reply.text))
            assert [(family.name, family.samples[0].value) for family in families] == [("baton_store_up", 0.0)]
        refused = api.get("/api/workflow/metrics")
        assert (refused.status_code, refused.json()["error_type"]) == (503, "store_unavailable")
    finally:
        valkey.restart()
    wait_for(lambda: "baton_store_up 1.0" in api.get("/metrics").text, "the store to be seen again", 10)
    accepted = 'baton_workflows_accepted_total{mode="interactive"} 10.0'
    assert accepted in api.get("/metrics").text
