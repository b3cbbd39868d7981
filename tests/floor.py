"""A floor for tests: one scripted agent in all three roles, the store, and workers that call it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from celery import Celery

from core.settings import ROOT
from core.valkey import sync_client
from pipeline.answer import Answer, compose_answer
from pipeline.question import Question, accept, plan_workflow, send_first
from state import keys
from state.model import Mode, StepStatus, WorkflowRecord
from state.record import read_contents
from state.store import Store
from state.transition import new_token
from tests.processes import LocalValkey, LocalWorker, wait_for
from tests.scripted_agent import STANDARD, ScriptedAgent

FAST = {"LEASE_S": "2", "RENEW_INTERVAL_S": "0.4"}


class Floor:
    """Workers run with leases of two seconds, and with `settings` on top."""

    def __init__(self, valkey: LocalValkey, agent: ScriptedAgent, folder: Path, **settings: str) -> None:
        self.agent, self._folder = agent, folder
        self.environment = {"REDIS_URL": valkey.url, **FAST, **settings,
                            **{f"{name}_AGENT_URL": agent.url for name in ("NLP", "DATA", "VIZ")}}
        self.client: Any = sync_client(valkey.url)
        self.store = Store(self.client)
        self.workers: list[LocalWorker] = []
        self.app = _app(valkey.url)

    def worker(self, pool: str = "gevent") -> LocalWorker:
        """The one worker that runs, on `pool`; it is kept from test to test."""
        if [worker.pool for worker in self.workers if worker.status == "running"] != [pool]:
            self.no_worker()
            self.another_worker(pool)
        return self.workers[-1]

    def another_worker(self, pool: str = "gevent", *, ready: bool = True) -> LocalWorker:
        """One more; one that is not waited for may still be starting."""
        worker = LocalWorker(self._folder, self.environment, pool, concurrency=4)
        self.workers.append(worker)
        if ready:
            worker.ready()
        return worker

    def no_worker(self) -> None:
        """End them all."""
        for worker in self.workers:
            if worker.status == "running":
                worker.kill()
        self.workers.clear()

    def forget(self) -> None:
        """No earlier answer stands in, and no breaker remembers a fault."""
        self.forget_answers()
        for key in self.client.scan_iter("baton:breaker:*"):
            self.client.delete(key)

    def forget_answers(self) -> None:
        """No earlier answer stands in."""
        for key in self.client.scan_iter("baton:last-good:*"):
            self.client.delete(key)

    def ask(self, query: str = "how many flights", mode: Mode = Mode.INTERACTIVE, deadline_s: float = 0.0) -> str:
        """Accept a question and send its first step; the workflow's id."""
        workflow = plan_workflow(Question(query, deadline_s=deadline_s or None), mode)
        send_first(self.app, workflow, self.store.run(accept(workflow, new_token())))
        return workflow.workflow_id

    def record(self, workflow_id: str) -> WorkflowRecord:
        """Where it stands."""
        found = self.store.record(workflow_id)
        assert found is not None
        return found

    def ended(self, workflow_id: str) -> WorkflowRecord:
        """Its record, once it has ended."""
        wait_for(lambda: self.record(workflow_id).status.final, "the workflow's end", 30)
        return self.record(workflow_id)

    def answer(self, workflow_id: str) -> Answer:
        """Its answer as far as it is there."""
        contents = read_contents(self.client.hgetall(keys.outputs(workflow_id)))
        assert contents is not None
        return compose_answer(self.record(workflow_id), contents)

    def running(self, workflow_id: str, step: str) -> None:
        """Wait until the step is being called."""
        wait_for(lambda: self.record(workflow_id).steps[step].status is StepStatus.RUNNING, f"{step} to run", 20)

    def celery(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """The celery command in a shell."""
        return subprocess.run([sys.executable, "-m", "celery", "-A", "tasks", *arguments], cwd=ROOT, text=True,
                              capture_output=True, timeout=60, check=False, env={**os.environ, **self.environment})


@contextmanager
def floor_of(valkey: LocalValkey, folder: Path, **settings: str) -> Iterator[Floor]:
    """A floor with its own agent; ends its workers."""
    with ScriptedAgent(STANDARD).serving() as agent:
        floor = Floor(valkey, agent, folder, **settings)
        try:
            yield floor
        finally:
            floor.no_worker()
            floor.app.close()
            floor.client.close()


def _app(url: str) -> Celery:
    app = Celery("asker", broker=url, backend=f"state.backend:WorkflowBackend+{url}", set_as_current=False)
    app.conf.update(result_backend_thread_safe=True, task_ignore_result=True)
    return app
