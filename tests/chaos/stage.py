"""Where agents fail on demand: Valkey, a fast agent behind the fault proxy, two gevent workers, beat, and a client."""

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from celery import Celery

from breakers.events import BreakerEvent
from breakers.store import Store as BreakerStore
from core.valkey import sync_client
from pipeline.question import Question, accept, plan_workflow, send_first
from state.model import Mode
from state.store import Store
from state.transition import new_token
from tests.chaos.arena import NOISY, LocalBeat
from tests.chaos.boundary import unfinished
from tests.faults_process import LocalFaults
from tests.processes import AGENTS, LocalProcess, LocalValkey, LocalWorker, answers, free_ports

WORKERS, CONCURRENCY, CALL_S = 2, 200, 0.03
LOOK_S = 0.2


class LocalEchoAgent(LocalProcess):
    """The agent of all three roles (see `echo_agent`)."""

    def __init__(self, folder: Path, delay_s: float = CALL_S) -> None:
        (port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        super().__init__([sys.executable, "-m", "tests.chaos.echo_agent", str(port), str(delay_s)], folder)

    def up(self) -> bool:
        return answers(f"{self.url}/health")


class Stage:
    """All that runs, and the way to ask a question without an API."""

    def __init__(self, valkey: LocalValkey, faults: LocalFaults) -> None:
        self.faults = faults
        self.client: Any = sync_client(valkey.url)
        self.store = Store(self.client)
        self._breakers = BreakerStore(valkey.url)
        self._asker = Celery("asker", broker=valkey.url, set_as_current=False)

    def ask(self, query: str, mode: Mode, deadline_s: float = 0.0) -> str:
        """Accept a question and send its first message; the workflow's id."""
        workflow = plan_workflow(Question(query), mode)
        if deadline_s:
            workflow = replace(workflow, deadline_s=deadline_s)
        send_first(self._asker, workflow, self.store.run(accept(workflow, new_token())))
        return workflow.workflow_id

    def settle(self, limit_s: float) -> None:
        """Wait until all workflows have ended."""
        gives_up_at = time.monotonic() + limit_s
        while left := len(unfinished(self.client)):
            assert time.monotonic() < gives_up_at, f"{left} workflows have not ended after {limit_s:.0f} s"
            time.sleep(LOOK_S)

    def breaker_events(self) -> list[BreakerEvent]:
        """What happened to all breakers, oldest first."""
        return self._breakers.last_events(10_000)[::-1]

    def close(self) -> None:
        """Hang up."""
        self._breakers.close()
        self._asker.close()
        self.client.close()


@contextmanager
def stage_of(folder: Path, settings: Mapping[str, str], concurrency: int = CONCURRENCY) -> Iterator[Stage]:
    """Start everything, and end it; `settings` are environment variables of workers and beat."""
    with ExitStack() as running:
        valkey = LocalValkey(folder, "--appendfsync", "everysec")
        running.callback(valkey.teardown)
        agent = LocalEchoAgent(folder)
        running.callback(agent.kill)
        faults = LocalFaults(folder, dict.fromkeys(AGENTS, agent.url))
        running.callback(faults.kill)
        for process in (valkey, agent, faults):
            process.ready()
        environment = {**NOISY, "REDIS_URL": valkey.url, "DATA": "", **faults.environment_of_clients, **settings}
        crew: list[LocalProcess] = []
        for _ in range(WORKERS):
            crew.append(LocalWorker(folder, environment, "gevent", concurrency))
            running.callback(crew[-1].kill)
        crew.append(LocalBeat(folder, environment))
        running.callback(crew[-1].kill)
        for process in crew:
            process.ready()
        stage = Stage(valkey, faults)
        running.callback(stage.close)
        yield stage
