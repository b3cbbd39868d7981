"""One workflow as an operator wants to see it: its record, what is due of it, and the end of its history."""

import json
from dataclasses import dataclass
from typing import Any

from core.valkey import snapshot
from state import keys
from state.events import Event
from state.model import WorkflowRecord
from state.outage import as_unavailable
from state.record import read_record
from state.store import Store

LAST_EVENTS = 20


@dataclass(frozen=True, slots=True)
class Inspection:
    """`due_ms`: when something must have happened, by step ("" for the workflow); times are the server's."""

    record: WorkflowRecord
    query: str
    due_ms: dict[str, int]
    events: list[Event]
    now_ms: int


def inspect(store: Store, workflow_id: str, last: int = LAST_EVENTS) -> Inspection | None:
    """Look at one workflow; None when there is none."""

    def queue(pipe: Any) -> None:
        pipe.hgetall(keys.record(workflow_id))
        pipe.hget(keys.outputs(workflow_id), "")
        pipe.xrevrange(keys.events(workflow_id), count=last)
        pipe.time()

    with as_unavailable():
        raw, request, entries, (seconds, micros) = snapshot(store.client, queue)
        record = read_record(workflow_id, raw)
        if record is None:
            return None
        names = ["", *record.steps]
        due: Any = store.client.zmscore(keys.DUE, [keys.due_member(workflow_id, name) for name in names])
    return Inspection(
        record,
        str(json.loads(request).get("query", "")) if request else "",
        {name: int(at_ms) for name, at_ms in zip(names, due, strict=True) if at_ms is not None},
        [Event.of_entry(entry_id, fields) for entry_id, fields in reversed(entries)],
        seconds * 1000 + micros // 1000,
    )
