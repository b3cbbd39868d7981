"""One attempt of a step, looked into: what was asked, what came back, and who did it."""

import json
from dataclasses import dataclass, field
from typing import Any, Final

from agents.registry import get_registry
from api.pages.workflows.timeline import Drawn, Timeline
from pipeline.request_again import request_of
from state.model import Contents, StepRecord, WorkflowRecord

MOST_ITEMS: Final = 20  # of a list
LONGEST: Final = 2_000  # letters of a text


@dataclass(frozen=True, slots=True)
class Inspected:
    """One attempt; `request` and `response` are JSON, shortened, empty where there is none."""

    step: StepRecord
    attempt: int
    drawn: Drawn | None
    url: str
    trace_id: str
    idempotency_key: str
    request: str
    response: str
    error: dict[str, Any] = field(default_factory=dict)
    no_response: str = ""


def inspected(
    record: WorkflowRecord, contents: Contents, timeline: Timeline, name: str, attempt: int
) -> Inspected | None:
    """Attempt `attempt` (0: the last one) of the step `name`; None when there is no such step."""
    step = record.steps.get(name)
    if step is None:
        return None
    attempt = attempt or step.attempt
    calls = [one for lane in timeline.lanes if lane.step.name == name for one in lane.attempts]
    drawn = next((one for one in reversed(calls) if one.span.attempt == attempt), None)
    is_last = attempt == step.attempt
    output = contents.outputs.get(name) if is_last else None
    error = (drawn.span.error if drawn else {}) or (step.error or {} if is_last else {})
    agent = get_registry().get(step.agent)
    return Inspected(
        step=step,
        attempt=attempt,
        drawn=drawn,
        url=agent.url if agent else "",
        trace_id=record.workflow_id,
        idempotency_key=f"{record.workflow_id}:{name}:{step.round}",
        request=_shown(request_of(record, contents, step)),
        response=_shown(output),
        error=error,
        no_response="Only the answer of the last attempt is kept." if not is_last else "There is none yet.",
    )


def _shown(body: dict[str, Any] | None) -> str:
    return "" if body is None else json.dumps(abridged(body), indent=2, ensure_ascii=False)


def abridged(value: Any) -> Any:
    """The value with long lists and texts cut, which is said in their place."""
    if isinstance(value, dict):
        return {name: abridged(item) for name, item in value.items()}
    if isinstance(value, list):
        shown = [abridged(item) for item in value[:MOST_ITEMS]]
        return [*shown, f"… {len(value) - MOST_ITEMS:,} more"] if len(value) > MOST_ITEMS else shown
    if isinstance(value, str) and len(value) > LONGEST:
        return f"{value[:LONGEST]}… {len(value) - LONGEST:,} letters more"
    return value
