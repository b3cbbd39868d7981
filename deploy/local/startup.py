"""From nothing to ready: the store first, then everything else at once."""

import time
from collections.abc import Callable

from deploy.local.children import Child
from deploy.local.faults import ChildDiedError, NotReadyError, SupervisorGoneError
from deploy.local.supervisord import State, Supervisord

START_LIMIT_S = 90.0
POLL_S = 0.1
# What dies while starting is misconfigured, so nobody is made to wait for all of supervisord's retries.
FAST_DEATHS = 2
QUOTED_LINES = 8

Report = Callable[[Child, float], None]


def bring_up(supervisord: Supervisord, wanted: list[Child], report: Report) -> None:
    """Start all and return when every probe is content; `report` hears of each, with the seconds it took."""
    begin = time.monotonic()
    supervisord.launch(wanted)
    _wait(lambda: bool(supervisord.states()), supervisord)
    for group, last in (("store", True), ("baton", False)):
        members = [child for child in wanted if child.stops_last is last]
        if members:
            supervisord.start(group)
            _Readiness(supervisord, members, begin, report).wait()


def _wait(condition: Callable[[], bool], supervisord: Supervisord) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while not condition():
        if not supervisord.alive or time.monotonic() > deadline:
            raise SupervisorGoneError(supervisord.own_log)
        time.sleep(POLL_S)


class _Readiness:
    """Waits for some processes, and gives up on one that dies too often."""

    def __init__(self, supervisord: Supervisord, members: list[Child], begin: float, report: Report) -> None:
        self._supervisord, self._begin, self._report = supervisord, begin, report
        self._pending = {child.name: child for child in members}
        self._starts: dict[str, set[int]] = {child.name: set() for child in members}
        self._missing: dict[str, str] = {}

    def wait(self) -> None:
        while self._pending:
            self._probe_pending()
            self._count_starts()
            self._check_time()
            if self._pending:
                time.sleep(POLL_S)

    def _probe_pending(self) -> None:
        for name, child in list(self._pending.items()):
            self._missing[name] = child.probe()
            if not self._missing[name]:
                del self._pending[name]
                self._report(child, time.monotonic() - self._begin)

    def _count_starts(self) -> None:
        states = self._supervisord.states()
        if not states and not self._supervisord.alive:
            raise SupervisorGoneError(self._supervisord.own_log)
        for name, child in self._pending.items():
            if state := states.get(name):
                self._starts[name].add(state.started_at)
                if len(self._starts[name]) > FAST_DEATHS or keeps_dying(state):
                    raise child_died(self._supervisord, child)

    def _check_time(self) -> None:
        waited_s = time.monotonic() - self._begin
        if waited_s > START_LIMIT_S:
            name, child = next(iter(self._pending.items()))
            raise NotReadyError(child.title, waited_s, self._missing[name], self._supervisord.log_of(name))


def keeps_dying(state: State) -> bool:
    """Whether supervisord has given up on a process."""
    return state.status == "FATAL"


def child_died(supervisord: Supervisord, child: Child) -> ChildDiedError:
    """The fault that tells which process died, with its last words."""
    log = supervisord.log_of(child.name)
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return ChildDiedError(child.title, log, lines[-QUOTED_LINES:])
