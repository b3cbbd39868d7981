"""Which workers there are, and how many steps each is at."""

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from state import keys
from state.model import StepStatus
from state.store import AsyncStore

LOOKED_AT: Final = 1_000  # due entries, those due first; a step that runs is due when its lease ends


@dataclass(frozen=True, slots=True)
class WorkerLoad:
    """One worker of the last hour: when it looked last, and its steps that run."""

    name: str
    looked_ms: int
    running: int


async def read_load(store: AsyncStore) -> list[WorkerLoad]:
    """All workers of the last hour, those seen last first."""
    workers, due = await store.read(_numbers)
    places = [place for member in due if (place := member.decode().rpartition("|"))[2]]

    def owners(pipe: Any) -> None:
        for workflow_id, _, step in places:
            pipe.hmget(keys.record(workflow_id), f"{step}:status", f"{step}:owner")

    found = await store.read(owners) if places else []
    running = Counter(
        owner.decode().rpartition("/")[0] for status, owner in found if owner and status == StepStatus.RUNNING.encode()
    )
    return [WorkerLoad(name.decode(), int(at_ms), running[name.decode()]) for name, at_ms in workers]


def _numbers(pipe: Any) -> None:
    pipe.zrevrange(keys.WORKERS, 0, -1, withscores=True)
    pipe.zrange(keys.DUE, 0, LOOKED_AT - 1)
