"""`celery -A tasks inspect workflow <id>`: an inspection as JSON, and as text for a person."""

from typing import Any

from core.clock import iso
from state.events import Event
from state.inspection import Inspection
from state.model import StepRecord

_HEADS = ("step", "status", "attempts", "takeovers", "owner", "due")


def as_json(seen: Inspection) -> dict[str, Any]:
    """What `--json` prints."""
    record = seen.record
    return {
        "workflow_id": record.workflow_id,
        "status": record.status,
        "mode": record.mode,
        "version": record.version,
        "query": seen.query,
        "message": record.message,
        "created_at": iso(record.created_ms),
        "deadline_at": iso(record.deadline_ms),
        "finished_at": iso(record.finished_ms),
        "steps": [_step(seen, step) for step in record.steps.values()],
        "events": [_event(event) for event in seen.events],
    }


def as_text(seen: Inspection) -> str:
    """What a person reads."""
    record = seen.record
    until = f"ended {iso(record.finished_ms)}" if record.finished_ms else f"deadline {iso(record.deadline_ms)}"
    lines = [
        f"{record.workflow_id} {record.status} ({record.mode})",
        *filter(None, [seen.query, record.message]),
        f"created {iso(record.created_ms)}, {until}, record version {record.version}",
        "",
        *_table([_HEADS, *(_row(seen, step) for step in record.steps.values())]),
        *(f"{step.name}: {_fault(step.error)}" for step in record.steps.values() if step.error),
        "",
        *(_line(event) for event in seen.events),
    ]
    return "\n".join(lines)


def _step(seen: Inspection, step: StepRecord) -> dict[str, Any]:
    return {
        "name": step.name,
        "agent": step.agent,
        "status": step.status,
        "attempts": step.attempt,
        "takeovers": step.takeovers,
        "round": step.round,
        "task_id": f"{seen.record.workflow_id}.{step.name}.{step.round}.{step.send}" if step.send else None,
        "owner": step.owner,
        "due_at": iso(seen.due_ms.get(step.name)),
        "error": step.error,
    }


def _event(event: Event) -> dict[str, Any]:
    return {
        "id": event.event_id,
        "at": iso(event.at_ms),
        "kind": event.kind,
        "step": event.step,
        "status": event.status,
        "data": event.data,
    }


def _row(seen: Inspection, step: StepRecord) -> tuple[str, ...]:
    due_ms = seen.due_ms.get(step.name)
    due = "" if due_ms is None else f"{(due_ms - seen.now_ms) / 1000:+.1f} s"
    return (step.name, step.status, str(step.attempt), str(step.takeovers), step.owner or "-", due)


def _fault(error: dict[str, Any]) -> str:
    return f"{error.get('error_type')}: {error.get('message')}"


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADS))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _line(event: Event) -> str:
    said = " ".join(f"{name}={value}" for name, value in event.data.items() if isinstance(value, str) and value)
    return " ".join(filter(None, [iso(event.at_ms), event.kind, event.step, said]))
