"""The rollout on the running system: 20 questions a second, and a regression that only Celery's quarter meets.

One API with the real switch and evaluator calls the agents directly; the worker calls the same agents through the
fault-injecting proxy. After the rollback the fault is cleared, and Celery has to come back by itself.
"""

import itertools
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path as Folder
from typing import Any, Final

import requests

from prove.proof import Figure, Result, Run
from tests.faults_process import LocalFaults
from tests.processes import AGENTS, LocalProcess, LocalValkey, LocalWorker
from tests.switched_api import SwitchedApi
from tests.timed_agent import TimedAgent

PER_S: Final = 20.0
AGENT_MS: Final = 300
SHARE: Final = 25
QUIET_S: Final = 30.0
LIMIT_S: Final = 150.0
GATE_S: Final = 60.0
RETURN: Final = {"ROLLOUT_COOL_DOWN_S": "5", "ROLLOUT_STAGE_S": "5", "ROLLOUT_STAGE_ASKED": "3"}
# As an answer that no further attempt mends and nothing stands in for; and each agent twice as slow as it is.
FAULTS: Final[dict[str, dict[str, dict[str, Any]]]] = {
    "10 % failures": {"data": {"fault": "error", "status": 200, "recovery_action": "contact_support", "share": 0.1}},
    "+100 % latency": {agent: {"fault": "latency", "delay_s": AGENT_MS / 1000} for agent in AGENTS},
}


class Askers:
    """People who ask by the clock, each in a session of their own, whatever became of the others."""

    def __init__(self, url: str, per_s: float) -> None:
        self._url, self._per_s, self._over = url, per_s, threading.Event()
        self._sessions = itertools.count()
        self._lock = threading.Lock()
        self.answers: Counter[str] = Counter()
        lanes = range(round(per_s) * 2)
        self._threads = [threading.Thread(target=self._ask, args=(lane,), daemon=True) for lane in lanes]

    @contextmanager
    def asking(self) -> Iterator["Askers"]:
        """As long as this lasts."""
        self._began_s = time.monotonic()
        for thread in self._threads:
            thread.start()
        try:
            yield self
        finally:
            self._over.set()
            for thread in self._threads:
                thread.join(70)

    def _ask(self, lane: int) -> None:
        with requests.Session() as session:
            for turn in itertools.count():
                due_s = self._began_s + (turn * len(self._threads) + lane) / self._per_s
                if self._over.wait(max(0.0, due_s - time.monotonic())):
                    return
                body = {"query": "flights per month", "session_id": f"session-{next(self._sessions)}"}
                reply = session.post(f"{self._url}/api/query", json=body, timeout=60).json()
                with self._lock:
                    self.answers[f"{reply.get('path', 'problem')} {reply.get('status', '')}"] += 1

    def taken(self) -> Counter[str]:
        """Answers since the last time, by path and status (a problem's is the HTTP status)."""
        with self._lock:
            answers, self.answers = self.answers, Counter()
        return answers


@contextmanager
def staged(folder: Folder) -> Iterator[tuple[SwitchedApi, LocalFaults]]:
    """All of it, started."""
    with ExitStack() as stack:
        def started(process: LocalProcess) -> None:
            stack.callback(process.teardown)
            process.ready()

        started(valkey := LocalValkey(folder / "valkey"))
        started(agent := TimedAgent(folder, AGENT_MS))
        urls = {f"{name.upper()}_AGENT_URL": agent.url for name in AGENTS}
        started(faults := LocalFaults(folder, dict.fromkeys(AGENTS, agent.url)))
        environment = {"REDIS_URL": valkey.url, **RETURN}
        started(LocalWorker(folder, {**environment, **faults.environment_of_clients}, concurrency=100))
        started(api := SwitchedApi(folder, {**environment, **urls}))
        yield api, faults


def live(run: Run, *, name: str) -> Result:
    """One regression, from quiet to rolled back to returned."""
    with staged(run.folder) as (api, faults), Askers(api.url, PER_S).asking() as askers:
        api.put(SHARE)
        time.sleep(max(10.0, QUIET_S * run.scale))
        before, moved = askers.taken(), api.shown()["share"] != SHARE
        for agent, rule in FAULTS[name].items():
            faults.rule(agent, **rule)
        began_s = time.monotonic()
        rolled_back_s = api.until(lambda shown: shown["share"] == 0, LIMIT_S) - began_s
        during, reason = askers.taken(), api.shown()["reason"]
        faults.clear()
        returned_s = api.until(lambda shown: shown["share"] == SHARE, LIMIT_S) - began_s - rolled_back_s
        after = askers.taken()
    return Result([
        Figure(f"rolled back, {name}, {PER_S:g} questions/s, share {SHARE} %", round(rolled_back_s, 1), "s", GATE_S),
        Figure("rolled back while nothing was wrong", float(moved), "", 0),
        Figure("back at its share by itself, cool-down 5 s, four stages", round(returned_s, 1), "s", LIMIT_S),
        Figure("questions answered by the direct path before", float(before["direct SUCCEEDED"]), "", 1, "higher"),
    ], {"reason": reason, "before": dict(before), "during": dict(during), "after": dict(after)})
