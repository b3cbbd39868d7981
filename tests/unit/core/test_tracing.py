"""Spans find their trace by the workflow's id alone."""

import sys
from collections.abc import Iterator
from secrets import token_hex

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from core import tracing
from core.settings import get_settings

Spans = dict[str, ReadableSpan]


@pytest.fixture
def exporter() -> Iterator[InMemorySpanExporter]:
    kept = InMemorySpanExporter()
    tracing.use(SimpleSpanProcessor(kept), "test")
    yield kept
    tracing.stop()


def made(exporter: InMemorySpanExporter) -> Spans:
    return {span.name: span for span in exporter.get_finished_spans()}


def test_a_workflow_is_one_trace_with_its_id(exporter: InMemorySpanExporter) -> None:
    workflow_id = token_hex(16)
    with tracing.first_span("question", workflow_id, mode="interactive"):
        tracing.tell(replayed=False)
    with tracing.span("step nlp", workflow_id, attempt=2), tracing.span("POST /process", workflow_id):
        sent = tracing.traceparent(workflow_id)
    with tracing.served_span("served", sent):
        pass
    spans = made(exporter)
    assert {f"{span.context.trace_id:032x}" for span in spans.values()} == {workflow_id}
    assert spans["question"].parent is None
    assert spans["question"].attributes == {"baton.mode": "interactive", "baton.replayed": False}
    below = {name: span.parent.span_id for name, span in spans.items() if span.parent}
    assert below == {"step nlp": spans["question"].context.span_id, "POST /process": spans["step nlp"].context.span_id,
                     "served": spans["POST /process"].context.span_id}


def test_another_workflow_inside_is_another_trace(exporter: InMemorySpanExporter) -> None:
    one, other = token_hex(16), token_hex(16)
    with tracing.span("one", one), tracing.span("other", other):
        pass
    spans = made(exporter)
    assert [f"{spans[name].context.trace_id:032x}" for name in ("one", "other")] == [one, other]


def test_what_breaks_is_told_and_passed_on(exporter: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="broken"), tracing.span("step nlp", token_hex(16)):
        raise ValueError("broken")
    assert made(exporter)["step nlp"].status.status_code is StatusCode.ERROR


def test_a_caller_without_a_trace_begins_none(exporter: InMemorySpanExporter) -> None:
    with tracing.served_span("served", ""):
        pass
    assert made(exporter) == {}


def test_without_traces_the_header_names_the_workflow_all_the_same() -> None:
    workflow_id = token_hex(16)
    with tracing.first_span("question", workflow_id), tracing.span("step", workflow_id), tracing.served_span("s", "x"):
        tracing.tell(said=1)
        version, trace_id, span_id, flags = tracing.traceparent(workflow_id).split("-")
    assert (version, trace_id, flags, len(span_id)) == ("00", workflow_id, "01", 16)


def test_a_process_that_should_make_traces_and_cannot_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTLP_ENDPOINT", "http://127.0.0.1:4318")
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    get_settings.cache_clear()
    try:
        with pytest.raises(SystemExit, match=r"requirements-otel\.txt"):
            tracing.start("test")
    finally:
        get_settings.cache_clear()
