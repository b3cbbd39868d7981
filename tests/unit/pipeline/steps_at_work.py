"""Steps as a worker begins them, and as the record shows them."""

import time
from dataclasses import replace
from typing import Any

from state.model import Contents, Mode, StepRecord, StepStatus, WorkflowRecord, WorkflowStatus
from state.transitions import Go

ID = "0b6e" * 8
REQUEST = {"query": "flights by carrier", "query_id": "q7", "user_id": "ann", "session_id": "s1",
           "context": {"source": "here"}, "visualization": {"theme": "dark"}, "database_context": None}
ROWS = {"rows": [{"carrier": "UA", "flights": 3}, {"carrier": "DL", "flights": 2}],
        "columns": [{"name": "carrier", "type": "string"}, {"name": "flights", "type": "integer"}], "row_count": 2}
UNDERSTOOD = {"sql_query": "SELECT 1", "intent": {"metric_type": "count"}, "interpretation": "Flights, by carrier.",
              "assumptions": ["all of 2013"]}


def begun(agent: str, inputs: dict[str, Any] | None = None, spec: dict[str, Any] | None = None, **request: Any) -> Go:
    """A step of the ordinary plan, unless its `spec` says otherwise."""
    return Go(ID, agent, agent, 1, 1, 0, 0, time.monotonic() + 60, Mode.INTERACTIVE, spec or {}, REQUEST | request,
              inputs or {})


def step(name: str, agent: str = "", status: StepStatus = StepStatus.SUCCEEDED, **more: Any) -> StepRecord:
    """Queued at 1 s, begun at 1.2 s, done at 1.5 s."""
    found = StepRecord(name, agent or name, f"agents.{agent or name}", status, (), 1, 0, 0, 1, "n", 1_000, 1_200, 1_200,
                       1_500, None, None)
    return replace(found, **more)


def record(*steps: StepRecord, status: WorkflowStatus = WorkflowStatus.SUCCEEDED, **more: Any) -> WorkflowRecord:
    """Accepted at 1 s, ended at 2 s."""
    found = WorkflowRecord(ID, status, Mode.INTERACTIVE, 1_000, 1_200, 2_000, 60_000, "",
                           {one.name: one for one in steps})
    return replace(found, **more)


def contents(**outputs: dict[str, Any]) -> Contents:
    """What the steps gave, by name."""
    return Contents(REQUEST, outputs)
