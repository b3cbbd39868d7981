"""Plans become Celery chains: one chain for each maximal linear run of steps, built by task name."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from celery import Celery, chain

from state.model import NewStep
from state.transition import Send
from state.version import MESSAGE_HEADER, MESSAGE_VERSION

MAX_LINKS = 16  # a chain's tail travels in every message of it
TASKS: Final = frozenset({"agents.nlp", "agents.data", "agents.viz", "agents.compose"})  # named as their queues
ANY_TASK: Final = "agents.call"  # the one for all other queues


def linear_runs(steps: Sequence[NewStep]) -> list[list[NewStep]]:
    """Cut a plan into maximal runs in which each step alone waits for the one before, at most `MAX_LINKS` long."""
    followers: defaultdict[str, list[NewStep]] = defaultdict(list)
    for step in steps:
        for before in step.after:
            followers[before].append(step)

    def heads_a_run(step: NewStep) -> bool:
        return len(step.after) != 1 or len(followers[step.after[0]]) != 1

    def run_of(head: NewStep) -> Iterator[NewStep]:
        yield head
        while len(nexts := followers[head.name]) == 1 and not heads_a_run(nexts[0]):
            head = nexts[0]
            yield head

    runs = [list(run_of(step)) for step in steps if heads_a_run(step)]
    return [run[at : at + MAX_LINKS] for run in runs for at in range(0, len(run), MAX_LINKS)]


def chained(steps: Sequence[NewStep]) -> tuple[NewStep, ...]:
    """The same steps; the first of each run knows what follows it in its chain."""
    tails = {run[0].name: tuple((step.name, step.queue) for step in run[1:]) for run in linear_runs(steps)}
    return tuple(replace(step, tail=tails.get(step.name, ())) for step in steps)


def task_name(queue: str) -> str:
    """The task that does the steps of `queue`."""
    return queue if queue in TASKS else ANY_TASK


def chain_of(app: Celery, send: Send) -> Any:
    """The signature of a send: one chain with its tail, whose links are the first sends of their steps."""
    links = [send, *(Send(send.workflow_id, step, send.round, 1, queue) for step, queue in send.tail)]
    messages = [_message(app, link) for link in links]
    return chain(*messages) if send.tail else messages[0]


def publish(app: Celery, send: Send, **options: Any) -> None:
    """Hand a send and its tail to the broker, the workflow's id as root of all of it."""
    chain_of(app, send).apply_async(root_id=send.workflow_id, **options)


def _message(app: Celery, send: Send) -> Any:
    """The signature of one send: its arguments are ids and nothing else."""
    return app.signature(
        task_name(send.queue),
        args=(send.workflow_id, send.step),
        immutable=True,
        options={
            "task_id": send.task_id,
            "queue": send.queue,
            "ignore_result": True,
            "headers": {MESSAGE_HEADER: MESSAGE_VERSION},
        },
    )
