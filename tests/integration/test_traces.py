"""One workflow is one trace: through the API, two workers of which one is killed, a retry, and an agent."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from core import tracing
from tests.collector import Collector, Span, collecting
from tests.floor import Floor, floor_of
from tests.processes import LocalAgent, LocalValkey, wait_for
from tests.scripted_agent import Reply
from tests.served_api import served_api

QUESTION = {"query": "how many", "mode": "interactive"}


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as running:
        yield running
    tracing.stop()


@pytest.fixture
def floor(valkey: LocalValkey, tmp_path: Path, collector: Collector) -> Iterator[Floor]:
    viz = LocalAgent("viz", tmp_path, {"OTLP_ENDPOINT": collector.url})
    with floor_of(valkey, tmp_path, OTLP_ENDPOINT=collector.url, DATA_RETRY_BASE_S="0.1") as running:
        viz.ready()
        running.environment["VIZ_AGENT_URL"] = viz.url
        yield running
    viz.teardown()


def named(spans: list[Span], name: str, service: str = "baton-worker") -> list[Span]:
    return [span for span in spans if (span.name, span.service) == (name, service)]


def test_a_workflow_is_one_trace_through_all_processes(valkey: LocalValkey, floor: Floor, collector: Collector) -> None:
    floor.agent.script("/process", Reply({}, until=floor.agent.released))
    floor.agent.script("/execute", Reply({}, 503))
    floor.worker()
    with served_api(valkey.url, OTLP_ENDPOINT=collector.url) as url:
        asked = requests.post(f"{url}/api/workflow", json=QUESTION, timeout=20).json()
        workflow_id = asked["workflow_id"]
        wait_for(lambda: floor.agent.calls_of("/process"), "the first call", 20)
        floor.no_worker()
        floor.another_worker()
        assert floor.ended(workflow_id).status == "SUCCEEDED"
        wait_for(lambda: named(collector.of(workflow_id), "POST /visualize", "baton-viz"), "the agent's span", 10)
        wait_for(lambda: named(collector.of(workflow_id), "step viz"), "the last step's span", 10)
    floor.agent.release()
    spans = collector.of(workflow_id)
    (first,) = named(spans, "question", "baton-api")
    assert not first.parent
    assert {span.parent for span in spans} - {""} <= {span.span_id for span in spans}
    (nlp,) = named(spans, "step nlp")  # the killed worker's was never sent
    assert (nlp.parent, nlp.attributes["baton.attempt"], nlp.attributes["baton.takeovers"]) == (first.span_id, 2, 1)
    assert [span.attributes["baton.why"] for span in named(spans, "bring back")] == ["takeover"]
    tried, again = sorted(named(spans, "step data"), key=lambda span: span.attributes["baton.attempt"])
    assert (tried.attributes["baton.outcome"], again.attributes["baton.outcome"]) == ("wait", "released")
    calls = {span.parent: span for span in named(spans, "POST /execute")}
    assert (calls[tried.span_id].failed, calls[again.span_id].failed) == (True, False)
    (called,) = named(spans, "POST /visualize")
    (served,) = named(spans, "POST /visualize", "baton-viz")
    assert served.parent == called.span_id
    assert [call.headers["traceparent"].split("-")[1] for call in floor.agent.calls] == [workflow_id] * 4
