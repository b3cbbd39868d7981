"""How long the steps of a worker that was killed -9 wait until they run again elsewhere."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from state.events import EventKind
from tests.chaos.arena import Arena, Shape
from tests.chaos.boundary import Boundary, standing
from tests.chaos.killer import strike
from tests.chaos.load import Load
from tests.chaos.verdict import Verdict, judge, settle
from tests.processes import LocalWorker, wait_for

MOST_ASKED = 2_000  # far more than it takes: the load goes on until the kill
LOST = frozenset({EventKind.TAKEN_OVER, EventKind.RESENT})


@dataclass(frozen=True)
class Recovery:
    """`waits_s`: from the kill to the moment each lost step began again; `stood`: the victim's steps by boundary.

    `claimed_waits_s` are those of steps that the victim had claimed. What it had just taken from the queue (it claims
    four times a second) waits until it counts as lost there.
    """

    waits_s: list[float]
    claimed_waits_s: list[float]
    stood: dict[str, int]
    verdict: Verdict

    def percentile(self, share: float) -> float:
        """The wait that `share` of the steps did not exceed."""
        ordered = sorted(self.waits_s)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def kill_a_busy_worker(folder: Path, shape: Shape, wanted: int, note: Callable[[str], None]) -> Recovery:
    """Fill two workers until the first one runs and has reserved all it can, and `wanted` steps in all; kill it."""
    with Arena(folder, shape) as arena:
        arena.ready()
        victim = arena.processes["worker"][0]
        assert isinstance(victim, LocalWorker)
        load = Load(arena.api_urls, MOST_ASKED, 40, shape.seed, folder / "promises.jsonl")
        load.start()
        wait_for(lambda: _stands_still_with(arena, victim, wanted), f"{wanted} steps in one worker", 60)
        killed_at_ms = _server_ms(arena)
        stood = {str(where): count for where, count in strike(arena, victim).items()}
        load.stop()
        note(f"killed a worker while its steps stood {stood}")
        settle(arena, 120)
        waits = _waits_s(arena, load.accepted, killed_at_ms)
        claimed = [wait_s for kind, wait_s in waits if kind is EventKind.TAKEN_OVER]
        return Recovery([wait_s for _, wait_s in waits], claimed, stood, judge(arena, load.accepted))


def _stands_still_with(arena: Arena, victim: LocalWorker, wanted: int) -> bool:
    """Whether the worker has claimed so many steps; if so it is frozen, and none of them can end any more."""
    if _claimed(arena, victim) < wanted:
        return False
    arena.freeze(victim)
    if _claimed(arena, victim) >= wanted:
        return True
    arena.resume(victim)
    return False


def _claimed(arena: Arena, worker: LocalWorker) -> int:
    stood = standing(arena.client, worker.hostname)
    return stood[Boundary.CALL] + stood[Boundary.HELD]


def _server_ms(arena: Arena) -> float:
    seconds, micros = arena.client.time()
    return float(seconds * 1000 + micros / 1000)


def _waits_s(arena: Arena, workflows: list[str], killed_at_ms: float) -> list[tuple[EventKind, float]]:
    waits: list[tuple[EventKind, float]] = []
    for workflow_id in workflows:
        lost: dict[str, EventKind] = {}
        retried: set[str] = set()
        for event in arena.events(workflow_id):
            if event.kind is EventKind.RETRYING:
                retried.add(event.step)
            elif event.at_ms >= killed_at_ms and event.kind in LOST and event.step not in retried:
                lost[event.step] = EventKind(event.kind)
            elif event.kind is EventKind.BEGUN and event.step in lost:
                waits.append((lost.pop(event.step), (event.at_ms - killed_at_ms) / 1000))
    return waits


