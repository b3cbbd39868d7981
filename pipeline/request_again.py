"""What a step's agent was asked, made again from the record: the same in every attempt of a round."""

from typing import Any

from agents.errors import MissingInput
from pipeline.inputs import payload_for
from pipeline.plan import COMPOSE
from state.model import Contents, StepRecord, WorkflowRecord
from state.transitions import Go

_READS_WHAT_IT_NAMES = frozenset({"nlp", "data", "viz"})


def request_of(record: WorkflowRecord, contents: Contents, step: StepRecord) -> dict[str, Any] | None:
    """The body of the call; None where none is made, or where what it was made of is not there (any more)."""
    if step.agent == COMPOSE or not step.attempt:
        return None
    inputs = {name: output for name, output in contents.outputs.items() if name != step.name}
    if step.agent not in _READS_WHAT_IT_NAMES:
        inputs = {name: output for name, output in inputs.items() if name in step.after}
    go = Go(
        workflow_id=record.workflow_id,
        step=step.name,
        agent=step.agent,
        fence=0,
        attempt=step.attempt,
        takeovers=step.takeovers,
        round=step.round,
        ends_at=0.0,
        mode=record.mode,
        spec=step.spec,
        request=contents.request,
        inputs=inputs,
    )
    try:
        return payload_for(step.agent, go)
    except MissingInput:
        return None
