"""One workflow is one trace: through the API, two workers of which one is killed, a retry, and an agent."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

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


def test_what_operators_do_belongs_to_the_trace(valkey: LocalValkey, collector: Collector) -> None:
    with served_api(valkey.url, OTLP_ENDPOINT=collector.url) as url:
        def post(path: str, **wish: str) -> dict[str, Any]:
            reply = requests.post(f"{url}/api/workflow{path}", json=wish, timeout=20)
            assert reply.ok, reply.text
            return dict(reply.json())

        workflow_id = post("", query="how many", mode="background")["workflow_id"]
        for verb in ("pause", "resume", "cancel", "cancel", "retry"):
            post(f"/{workflow_id}/{verb}", actor="ann", reason="to see")
        wait_for(lambda: named(collector.of(workflow_id), "retry", "baton-api"), "the last wish's span", 10)
    first, *wishes = collector.of(workflow_id)
    assert [(span.name, span.parent, span.attributes["baton.done"]) for span in wishes] == [
        ("pause", first.span_id, True), ("resume", first.span_id, True), ("cancel", first.span_id, True),
        ("cancel", first.span_id, False), ("retry", first.span_id, True)]
    assert {span.attributes["baton.actor"] for span in wishes} == {"ann"}


def test_each_bundled_agent_goes_on_with_the_trace_it_is_called_in(
        valkey: LocalValkey, tmp_path: Path, collector: Collector) -> None:
    with ExitStack() as stack:
        floor = stack.enter_context(floor_of(valkey, tmp_path, OTLP_ENDPOINT=collector.url))
        for name in ("data", "nlp", "viz"):  # the nlp agent asks the data agent for its schema
            agent = LocalAgent(name, tmp_path, floor.environment)
            stack.callback(agent.teardown)
            floor.environment[f"{name.upper()}_AGENT_URL"] = agent.url
            agent.ready()
        floor.worker()
        workflow_id = floor.ask("average departure delay by carrier")
        assert floor.ended(workflow_id).status == "SUCCEEDED"
        calls = {"nlp": "POST /process", "data": "POST /execute", "viz": "POST /visualize"}
        told = {(call, f"baton-{name}") for name, call in calls.items()} | {("step viz", "baton-worker")}
        wait_for(lambda: told <= {(span.name, span.service) for span in collector.of(workflow_id)}, "all spans", 20)
    spans = collector.of(workflow_id)
    for name, call in calls.items():
        (step,), (called,) = named(spans, f"step {name}"), named(spans, call)
        (served,) = named(spans, call, f"baton-{name}")
        assert (called.parent, served.parent) == (step.span_id, called.span_id)
