"""A cancel ends the running call at once, on every pool, and what was cancelled can be run again."""

from collections.abc import Iterator

import pytest

from tests.chaos.arena import Shape
from tests.chaos.cancelling import Cancelling, cancelling

POOLS = ("gevent", "prefork", "threads")
SLOTS, CALLS_EACH = 8, 2
WITHIN_S, BY_SHELL_WITHIN_S = 0.5, 3.0


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cancelling]:
    """An API, and one worker on each pool."""
    shape = Shape(workers=0, concurrency=SLOTS, apis=1, beats=0)
    with cancelling(tmp_path_factory.mktemp("cancel"), shape, *POOLS) as stage:
        yield stage


@pytest.fixture(scope="module")
def running(stage: Cancelling) -> dict[str, list[str]]:
    """Workflows whose calls run, by the pool they run on."""
    found: dict[str, list[str]] = {pool: [] for pool in POOLS}
    while min(map(len, found.values())) < CALLS_EACH + 1:
        (workflow_id,) = stage.calls(1)
        found[stage.step(workflow_id).owner.partition("-")[0]].append(workflow_id)
    return found


@pytest.mark.parametrize("pool", POOLS)
def test_the_agent_sees_its_connection_closed_at_once(
    stage: Cancelling, running: dict[str, list[str]], pool: str
) -> None:
    _, *cancelled = running[pool]
    assert max(stage.cancel(one) for one in cancelled) <= WITHIN_S
    assert stage.failures_counted() == 0
    assert stage.run_again(cancelled[:2]) == 2
    assert {stage.agent.calls[one] for one in cancelled[:2]} == {2}


def test_a_revoke_in_the_shell_ends_the_calls_on_every_pool(stage: Cancelling, running: dict[str, list[str]]) -> None:
    ids = [running[pool][0] for pool in POOLS]
    assert stage.revoke_in_the_shell(*ids) <= BY_SHELL_WITHIN_S
    assert {stage.status(one) for one in ids} == {"CANCELLED"}
    assert stage.run_again(ids) == 3


def test_half_an_answer_is_no_answer(stage: Cancelling) -> None:
    stage.agent.speaks = True
    (workflow_id,) = stage.calls(1)
    assert stage.cancel(workflow_id) <= WITHIN_S
    stage.agent.speaks = False


def test_many_at_once(stage: Cancelling) -> None:
    ids = stage.send(60)
    answer = stage.post("/cancel", {"ids": ids}).json()
    assert answer["changed"] == len(ids)
    stage.drained()
    before = stage.agent.calls.total()
    assert {stage.status(one) for one in ids} == {"CANCELLED"}
    assert stage.run_again(ids[:3]) == 3
    assert stage.agent.calls.total() == before + 3
