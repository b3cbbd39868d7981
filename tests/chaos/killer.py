"""The killer: kills one process after the other with -9, by a seeded plan, and notes where each kill landed."""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import psutil

from tests.chaos.arena import Arena
from tests.chaos.boundary import Boundary, standing
from tests.processes import AGENTS, LocalProcess, LocalWorker, gone, wait_for

ROWS = ("worker", "beat", "api", *AGENTS, "valkey")
VALKEY_AT_LEAST = 3


class How(StrEnum):
    """What of a process is killed."""

    GROUP = "all of it"
    PARENT = "the parent alone"
    CHILD = "one child"


@dataclass(frozen=True)
class Blow:
    """One planned kill: of which process, how, how long after the one before, and how long it stays down."""

    row: str
    how: How
    after_s: float
    down_s: float


@dataclass(frozen=True)
class Landed:
    """One kill that landed, and how many steps stood at each boundary at that moment (a worker's: its own)."""

    blow: Blow
    steps: Counter[Boundary]


def plan(seed: int, kills: int, pool: str, every_s: float) -> list[Blow]:
    """At least one kill of every row and three of Valkey, the rest workers before all; in seeded order."""
    chance = random.Random(seed)
    rows = [*ROWS, *["valkey"] * (VALKEY_AT_LEAST - 1)]
    rows += chance.choices(ROWS, [6, 1, 1, 1, 1, 1, 2], k=kills - len(rows))
    chance.shuffle(rows)
    hows = list(How) if pool == "prefork" else [How.GROUP]
    return [Blow(row, chance.choice(hows) if row == "worker" else How.GROUP, every_s * chance.uniform(0.5, 1.5),
                 chance.uniform(0.0, 1.0)) for row in rows]


def rampage(arena: Arena, blows: list[Blow], seed: int, note: Callable[[str], None]) -> list[Landed]:
    """Carry the plan out; each victim was doing its work when it was hit, and is started again.

    Runs in the thread that made the processes: they live as long as it does.
    """
    chance, landed = random.Random(seed + 1), []
    for blow in blows:
        time.sleep(blow.after_s)
        victim = chance.choice(arena.processes[blow.row])
        victim.ready()
        landed.append(Landed(blow, strike(arena, victim, blow.how)))
        note(f"killed {blow.row} ({blow.how}): {dict(landed[-1].steps)}")
        time.sleep(blow.down_s)
        if victim.status == "exited":
            victim.start()
    return landed


def strike(arena: Arena, victim: LocalProcess, how: How = How.GROUP) -> Counter[Boundary]:
    """Kill -9; the victim is frozen while we note where its steps stand, so the note is exact."""
    if victim is arena.valkey:
        steps = standing(arena.client)
        victim.kill()
        return steps
    arena.freeze(victim)
    steps = standing(arena.client, victim.hostname if isinstance(victim, LocalWorker) else "")
    if how is How.GROUP:
        children = psutil.Process(victim.process.pid).children()
        victim.kill()
        wait_for(lambda: all(gone(child.pid) for child in children), "the end of all its children")
    elif how is How.PARENT:
        children = psutil.Process(victim.process.pid).children()
        os.kill(victim.process.pid, signal.SIGKILL)
        victim.process.wait()
        for child in children:
            _resume(child)
    else:
        child = psutil.Process(victim.process.pid).children()[0]
        child.kill()
        arena.resume(victim)
        wait_for(lambda: gone(child.pid), "the child's end")
    return steps


def _resume(child: psutil.Process) -> None:
    """What the parent left behind goes on until it notices."""
    try:
        child.resume()
    except psutil.NoSuchProcess:
        return
