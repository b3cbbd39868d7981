"""Where steps stand, seen from outside: the boundaries of the failure matrix, read from the record and the broker."""

import json
from collections import Counter
from enum import StrEnum
from typing import Any

from state import keys
from state.model import StepRecord, StepStatus, WorkflowStatus
from state.record import read_record
from state.transition import Send

QUEUES = ("agents.nlp", "agents.data", "agents.viz", "agents.call")


class Boundary(StrEnum):
    """Between which two acts a step is when its process dies."""

    QUEUED = "in the queue"
    BEFORE_BEGIN = "before begin"
    HELD = "held"
    CALL = "during the call"
    NEXT_SEND = "between finish and the next send"
    RETRY = "waiting to retry"
    UNSEEN = "before the send or before begin"  # seen from outside, these two are one: in no queue, owned by nobody


def standing(client: Any, node: str = "") -> Counter[Boundary]:
    """How many steps of unfinished workflows stand at each boundary; with `node`, what is owned there alone.

    Which messages a worker has taken and not begun, nobody can tell from outside; it claims them as held within 0.25 s.
    """
    queued = _in_queues(client)
    found: Counter[Boundary] = Counter()
    for step, task_id in _open_steps(client):
        if node and step.owner and not step.owner.startswith(f"{node}/"):
            continue
        found[_boundary(step, task_id, queued)] += 1
    return found


def _boundary(step: StepRecord, task_id: str, queued: set[str]) -> Boundary:
    if step.status is StepStatus.RUNNING:
        return Boundary.CALL
    if step.status is StepStatus.HELD:
        return Boundary.HELD
    if step.status is StepStatus.RETRYING:
        return Boundary.RETRY
    return Boundary.QUEUED if task_id in queued else Boundary.UNSEEN


def _open_steps(client: Any) -> list[tuple[StepRecord, str]]:
    ids = unfinished(client)
    pipeline = client.pipeline(transaction=False)
    for workflow_id in ids:
        pipeline.hgetall(keys.record(workflow_id))
    open_ = {StepStatus.QUEUED, StepStatus.HELD, StepStatus.RUNNING, StepStatus.RETRYING}
    return [(step, Send(workflow_id, step.name, step.round, step.send).task_id)
            for workflow_id, raw in zip(ids, pipeline.execute(), strict=True)
            if (record := read_record(workflow_id, raw))
            for step in record.steps.values() if step.status in open_]


def unfinished(client: Any) -> list[str]:
    """Ids of all workflows that have not ended."""
    return [member.decode() for status in WorkflowStatus if not status.final
            for member in client.zrange(f"{keys.BY_STATUS}:{status}", 0, -1)]


def _in_queues(client: Any) -> set[str]:
    return {str(json.loads(raw)["headers"]["id"]) for queue in QUEUES for raw in client.lrange(queue, 0, -1)}
