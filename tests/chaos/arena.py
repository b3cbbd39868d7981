"""What chaos kills: Valkey, three scripted agents, workers, beats and APIs, all on default settings unless told."""

import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from celery import Celery

from core.settings import ROOT
from core.valkey import sync_client
from pipeline.build import publish
from pipeline.question import accept, send_first
from state import keys
from state.events import Event
from state.model import NewWorkflow, WorkflowRecord
from state.store import Store
from state.transition import Send, new_token
from tests.chaos.proxy import Proxy
from tests.processes import AGENTS, LocalProcess, LocalValkey, LocalWorker, answers, free_ports

NOISY = {"LOG_FORMAT": "json"}
# A breaker that gives a killed agent a rest would give the chaos one as well: steps are to be called, and called again.
RESTLESS = {f"{agent.upper()}_BREAKER_THRESHOLD": "1000" for agent in AGENTS}


class ScriptedAgentProcess(LocalProcess):
    """One agent (see `agent_process`); every one of an arena writes to the same log of calls."""

    def __init__(self, agent: str, folder: Path, *script: object) -> None:
        (self.port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{self.port}"
        super().__init__([sys.executable, "-m", "tests.chaos.agent_process", agent, str(self.port), str(folder),
                          *map(str, script)], folder)

    def up(self) -> bool:
        return answers(f"{self.url}/health")


class LocalApi(LocalProcess):
    """One API process."""

    def __init__(self, folder: Path, environment: dict[str, str], code: Path = ROOT) -> None:
        (port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        super().__init__([sys.executable, "-m", "api"], folder, {**environment, "API_PORT": str(port)}, code)

    def up(self) -> bool:
        return answers(f"{self.url}/health/live")


class LocalBeat(LocalProcess):
    """One beat; of several, one holds the lock."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        super().__init__([sys.executable, "-m", "celery", "-A", "tasks", "beat", "-l", "INFO"], folder, environment)

    def up(self) -> bool:
        return "beat: Starting" in self.logs_since_start()


@dataclass(frozen=True)
class Shape:
    """How many of what, and how the agents behave. `settings` are environment variables of all processes."""

    pool: str = "gevent"
    workers: int = 2
    concurrency: int = 20
    apis: int = 2
    beats: int = 1
    shortest_s: float = 0.0
    longest_s: float = 0.0
    fault_share: float = 0.0
    slow_share: float = 0.0  # of calls that take `slow_s` longer
    slow_s: float = 0.0
    seed: int = 1
    proxied: bool = False  # workers, APIs and beats reach Valkey through a `Proxy`
    handoff: bool = True  # the short way from a step to the next one, gevent only
    settings: dict[str, str] = field(default_factory=dict)


class Arena:
    """All processes of one run, and the record they share."""

    def __init__(self, folder: Path, shape: Shape) -> None:
        self.folder, self.shape = folder, shape
        folder.mkdir(parents=True, exist_ok=True)
        self.processes: dict[str, list[LocalProcess]] = {}
        self.valkey = LocalValkey(folder, "--appendfsync", "everysec")
        self.processes["valkey"] = [self.valkey]
        script = (shape.seed, shape.shortest_s, shape.longest_s, shape.fault_share, shape.slow_share, shape.slow_s)
        agents = {name: ScriptedAgentProcess(name, folder, *script) for name in AGENTS}
        self.proxy = Proxy(self.valkey.port) if shape.proxied else None
        url = self.proxy.url if self.proxy else self.valkey.url
        self.environment = {**NOISY, "REDIS_URL": url, "DATA": "", "LOCAL_HANDOFF": str(shape.handoff),
                            **{f"{name.upper()}_AGENT_URL": agent.url for name, agent in agents.items()},
                            **shape.settings}
        self.processes |= {name: [agent] for name, agent in agents.items()}
        self.client: Any = sync_client(self.valkey.url)
        self.store = Store(self.client)
        self._asker = Celery("asker", broker=self.valkey.url, set_as_current=False)
        self.valkey.ready()
        self.processes["worker"] = [self.worker() for _ in range(shape.workers)]
        self.processes["api"] = [LocalApi(folder, self.environment) for _ in range(shape.apis)]
        self.processes["beat"] = [LocalBeat(folder, self.environment) for _ in range(shape.beats)]

    def worker(self, pool: str = "", concurrency: int = 0, **environment: str) -> LocalWorker:
        """One more worker, not one of those that chaos knows."""
        return LocalWorker(self.folder, {**self.environment, **environment}, pool or self.shape.pool,
                           concurrency or self.shape.concurrency)

    def ready(self) -> Self:
        """Wait until all do their work."""
        for process in self.all():
            process.ready()
        return self

    def all(self) -> Iterator[LocalProcess]:
        """Every process, Valkey first."""
        for group in self.processes.values():
            yield from group

    @property
    def api_urls(self) -> list[str]:
        """Where the APIs listen."""
        return [process.url for process in self.processes["api"] if isinstance(process, LocalApi)]

    def send(self, workflow: NewWorkflow, *, lost: bool = False) -> None:
        """Accept a workflow without an API, and send its first message, past any proxy, unless that is to be lost."""
        started = self.store.run(accept(workflow, new_token()))
        if not lost:
            send_first(self._asker, workflow, started)

    def hint(self, send: Send) -> None:
        """Publish the message of a send, whether it was published before or not."""
        publish(self._asker, send)

    def revoke(self, task_id: str) -> None:
        """Celery's own revoke, as from a shell."""
        self._asker.control.revoke(task_id, terminate=True)

    def record(self, workflow: NewWorkflow) -> WorkflowRecord:
        """Where a workflow stands."""
        found = self.store.record(workflow.workflow_id)
        assert found is not None
        return found

    def events(self, workflow_id: str) -> list[Event]:
        """The history of a workflow."""
        return [Event.of_entry(*entry) for entry in self.client.xrange(keys.events(workflow_id))]

    def history_length(self, workflow_id: str) -> int:
        """How many events a workflow has."""
        return int(self.client.xlen(keys.events(workflow_id)))

    def told(self, workflow_id: str, step: str, word: str | None) -> None:
        """Tell the agent of one step to `hold`, to fail with a status, or (None) to go on as ever."""
        file = self.folder / f"{workflow_id}.{step}"
        if word is None:
            file.unlink(missing_ok=True)
        else:
            file.write_text(word)

    def calls(self) -> list[dict[str, Any]]:
        """Every call the agents saw, in order."""
        log = self.folder / "calls.jsonl"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def calls_per_step(self) -> Counter[str]:
        """Calls by idempotency key: one key is one step (and round)."""
        return Counter(call["Idempotency-Key"] for call in self.calls())

    def freeze(self, process: LocalProcess) -> None:
        """SIGSTOP to all of a process's group: nothing moves until it is killed or resumed."""
        os.killpg(process.process.pid, signal.SIGSTOP)

    def resume(self, process: LocalProcess) -> None:
        """SIGCONT to all of a process's group."""
        os.killpg(process.process.pid, signal.SIGCONT)

    def close(self) -> None:
        """End everything; Valkey last, and nobody gets time to tidy up."""
        for process in reversed(list(self.all())):
            if process is not self.valkey and process.status == "running":
                process.kill()
        if self.proxy:
            self.proxy.close()
        self._asker.close()
        self.client.close()
        self.valkey.teardown()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: BaseException | None,
                 _trace: TracebackType | None) -> None:
        self.close()
