"""What a list tells of each workflow, read for many of them at once and without their requests and outputs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from state.model import Mode, Path, WorkflowStatus
from state.scripts import source


@dataclass(frozen=True, slots=True)
class Summary:
    """One workflow in a list."""

    workflow_id: str
    query: str
    status: WorkflowStatus
    mode: Mode
    created_ms: int
    finished_ms: int | None
    path: Path = Path.CELERY


def queue_summaries(pipe: Any, ids: Sequence[str], failed_agent: str = "") -> None:
    """Ask for the workflows `ids`; of those with `failed_agent`, only if a step of that agent has failed."""
    pipe.eval(source("summaries"), 0, failed_agent, *ids)


def summaries_of(ids: Sequence[str], answer: Sequence[Sequence[bytes]]) -> list[Summary]:
    """The ones that are there."""
    return [_summary(workflow_id, found) for workflow_id, found in zip(ids, answer, strict=True) if found]


def _summary(workflow_id: str, found: Sequence[bytes]) -> Summary:
    status, mode, created_ms, finished_ms, path, question = found
    return Summary(
        workflow_id,
        question.decode(),
        WorkflowStatus(status.decode()),
        Mode(mode.decode()),
        int(created_ms),
        int(float(finished_ms)) if finished_ms else None,
        Path(path.decode() or Path.CELERY),
    )
