"""Transitions of recovery: what workers do about steps that are held, lost, overdue, or long expired."""

from dataclasses import dataclass, field
from enum import StrEnum

from core.settings import get_settings
from state import keys
from state.model import WorkflowStatus
from state.transition import Argument, Raw, Send, Transition, new_token, sends_of


def longest_gap_ms() -> int:
    """Between two looks of anybody; after more than that, Valkey was away or all workers were."""
    return max(1_000, int(get_settings().overdue_interval_s * 4_000))


def renew(node: str, held: list[tuple[Send, bool]], lease_ms: int, gap_ms: int) -> Transition[list[str]]:
    """Renew all that `node` holds (send, is its call active); answers the task ids whose calls must stop."""
    triples: list[Argument] = []
    for send, active in held:
        triples += [send.workflow_id, send.step, ("!" if active else "") + send.task_id]
    return Transition(
        "renew",
        [keys.DUE, keys.LOOK],
        [node, lease_ms, gap_ms, *triples],
        lambda raw: [item.decode() for item in raw],
    )


def look(limit: int, gap_ms: int, lease_ms: int, node: str = "") -> Transition[list[tuple[str, str]]]:
    """Overdue (workflow id, step) pairs; the empty step is a deadline. Nothing is taken by looking.

    The worker `node` shows by it that it lives.
    """

    def understand(raw: Raw) -> list[tuple[str, str]]:
        return [(member.decode().rpartition("|")[0], member.decode().rpartition("|")[2]) for member in raw]

    return Transition("look", [keys.DUE, keys.LOOK, keys.WORKERS], [limit, gap_ms, lease_ms, node], understand)


def trim(longest_s: float) -> Transition[int]:
    """Forget index members older than `longest_s`; answers how many. Idempotent."""
    final = [f"{keys.BY_STATUS}:{status}" for status in WorkflowStatus if status.final]
    return Transition("trim", [keys.BY_TIME, *final], [int(longest_s * 1000)], lambda raw: int(raw[0]))


class OverdueKind(StrEnum):
    """What became of an overdue entry."""

    SENT = "sent"
    LATER = "later"
    DROPPED = "dropped"
    POISONED = "poisoned"
    DEADLINE = "deadline"
    NEWER = "newer"


@dataclass(frozen=True, slots=True)
class Overdue:
    """`sends` are to be published, for the reason `why` (lost, retry, takeover, ...).

    `task_ids` are to stop on a deadline. A record that is newer than this release is left to newer workers.
    """

    kind: OverdueKind
    sends: tuple[Send, ...] = ()
    why: str = ""
    task_ids: tuple[str, ...] = field(default=())

    @property
    def send(self) -> Send | None:
        """The one send of a step that is sent again."""
        return self.sends[0] if self.sends else None


def overdue(
    workflow_id: str, step: str, *, grace_ms: int, max_takeovers: int, ttl_s: int, queue_prefix: str = ""
) -> Transition[Overdue]:
    """Take one overdue entry; of many callers one gets it."""

    def understand(raw: Raw) -> Overdue:
        kind = OverdueKind(raw[0].decode())
        if kind is OverdueKind.SENT:
            return Overdue(kind, sends_of(workflow_id, raw[2:]), raw[1].decode())
        if kind is OverdueKind.POISONED:
            return Overdue(kind, sends_of(workflow_id, raw[1:]), "went on without it")
        if kind is OverdueKind.NEWER:
            return Overdue(kind)
        return Overdue(kind, task_ids=tuple(item.decode() for item in raw[1:]))

    return Transition(
        "overdue",
        keys.of_transition(workflow_id, keys.QUEUE_MARKS),
        [workflow_id, new_token(), ttl_s, step, grace_ms, max_takeovers, queue_prefix],
        understand,
    )
