"""Where steps stand, seen from outside: the boundaries of the failure matrix, read from the record and the broker."""

import json
from collections import Counter
from enum import StrEnum
from typing import Any

from state import keys
from state.model import StepRecord, StepStatus, WorkflowStatus
from state.record import read_record
from state.transitions import Send

QUEUES = ("agents.nlp", "agents.data", "agents.viz", "agents.call")


class Boundary(StrEnum):
    """Between which two acts a step is when its process dies."""

    QUEUED = "in the queue"
    BEFORE_BEGIN = "before begin"
    HELD = "held"
    CALL = "during the call"
    NEXT_SEND = "between finish and the next send"
    RETRY = "waiting to retry"


def standing(client: Any, node: str = "") -> Counter[Boundary]:
    """How many steps of unfinished workflows stand at each boundary; with `node`, what is owned there alone.

    A message that is in no queue and with no worker is counted as not yet sent; it may as well be acknowledged and
    about to begin, which nobody can tell from outside.
    """
    queued, taken = _in_queues(client), _taken(client)
    found: Counter[Boundary] = Counter()
    for step, task_id in _open_steps(client):
        if node and step.owner and not step.owner.startswith(f"{node}/"):
            continue
        found[_boundary(step, task_id, queued, taken)] += 1
    return found


def _boundary(step: StepRecord, task_id: str, queued: set[str], taken: set[str]) -> Boundary:
    if step.status is StepStatus.RUNNING:
        return Boundary.CALL
    if step.status is StepStatus.HELD:
        return Boundary.HELD
    if step.status is StepStatus.RETRYING:
        return Boundary.RETRY
    if task_id in queued:
        return Boundary.QUEUED
    return Boundary.BEFORE_BEGIN if task_id in taken else Boundary.NEXT_SEND


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


def _taken(client: Any) -> set[str]:
    """Delivered and not acknowledged: reserved by some worker."""
    return {str(json.loads(raw)[0]["headers"].get("id", "")) for raw in client.hvals("unacked")}
