"""Traces, by OpenTelemetry where it is installed and OTLP_ENDPOINT is set: one workflow is one trace.

The trace has the workflow's id, and its first span an id that follows from it. So no context travels with messages or
stands in the record: whoever knows the workflow continues its trace, after a retry, a takeover or a restart too.
"""

import re
import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

from core.settings import get_settings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.trace import SpanContext, Tracer

EXPORT_EVERY_MS: Final = 1_000
_ID: Final = re.compile(r"[0-9a-f]{32}")
Attribute = str | int | float | bool
_beginning: ContextVar[str] = ContextVar("_beginning", default="")
_state: dict[str, "Tracer"] = {}  # empty: no traces are made


def start(service: str) -> None:
    """Make this process's traces, as `service`, if the settings say where they go; ends it without the library."""
    endpoint = get_settings().otlp_endpoint
    if not endpoint:
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise SystemExit("OTLP_ENDPOINT is set: pip install -r requirements-otel.txt") from error
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
    use(BatchSpanProcessor(exporter, schedule_delay_millis=EXPORT_EVERY_MS), service)


def use(processor: "SpanProcessor", service: str) -> None:
    """Give this process's spans to `processor`."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
    from opentelemetry.sdk.trace.sampling import ALWAYS_ON

    class Ids(RandomIdGenerator):
        """Those of a workflow for its first span, random ones otherwise."""

        def generate_trace_id(self) -> int:
            begun = _beginning.get()
            return int(begun, 16) if begun else super().generate_trace_id()

        def generate_span_id(self) -> int:
            begun = _beginning.get()
            return _first_span_id(begun) if begun else super().generate_span_id()

    provider = TracerProvider(ALWAYS_ON, Resource.create({"service.name": service}), id_generator=Ids())
    provider.add_span_processor(processor)
    _state["tracer"] = provider.get_tracer("baton")


def stop() -> None:
    """Make no more traces."""
    _state.clear()


def first_span(name: str, workflow_id: str, **attributes: Attribute) -> AbstractContextManager[None]:
    """The span that a workflow's trace begins with."""
    if not _state:
        return nullcontext()
    return _first_span(name, workflow_id, attributes)


def span(name: str, workflow_id: str, **attributes: Attribute) -> AbstractContextManager[None]:
    """A span of a workflow's trace, below the one that is open here, else below its first; none for what is no id."""
    if not _state or not _ID.fullmatch(workflow_id):
        return nullcontext()
    return _span(name, workflow_id, attributes)


def served_span(name: str, parent: str) -> AbstractContextManager[None]:
    """What is done for a caller who sent `parent` as `traceparent`; no span without one."""
    if not _state or not parent:
        return nullcontext()
    return _served_span(name, parent)


def tell(**attributes: Attribute) -> None:
    """Add to the span that is open here."""
    if _state:
        from opentelemetry.trace import get_current_span

        get_current_span().set_attributes(_named(attributes))


def traceparent(workflow_id: str) -> str:
    """The W3C header naming the span that is open here; without traces, one of the workflow's trace all the same."""
    span_id = f"{_current().span_id:016x}" if _state and _current().is_valid else secrets.token_hex(8)
    return f"00-{workflow_id:0>32.32}-{span_id}-01"


@contextmanager
def _first_span(name: str, workflow_id: str, attributes: dict[str, Attribute]) -> Iterator[None]:
    from opentelemetry.context import Context
    from opentelemetry.trace import use_span

    token = _beginning.set(workflow_id)
    try:
        begun = _state["tracer"].start_span(name, Context(), attributes=_named(attributes))
    finally:
        _beginning.reset(token)
    with use_span(begun, end_on_exit=True):
        yield


@contextmanager
def _span(name: str, workflow_id: str, attributes: dict[str, Attribute]) -> Iterator[None]:
    from opentelemetry.context import Context
    from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

    context = None
    if _current().trace_id != int(workflow_id, 16):
        flags = TraceFlags(TraceFlags.SAMPLED)
        first = SpanContext(int(workflow_id, 16), _first_span_id(workflow_id), is_remote=True, trace_flags=flags)
        context = set_span_in_context(NonRecordingSpan(first), Context())
    with _state["tracer"].start_as_current_span(name, context, attributes=_named(attributes)):
        yield


@contextmanager
def _served_span(name: str, parent: str) -> Iterator[None]:
    from opentelemetry.trace import SpanKind
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    context = TraceContextTextMapPropagator().extract({"traceparent": parent})
    with _state["tracer"].start_as_current_span(name, context, kind=SpanKind.SERVER):
        yield


def _current() -> "SpanContext":
    from opentelemetry.trace import get_current_span

    return get_current_span().get_span_context()


def _first_span_id(workflow_id: str) -> int:
    return int(workflow_id[-16:], 16) or 1  # 0 is no span id


def _named(attributes: dict[str, Attribute]) -> dict[str, Attribute]:
    return {f"baton.{name}": value for name, value in attributes.items()}
