"""Cancelling calls that run: how soon the agent sees its caller hang up, and that nothing of it runs any more."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import requests

from core.settings import ROOT
from pipeline.question import Question, plan_workflow
from state.model import StepRecord, WorkflowStatus
from tests.chaos.arena import Arena, Shape
from tests.hanging_agent import HangingAgent
from tests.processes import AGENTS, wait_for

PATIENCE_S = 60.0
# Nothing but being told stops a call: no renewal and no timeout does in time.
UNTOLD = {"LEASE_S": "600", "RENEW_INTERVAL_S": "300", "NLP_TIMEOUT_S": "600"}


class Cancelling:
    """Workers that call an agent that hangs, and an API to cancel it through."""

    def __init__(self, arena: Arena, agent: HangingAgent) -> None:
        self.arena, self.agent = arena, agent

    def send(self, count: int) -> list[str]:
        """Start so many workflows."""
        workflows = [plan_workflow(Question(f"number {number}")) for number in range(count)]
        for workflow in workflows:
            self.arena.send(replace(workflow, deadline_s=3_600.0))
        return [workflow.workflow_id for workflow in workflows]

    def calls(self, count: int) -> list[str]:
        """Start so many workflows; back when the agent has the calls of all."""
        started = self.send(count)
        wait_for(lambda: all(self.agent.calls[one] for one in started), f"{count} calls", PATIENCE_S)
        return started

    def post(self, path: str, body: dict[str, Any] | None = None) -> requests.Response:
        """Ask the API."""
        return requests.post(f"{self.arena.api_urls[0]}/api/workflow{path}", json=body, timeout=PATIENCE_S)

    def cancel(self, workflow_id: str) -> float:
        """Cancel it through the API, whose answer says CANCELLED; seconds until its running call was ended."""
        began = time.monotonic()
        answer = self.post(f"/{workflow_id}/cancel").json()
        assert (answer["status"], answer["changed"]) == ("CANCELLED", True), answer
        return self.ended_after(began, [workflow_id])

    def revoke_in_the_shell(self, *ids: str) -> float:
        """Cancel them by the celery command; seconds from the command's start until their running calls were ended."""
        began = time.monotonic()
        done = subprocess.run([sys.executable, "-m", "celery", "-A", "tasks", "control", "revoke", *ids],
                              cwd=ROOT, env={**os.environ, **self.arena.environment}, capture_output=True, text=True,
                              timeout=PATIENCE_S, check=False)
        assert done.returncode == 0, done.stderr
        return self.ended_after(began, ids)

    def ended_after(self, began: float, ids: Sequence[str]) -> float:
        """Seconds from `began` until the agent had seen the callers of all these hang up."""
        wait_for(lambda: all(one in self.agent.closed_at for one in ids), "the calls to end", PATIENCE_S)
        took_s = [self.agent.closed_at[one] - began for one in ids]
        assert min(took_s) > 0, "a call ended before it was cancelled"
        return max(took_s)

    def run_again(self, ids: Sequence[str]) -> int:
        """Retry what was cancelled, at an agent that answers now; how many succeed."""
        self.agent.hangs = False
        for one in ids:
            assert self.post(f"/{one}/retry").status_code == 202
        wait_for(lambda: all(self.step(one).round == 1 and self.status(one).final for one in ids), "ends", PATIENCE_S)
        self.agent.hangs = True
        return [self.status(one) for one in ids].count(WorkflowStatus.SUCCEEDED)

    def status(self, workflow_id: str) -> WorkflowStatus:
        """Where it stands."""
        record = self.arena.store.record(workflow_id)
        assert record is not None
        return record.status

    def step(self, workflow_id: str) -> StepRecord:
        """Its nlp step."""
        record = self.arena.store.record(workflow_id)
        assert record is not None
        return record.steps["nlp"]

    def failures_counted(self) -> int:
        """Failures that the agent's breaker heard of."""
        return int(self.arena.client.hget("baton:breaker:nlp", "failures") or 0)

    def restart_everything(self) -> None:
        """Kill every process, Valkey too, and start all again."""
        processes = list(self.arena.all())
        for process in processes:
            process.kill()
        for process in processes:
            process.start()
            if process is self.arena.valkey:
                process.ready()
        for process in processes:
            process.ready()

    def drained(self) -> None:
        """Wait until no message waits, and a new workflow has gone through behind them."""
        self.agent.hangs = False
        (fresh,) = self.send(1)
        wait_for(lambda: self.status(fresh).final and not self.arena.client.exists("agents.nlp"), "the queue's end",
                 PATIENCE_S)
        assert self.status(fresh) is WorkflowStatus.SUCCEEDED
        self.agent.hangs = True


@contextmanager
def cancelling(folder: Path, shape: Shape, *more_pools: str) -> Iterator[Cancelling]:
    """An arena whose agents are one that hangs; with a worker more on each of `more_pools`."""
    with HangingAgent().serving() as agent:
        urls = {f"{name.upper()}_AGENT_URL": agent.url for name in AGENTS}
        with Arena(folder, replace(shape, settings={**UNTOLD, **urls, **shape.settings})) as arena:
            arena.processes["worker"] += [arena.worker(pool) for pool in more_pools]
            yield Cancelling(arena.ready(), agent)
