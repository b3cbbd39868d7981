"""While it serves: tell of restarts, and end when a process cannot be kept alive."""

import time
from collections.abc import Callable, Iterator

from deploy.local.children import Child
from deploy.local.faults import SupervisorGoneError
from deploy.local.startup import child_died, keeps_dying
from deploy.local.supervisord import State, Supervisord

POLL_S = 0.25


def keep_watch(supervisord: Supervisord, wanted: list[Child], notice: Callable[[str], None]) -> None:
    """Never returns: ends with a fault, or with the exception a signal raises."""
    known = supervisord.states()
    while True:
        time.sleep(POLL_S)
        seen = supervisord.states()
        if not seen:
            if not supervisord.alive:
                raise SupervisorGoneError(supervisord.own_log)
            continue
        for child in wanted:
            for line in _changes(child, known[child.name], seen[child.name]):
                notice(line)
            if keeps_dying(seen[child.name]):
                raise child_died(supervisord, child)
        known = seen


def _changes(child: Child, before: State, now: State) -> Iterator[str]:
    if before.pid and before.pid != now.pid:
        yield f"The {child.title} ended (was pid {before.pid})."
    if now.pid and now.pid != before.pid:
        yield f"The {child.title} runs again (pid {now.pid})."
