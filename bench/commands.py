"""Commands per workflow: those that clients send, and those that scripts call inside Valkey."""

import time
from collections import Counter
from dataclasses import dataclass

from bench.figures import less_idle
from bench.stage import Stage

IDLE_S = 3.0
KEPT = 0.05


@dataclass(frozen=True, slots=True)
class Commands:
    """Per workflow, without what the idle system sends anyway."""

    from_clients: float
    inside_scripts: float
    by_name: dict[str, float]


def count(stage: Stage, workflows: int) -> Commands:
    """Count over one burst; the stage must have a proxy."""
    idle_from = _look(stage)
    time.sleep(IDLE_S)
    before = _look(stage)
    idle_per_s = {name: (value - idle_from.get(name, 0)) / IDLE_S for name, value in before.items()}
    wall_s = stage.asker.order(order="burst", count=workflows)["wall_s"]
    used = less_idle(_look(stage), before, idle_per_s, wall_s)
    all_commands = used.pop("all") / workflows
    by_name = {name: value / workflows for name, value in used.items()}
    sent = sum(by_name.values())
    often = sorted(((name, value) for name, value in by_name.items() if value >= KEPT), key=lambda item: -item[1])
    return Commands(sent, max(0.0, all_commands - sent), dict(often))


def _look(stage: Stage) -> Counter[str]:
    """Counts by name as the proxy saw them, and `all` that the server executed, less our own look at it."""
    assert stage.proxy is not None  # noqa: S101 - a stage that is counted has one
    counts = stage.proxy.counts()
    counts["all"] = int(stage.stats()["total_commands_processed"])
    return counts
