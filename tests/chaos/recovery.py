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

LOST = frozenset({EventKind.TAKEN_OVER, EventKind.RESENT})


@dataclass(frozen=True)
class Recovery:
    """`waits_s`: from the kill to the moment each lost step began again; `stood`: the victim's steps by boundary."""

    waits_s: list[float]
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
        load = Load(arena.api_urls, 4 * wanted, 40, shape.seed, folder / "promises.jsonl")
        load.start()
        wait_for(lambda: _claimed(arena, victim.hostname) >= wanted, f"{wanted} steps in one worker", 60)
        killed_at_ms = _server_ms(arena)
        stood = {str(where): count for where, count in strike(arena, victim).items()}
        load.stop()
        note(f"killed a worker while its steps stood {stood}")
        settle(arena, 120)
        return Recovery(_waits_s(arena, load.accepted, killed_at_ms), stood, judge(arena, load.accepted))


def _claimed(arena: Arena, node: str) -> int:
    stood = standing(arena.client, node)
    return stood[Boundary.CALL] + stood[Boundary.HELD]


def _server_ms(arena: Arena) -> float:
    seconds, micros = arena.client.time()
    return float(seconds * 1000 + micros / 1000)


def _waits_s(arena: Arena, workflows: list[str], killed_at_ms: float) -> list[float]:
    waits: list[float] = []
    for workflow_id in workflows:
        lost: set[str] = set()
        retried: set[str] = set()
        for event in arena.events(workflow_id):
            if event.kind is EventKind.RETRYING:
                retried.add(event.step)
            elif event.at_ms >= killed_at_ms and event.kind in LOST and event.step not in retried:
                lost.add(event.step)
            elif event.kind is EventKind.BEGUN and event.step in lost:
                lost.remove(event.step)
                waits.append((event.at_ms - killed_at_ms) / 1000)
    return waits


