"""What is there to be done at this moment: queues, open workflows, due steps, and the workers that do it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from state import keys
from state.model import WorkflowStatus
from state.store import AsyncStore
from state.transition import Send, parse_task_id

OPEN: Final = tuple(status for status in WorkflowStatus if not status.final)
SEEN_WITHIN_MS: Final = 5_000  # a worker looks four times a second


@dataclass(frozen=True, slots=True)
class Queue:
    """Messages in one queue; the age of the oldest, None when there is none or it is no step's."""

    depth: int
    oldest_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Backlog:
    """As of one moment; `due` counts what must happen by some time, `overdue` what must have happened."""

    queues: Mapping[str, Queue]
    open: Mapping[WorkflowStatus, int]
    due: int
    overdue: int
    workers: int


async def read_backlog(store: AsyncStore, queues: Sequence[str]) -> Backlog:
    """As it stands by the server's clock; the work is bounded by the number of queues."""
    (clock,) = await store.read(lambda pipe: pipe.time())
    now_ms = clock[0] * 1000 + clock[1] // 1000

    def numbers(pipe: Any) -> None:
        pipe.zcard(keys.DUE)
        pipe.zcount(keys.DUE, "-inf", now_ms)
        pipe.zcount(keys.WORKERS, now_ms - SEEN_WITHIN_MS, "+inf")
        for status in OPEN:
            pipe.zcard(keys.by_status(status))
        for queue in queues:
            pipe.llen(queue)
        for queue in queues:
            pipe.lindex(queue, -1)

    due, overdue, workers, *rest = await store.read(numbers)
    in_status, depths, oldest = rest[: len(OPEN)], rest[len(OPEN) : -len(queues)], rest[-len(queues) :]
    sent_ms = await _sent_ms(store, [_send_of(message) for message in oldest])
    return Backlog(
        queues={
            queue: Queue(depth, max(0, now_ms - at_ms) if at_ms else None)
            for queue, depth, at_ms in zip(queues, depths, sent_ms, strict=True)
        },
        open=dict(zip(OPEN, in_status, strict=True)),
        due=due,
        overdue=overdue,
        workers=workers,
    )


def _send_of(message: bytes | None) -> Send | None:
    """The send a broker's message is; None without a message, or for one that is no step's."""
    try:
        return parse_task_id(json.loads(message or b"")["headers"]["id"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


async def _sent_ms(store: AsyncStore, sends: Sequence[Send | None]) -> list[int | None]:
    """When each was sent, if it is its step's newest."""

    def stamps(pipe: Any) -> None:
        for send in filter(None, sends):
            pipe.hmget(keys.record(send.workflow_id), f"{send.step}:send", f"{send.step}:queued_ms")

    found = iter(await store.read(stamps) if any(sends) else [])
    return [_newest_ms(send, *next(found)) if send else None for send in sends]


def _newest_ms(send: Send, newest: bytes | None, queued_ms: bytes | None) -> int | None:
    return int(queued_ms) if queued_ms and newest and int(newest) == send.send else None
