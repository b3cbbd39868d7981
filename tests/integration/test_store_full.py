"""Valkey is full for a while: nothing is lost, nobody ends, who waits is answered, and all goes on by itself."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from tests.direct_api import LocalApi
from tests.floor import Floor, floor_of
from tests.integration.test_refusals import full
from tests.processes import LocalValkey, wait_for
from tests.scripted_agent import STANDARD, Reply

QUESTION = {"query": "how many flights"}


@dataclass
class Busy:
    """An API and a worker, whose agent can be made to hold an answer back."""

    floor: Floor
    api: LocalApi

    def get(self, path: str) -> requests.Response:
        return requests.get(f"{self.api.url}{path}", timeout=30)

    def post(self, path: str) -> requests.Response:
        return requests.post(f"{self.api.url}{path}", json=QUESTION, timeout=60)

    def gauges(self) -> dict[str, float]:
        families = text_string_to_metric_families(self.get("/metrics").text)
        return {family.name: family.samples[0].value for family in families if family.samples}

    def calls_of(self, workflow_id: str, path: str) -> int:
        return sum(call.headers["X-Workflow-Id"] == workflow_id for call in self.floor.agent.calls_of(path))


@pytest.fixture
def busy(valkey: LocalValkey, tmp_path: Path) -> Iterator[Busy]:
    with floor_of(valkey, tmp_path) as floor:
        api = LocalApi(tmp_path, floor.environment)
        try:
            floor.worker()
            api.ready()
            yield Busy(floor, api)
        finally:
            floor.agent.release()
            api.discard()


def test_full_for_a_while(busy: Busy, valkey: LocalValkey) -> None:
    floor, hold = busy.floor, threading.Event()
    floor.agent.script("/execute", Reply(STANDARD["/execute"], until=hold))
    waiting = busy.post("/api/workflow").json()["workflow_id"]
    floor.running(waiting, "data")
    with full(valkey):
        late = floor.another_worker(ready=False)
        hold.set()  # the worker has an answer that it cannot record
        while_full(busy, waiting)
        wait_for(lambda: "OutOfMemoryError" in late.logs(), "a worker that starts now to meet it", 30)
    record = floor.ended(waiting)
    assert (record.status, record.steps["data"].takeovers) == ("SUCCEEDED", 0)
    assert busy.calls_of(waiting, "/execute") == 1
    wait_for(lambda: busy.post("/api/query").json()["recorded"], "the store to be used again", 20)
    answer = busy.post("/api/query").json()
    assert (answer["status"], answer["path"]) == ("SUCCEEDED", "celery")
    assert late.ready()
    assert {part.status for part in (busy.api, *floor.workers)} == {"running"}
    assert busy.gauges()["baton_store_writable"] == 1
    wait_for(lambda: floor.client.zcard("baton:due") == 0, "nothing to be due")


def while_full(busy: Busy, waiting: str) -> None:
    """Who waits is answered, what is stored is read, and everything else says what is wrong and what to do."""
    for _ in range(2):
        answer = busy.post("/api/query").json()
        assert (answer["status"], answer["path"], answer["recorded"]) == ("SUCCEEDED", "direct", False), answer
    refused = busy.post("/api/workflow")
    told = refused.json()
    assert (refused.status_code, told["error_type"], told["store"]) == (503, "store_unavailable", "full")
    assert (told["title"], refused.headers["Retry-After"]) == ("The store is full", "30")
    assert "CONFIG SET maxmemory" in told["suggestions"][0]
    assert busy.get(f"/api/workflow/{waiting}/status").json()["status"] == "RUNNING"
    assert [one["workflow_id"] for one in busy.get("/api/workflow").json()["workflows"]] == [waiting]
    assert "Valkey is full" in busy.get("/").text
    assert "Valkey is full" in busy.get("/dashboard").text
    gauges = busy.gauges()
    assert (gauges["baton_store_up"], gauges["baton_store_writable"]) == (1, 0)
    assert gauges["baton_store_memory_bytes"] > gauges["baton_store_memory_max_bytes"] == 1
    page = requests.post(f"{busy.api.url}/ask", data={"question": QUESTION["query"]}, timeout=20)
    assert "The store is full, so this answer was made without it" in page.text
