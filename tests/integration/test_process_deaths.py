"""Processes that die, stop and come back: local ones, or with `BATON_TEST_ENGINE=docker` containers of our image.

The same tests for both, on pytest-celery's own setup and nodes, which kill and restart whatever stands behind them.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from pytest_celery import (
    CeleryBackendCluster,
    CeleryBrokerCluster,
    CeleryTestBackend,
    CeleryTestBroker,
    CeleryTestSetup,
    CeleryTestWorker,
    CeleryWorkerCluster,
)

from state.model import WorkflowStatus
from tests.floor import Floor, floor_of
from tests.processes import LocalValkey, LocalWorker, wait_for
from tests.scripted_agent import STANDARD, Reply

WORKERS, CALLS_EACH = 2, 2
QUESTIONS = 8  # more than one worker runs and reserves
WITHIN_S = 30.0


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[CeleryTestSetup, Floor]]:
    """A Valkey, a scripted agent, and two workers with two slots each."""
    folder = tmp_path_factory.mktemp("deaths")
    valkey_type, worker_type = _engine()
    with ExitStack() as stack:
        valkey = valkey_type(folder)
        stack.callback(valkey.teardown)
        valkey.ready()
        floor = stack.enter_context(floor_of(valkey, folder))
        workers = [worker_type(folder, floor.environment, concurrency=CALLS_EACH) for _ in range(WORKERS)]
        for worker in workers:
            stack.callback(worker.discard)
        yield CeleryTestSetup(
            CeleryWorkerCluster(*(CeleryTestWorker(worker, floor.app) for worker in workers)),
            CeleryBrokerCluster(CeleryTestBroker(valkey, floor.app)),
            CeleryBackendCluster(CeleryTestBackend(valkey, floor.app)), floor.app), floor


def _engine() -> tuple[type, type]:
    """Local unless asked otherwise, whichever engine answers: CI is the same everywhere."""
    if os.environ.get("BATON_TEST_ENGINE") != "docker":
        return LocalValkey, LocalWorker
    from tests.containers.processes import ContainerValkey, ContainerWorker

    return ContainerValkey, ContainerWorker


@pytest.fixture
def floor(scene: tuple[CeleryTestSetup, Floor]) -> Iterator[Floor]:
    """An agent that holds the data step's calls back until it is told to release them."""
    _, floor = scene
    floor.agent.reset(STANDARD)
    floor.agent.script("/execute", *[Reply(STANDARD["/execute"], until=floor.agent.released)] * QUESTIONS)
    floor.forget()
    yield floor
    floor.agent.release()


@pytest.fixture
def setup(scene: tuple[CeleryTestSetup, Floor], floor: Floor) -> CeleryTestSetup:
    """All of it up, whatever the test before has ended."""
    setup, _ = scene
    for worker in setup.worker_cluster:
        if worker.container.status != "running":
            worker.restart()
    assert setup.ready(control=True)
    return setup


def test_two_workers_share_what_is_asked(setup: CeleryTestSetup, floor: Floor) -> None:
    asked = [floor.ask() for _ in range(QUESTIONS)]
    inspect = setup.app.control.inspect(timeout=10, limit=WORKERS)
    wait_for(lambda: set(hostnames(setup)) == {name for name, tasks in (inspect.active() or {}).items() if tasks},
             "both workers to have something to do", WITHIN_S)
    floor.agent.release()
    assert {floor.ended(workflow_id).status for workflow_id in asked} == {WorkflowStatus.SUCCEEDED}


def test_a_worker_killed_in_the_middle_of_a_call_loses_nothing(setup: CeleryTestSetup, floor: Floor) -> None:
    workflow_id = floor.ask()
    floor.running(workflow_id, "data")
    hostnames(setup)[holder(setup, workflow_id)].kill()
    wait_for(lambda: len(floor.agent.calls_of("/execute")) == 2, "the other worker to take it over", WITHIN_S)
    floor.agent.release()
    record = floor.ended(workflow_id)
    assert (record.status, record.steps["data"].takeovers) == (WorkflowStatus.SUCCEEDED, 1)
    assert len(floor.agent.calls_of("/process")) == 1


def test_a_worker_restarted_in_the_middle_of_a_call_ends_it_first(setup: CeleryTestSetup, floor: Floor) -> None:
    workflow_id = floor.ask()
    floor.running(workflow_id, "data")
    worker = hostnames(setup)[holder(setup, workflow_id)]
    # The worker is started anew in this thread: a process is on the leash of the thread that started it.
    release = threading.Thread(target=released_once_it_stops, args=(worker, floor))
    release.start()
    worker.restart()
    release.join()
    record = floor.ended(workflow_id)
    assert (record.status, record.steps["data"].takeovers) == (WorkflowStatus.SUCCEEDED, 0)
    assert len(floor.agent.calls_of("/execute")) == 1
    assert setup.ready(control=True)


def test_a_broker_restarted_in_the_middle_of_a_call_costs_nothing(setup: CeleryTestSetup, floor: Floor) -> None:
    workflow_id = floor.ask()
    floor.running(workflow_id, "data")
    setup.broker.restart()
    floor.client.connection_pool.disconnect()
    floor.agent.release()
    record = floor.ended(workflow_id)
    assert (record.status, record.steps["data"].takeovers) == (WorkflowStatus.SUCCEEDED, 0)
    assert len(floor.agent.calls_of("/execute")) == 1
    assert [worker.container.status for worker in setup.worker_cluster] == ["running"] * WORKERS


def released_once_it_stops(worker: CeleryTestWorker, floor: Floor) -> None:
    try:
        wait_for(lambda: "Warm shutdown" in worker.logs(), "the stop to begin", WITHIN_S)
    finally:
        floor.agent.release()


def hostnames(setup: CeleryTestSetup) -> dict[str, CeleryTestWorker]:
    """The workers by the names they have in Celery."""
    return {worker.container.hostname: worker for worker in setup.worker_cluster}


def holder(setup: CeleryTestSetup, workflow_id: str) -> str:
    """The worker that runs a step of the workflow."""
    (found,) = [name for name, tasks in setup.app.control.inspect(timeout=10, limit=WORKERS).active().items()
                if workflow_id in str(tasks)]
    return str(found)
