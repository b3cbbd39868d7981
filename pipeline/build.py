"""Plans become Celery chains: one chain for each maximal linear run of steps, built by task name."""

from collections.abc import Sequence
from typing import Any

from celery import Celery, chain

from state.model import NewStep
from state.transition import Send

MAX_LINKS = 16  # a chain's tail travels in every message of it


def linear_runs(steps: Sequence[NewStep]) -> list[list[NewStep]]:
    """Cut a plan into maximal runs in which each step alone waits for the one before, at most `MAX_LINKS` long."""
    followers = {step.name: [s for s in steps if step.name in s.after] for step in steps}

    def heads_a_run(step: NewStep) -> bool:
        return len(step.after) != 1 or len(followers[step.after[0]]) != 1

    runs: list[list[NewStep]] = []
    for step in filter(heads_a_run, steps):
        run = [step]
        while len(nexts := followers[run[-1].name]) == 1 and not heads_a_run(nexts[0]):
            run.append(nexts[0])
        runs += [run[at : at + MAX_LINKS] for at in range(0, len(run), MAX_LINKS)]
    return runs


def message(app: Celery, send: Send) -> Any:
    """The signature of one send: its arguments are ids and nothing else; task and queue bear one name."""
    return app.signature(
        send.queue,
        args=(send.workflow_id, send.step),
        immutable=True,
        options={"task_id": send.task_id, "queue": send.queue, "ignore_result": True},
    )


def first_chain(app: Celery, run: Sequence[NewStep], send: Send) -> Any:
    """One chain over `run`, whose first message is `send`; the later links are the first sends of their steps."""
    links = [send, *(Send(send.workflow_id, step.name, send.round, 1, step.queue) for step in run[1:])]
    return chain(*(message(app, link) for link in links))


def publish(signature: Any, workflow_id: str, **options: Any) -> None:
    """Hand a chain or a single message to the broker, the workflow's id as root of all of it."""
    signature.apply_async(root_id=workflow_id, **options)
