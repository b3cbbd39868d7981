"""Reading: the record's hashes as typed values."""

import json
from collections.abc import Mapping
from typing import Any

from state import keys
from state.blobs import unpack
from state.errors import NewerRecord
from state.model import Contents, Mode, Path, Route, StepRecord, StepStatus, WorkflowRecord, WorkflowStatus
from state.version import OLDEST, VERSION


def read_record(workflow_id: str, raw: Mapping[bytes, bytes]) -> WorkflowRecord | None:
    """The record in `raw` (an HGETALL); None when it is empty. Raises `NewerRecord`."""
    if not raw:
        return None
    version = int(raw.get(b"version", OLDEST))
    if version > VERSION:
        raise NewerRecord(workflow_id, version)
    text = {name.decode(): value.decode() for name, value in raw.items()}
    return WorkflowRecord(
        workflow_id=workflow_id,
        status=WorkflowStatus(text["status"]),
        mode=Mode(text["mode"]),
        created_ms=int(text["created_ms"]),
        started_ms=_int(text, "started_ms"),
        finished_ms=_int(text, "finished_ms"),
        deadline_ms=int(float(text["deadline_ms"])),
        message=text.get("message", ""),
        route=Route(text.get("route", Route.SIMPLE)),
        route_why=text.get("route_why", ""),
        version=version,
        path=Path(text.get("path", Path.CELERY)),
        steps={name: _step(name, text) for name in text["steps"].split(",")},
    )


def read_contents(raw: Mapping[bytes, bytes]) -> Contents | None:
    """What goes through the workflow, in `raw` (the HGETALL of its outputs); None when it is empty."""
    if not raw:
        return None
    beside = (b"", keys.QUESTION.encode())
    outputs = {step.decode(): unpack(blob) for step, blob in raw.items() if step not in beside}
    return Contents(json.loads(raw[b""]), outputs)


def _step(name: str, text: Mapping[str, str]) -> StepRecord:
    def of(field: str) -> str:
        return text.get(f"{name}:{field}", "")

    def number(field: str) -> int | None:
        return _int(text, f"{name}:{field}")

    return StepRecord(
        name=name,
        agent=of("agent"),
        queue=of("queue"),
        status=StepStatus(of("status")),
        after=tuple(filter(None, of("after").split(","))),
        optional=bool(of("optional")),
        spec=_json(of("spec")) or {},
        attempt=int(of("attempt")),
        takeovers=int(of("takeovers")),
        round=int(of("round")),
        send=int(of("send")),
        owner=of("owner"),
        queued_ms=number("queued_ms"),
        started_ms=number("started_ms"),
        first_started_ms=number("first_started_ms"),
        finished_ms=number("finished_ms"),
        error=_json(of("error")),
        degradation=_json(of("degradation")),
    )


def _int(text: Mapping[str, str], field: str) -> int | None:
    value = text.get(field)
    return None if not value else int(float(value))


def _json(text: str) -> dict[str, Any] | None:
    return json.loads(text) if text else None
