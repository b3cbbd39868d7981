"""Who asks: `python -m bench.asker CONTENDER` reads one order a line, carries it out, and answers one line of JSON.

    {"order": "alone", "count": N}                       one workflow at a time -> {"took_s": [...]}
    {"order": "burst", "count": N}                       all at once            -> {"wall_s": ..., "took_s": [...]}
    {"order": "paced", "count": N, "per_s": R}           open loop, by the clock -> as burst, in the order of arrival

Every Celery contender is waited for in the same, public way: `AsyncResult` and `ResultSet`.
"""

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from celery import Celery, states, uuid
from celery.result import ResultSet

from bench.contenders import BATON, Contender
from core import logging

ANSWER_WITHIN_S = 120.0
Spans = list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Workflow:
    """One workflow to be asked for: where its result will be, and what sends it."""

    result_id: str
    send: Callable[[], object]


class Asker(Protocol):
    """A way to ask."""

    def alone(self) -> None:
        """One workflow, from the question to the answer."""

    def many(self, count: int, per_s: float) -> Spans:
        """Many, at `per_s` (0: at once); when each was due to be asked, and when it was answered."""


class DirectAsker:
    """Three plain calls, here."""

    def alone(self) -> None:
        """One question."""
        from bench.bare import QUESTION, ask_directly

        ask_directly(QUESTION)

    def many(self, count: int, per_s: float) -> Spans:
        """One after the other: a thread more would only wait for the interpreter's lock."""
        spans = []
        for due in arrivals(count, per_s):
            self.alone()
            spans.append((due, time.perf_counter()))
        return spans


class CeleryAsker:
    """Workflows that a worker runs; `new` makes one."""

    def __init__(self, app: Celery, new: Callable[[], Workflow]) -> None:
        self._app, self._new = app, new

    def alone(self) -> None:
        """Send it and wait for its result."""
        workflow = self._new()
        workflow.send()
        _check(self._app.AsyncResult(workflow.result_id).get(timeout=ANSWER_WITHIN_S))

    def many(self, count: int, per_s: float) -> Spans:
        """Subscribe first; then one thread sends, and this one sees the results come in."""
        workflows = [self._new() for _ in range(count)]
        results = ResultSet([self._app.AsyncResult(workflow.result_id) for workflow in workflows])
        for result in results.results:
            self._app.backend.add_pending_result(result)
        due: dict[str, float] = {}
        answered: dict[str, float] = {}

        def send() -> None:
            for workflow, at in zip(workflows, arrivals(count, per_s), strict=True):
                due[workflow.result_id] = at
                workflow.send()

        sending = threading.Thread(target=send)
        sending.start()
        for result_id, meta in results.iter_native(timeout=ANSWER_WITHIN_S):
            answered[result_id] = time.perf_counter()
            if meta["status"] != states.SUCCESS:
                raise RuntimeError(f"{result_id} ended as {meta}")
            _check(meta["result"])
        sending.join()
        for result in results.results:
            self._app.backend.remove_pending_result(result)
        return [(due[workflow.result_id], answered[workflow.result_id]) for workflow in workflows]


def arrivals(count: int, per_s: float) -> Iterator[float]:
    """When each of `count` is due; sleeps until then. An asker that is late does not move the others."""
    start = time.perf_counter()
    for number in range(count):
        due = start + (number / per_s if per_s else 0.0)
        if (wait_s := due - time.perf_counter()) > 0:
            time.sleep(wait_s)
        yield due


def _check(result: Any) -> None:
    """Baton's result names a status of its own, of which `DEGRADED` would be a success to Celery; a chart is bare's."""
    if not (isinstance(result, dict) and (result.get("status") == "SUCCEEDED" or "chart_data" in result)):
        raise RuntimeError(f"not an answer: {str(result)[:200]}")


def _baton() -> CeleryAsker:
    """Recorded, then sent, as the API does it."""
    from bench.bare import QUESTION
    from pipeline.question import Question, accept, plan_workflow, send_first
    from state.store import get_store
    from state.transition import new_token
    from tasks.app import app

    def new() -> Workflow:
        workflow = plan_workflow(Question(QUESTION))
        return Workflow(
            workflow.workflow_id,
            lambda: send_first(app, workflow, get_store().run(accept(workflow, new_token()))),
        )

    return CeleryAsker(app, new)


def _bare(contender: Contender) -> CeleryAsker:
    from bench import bare

    app = getattr(bare, contender)

    def new() -> Workflow:
        result_id = uuid()
        return Workflow(result_id, lambda: bare.three_steps(app).apply_async(task_id=result_id))

    return CeleryAsker(app, new)


def asker(contender: Contender) -> Asker:
    """The way `contender` is asked."""
    if contender in BATON:
        return _baton()
    return DirectAsker() if contender is Contender.DIRECT else _bare(contender)


def carry_out(order: dict[str, Any], way: Asker) -> dict[str, Any]:
    """Do what one line says."""
    if order["order"] == "alone":
        took = []
        for _ in range(order["count"]):
            start = time.perf_counter()
            way.alone()
            took.append(time.perf_counter() - start)
        return {"took_s": took}
    start = time.perf_counter()
    spans = way.many(order["count"], order.get("per_s", 0.0))
    return {"wall_s": max(end for _, end in spans) - start, "took_s": [end - begin for begin, end in spans]}


def main() -> None:
    """Serve orders until the input ends."""
    logging.configure()  # to standard error: standard output is for answers
    way = asker(Contender(sys.argv[1]))
    for line in sys.stdin:
        print(json.dumps(carry_out(json.loads(line), way)), flush=True)


if __name__ == "__main__":
    main()
