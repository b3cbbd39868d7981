"""The steps that failed lately, read for many workflows at once."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from state.listing import MOST, Listing
from state.model import WorkflowStatus
from state.scripts import source
from state.store import AsyncStore

LOOKED_AT: Final = MOST  # failed workflows, the newest


@dataclass(frozen=True, slots=True)
class Fault:
    """One failed step of a failed workflow."""

    workflow_id: str
    agent: str
    error_type: str
    message: str
    at_ms: int


async def read_faults(store: AsyncStore, from_ms: int) -> list[Fault]:
    """Of the `LOOKED_AT` newest failed workflows that were created since `from_ms`; newest first."""
    failed = frozenset({WorkflowStatus.FAILED})
    page = await store.page(Listing(limit=LOOKED_AT, statuses=failed, from_ms=from_ms))
    ids = [one.workflow_id for one in page.workflows]
    if not ids:
        return []
    (answer,) = await store.read(lambda pipe: pipe.eval(source("faults"), 0, *ids))
    return [fault for workflow_id, found in zip(ids, answer, strict=True) for fault in _faults(workflow_id, found)]


def _faults(workflow_id: str, found: Sequence[bytes]) -> list[Fault]:
    steps = zip(found[::3], found[1::3], found[2::3], strict=True)
    return [_fault(workflow_id, agent.decode(), error, int(float(at_ms))) for agent, error, at_ms in steps]


def _fault(workflow_id: str, agent: str, error: bytes, at_ms: int) -> Fault:
    told: Any = json.loads(error) if error else {}
    return Fault(workflow_id, agent, str(told.get("error_type", "")), str(told.get("message", "")), at_ms)
