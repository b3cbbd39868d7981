"""A transition as a value: which script, with what, and what its answer means. `state.store` runs it, sync or async.

Each one is one atomic script. Every call that reports or claims carries a token, so that a call whose answer was lost
can be made again and counts once.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
Raw = list[bytes]
Argument = str | int | float | bytes


@dataclass(frozen=True, slots=True)
class Transition(Generic[T]):
    """One call of one script."""

    script: str
    keys: list[str]
    args: list[Argument]
    understand: Callable[[Raw], T]


@dataclass(frozen=True, slots=True)
class Send:
    """A message to be published: `<workflow>.<step>.<round>.<send>` is its task id, never used twice.

    `tail` are the steps, each with its queue, that may follow it in one chain.
    """

    workflow_id: str
    step: str
    round: int
    send: int
    queue: str = ""
    tail: tuple[tuple[str, str], ...] = ()

    @property
    def task_id(self) -> str:
        """The id of the message."""
        return f"{self.workflow_id}.{self.step}.{self.round}.{self.send}"


def parse_task_id(task_id: str) -> Send | None:
    """The send a task id names; None when it is not one of ours."""
    parts = task_id.rsplit(".", 3)
    if len(parts) != 4 or not (parts[2].isdigit() and parts[3].isdigit()):
        return None
    return Send(parts[0], parts[1], int(parts[2]), int(parts[3]))


def new_token() -> str:
    """A call token."""
    return secrets.token_hex(8)


def sends_of(workflow_id: str, raw: Raw) -> tuple[Send, ...]:
    """Sends as a script answers them: step, round, send, queue, tail, and so on."""
    return tuple(
        Send(workflow_id, step.decode(), int(round_), int(number), queue.decode(), parse_tail(tail.decode()))
        for step, round_, number, queue, tail in zip(*(raw[place::5] for place in range(5)), strict=True)
    )


def parse_tail(text: str) -> tuple[tuple[str, str], ...]:
    """The steps of a chain after its first: `<step>@<queue>,...`."""
    pairs = (item.partition("@") for item in text.split(",") if item)
    return tuple((step, queue) for step, _, queue in pairs)
