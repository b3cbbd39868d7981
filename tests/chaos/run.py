"""One run of chaos: load, kills, the end, and the verdict."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from tests.chaos.arena import RESTLESS, Arena, Shape
from tests.chaos.killer import Landed, plan, rampage
from tests.chaos.load import Load
from tests.chaos.verdict import Verdict, judge, settle


@dataclass(frozen=True)
class Size:
    """How much of it: workflows accepted, kills, and the seconds between kills (mean)."""

    workflows: int
    kills: int
    every_s: float = 2.0
    settle_s: float = 90.0


@dataclass(frozen=True)
class Outcome:
    """What a run gave."""

    verdict: Verdict
    landed: list[Landed]
    answers: Counter[int]
    seconds: float
    ended: list[str]  # processes that do not run at the end: whoever was killed was started again, nobody else may end

    @property
    def kills(self) -> Counter[str]:
        """Kills landed by process."""
        return Counter(kill.blow.row for kill in self.landed)

    @property
    def boundaries(self) -> dict[str, dict[str, int]]:
        """By process and boundary: kills that landed while at least one step stood there."""
        found: dict[str, Counter[str]] = {}
        for kill in self.landed:
            found.setdefault(kill.blow.row, Counter()).update(str(boundary) for boundary in kill.steps)
        return {row: dict(counts) for row, counts in sorted(found.items())}


def run_chaos(folder: Path, size: Size, shape: Shape, note: Callable[[str], None]) -> Outcome:
    """Post `size.workflows` questions while the plan of `shape.seed` kills; wait for the end; judge."""
    began = time.monotonic()
    blows = plan(shape.seed, size.kills, shape.pool, size.every_s)
    per_s = size.workflows / sum(blow.after_s + blow.down_s for blow in blows)
    with Arena(folder, replace(shape, settings={**RESTLESS, **shape.settings})) as arena:
        arena.ready()
        load = Load(arena.api_urls, size.workflows, per_s, shape.seed, folder / "promises.jsonl")
        load.start()
        landed = rampage(arena, blows, shape.seed, note)
        while not load.done:
            time.sleep(0.1)
        load.stop()
        settle(arena, size.settle_s)
        ended = [process.name for process in arena.all() if process.status != "running"]
        return Outcome(judge(arena, load.accepted), landed, load.answers, time.monotonic() - began, ended)
