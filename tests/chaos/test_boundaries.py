"""One process is killed with -9 while five workflows stand at five boundaries: what happens at each is certain."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from state.model import StepStatus
from tests.chaos.arena import RESTLESS, Arena, Shape
from tests.chaos.boundary import Boundary
from tests.chaos.killer import How, strike
from tests.chaos.scene import SLOTS, Scene
from tests.chaos.verdict import judge, settle
from tests.processes import AGENTS

SHAPE = Shape(workers=1, concurrency=SLOTS, apis=0, beats=0, proxied=True, handoff=False,
              # Tries enough for an agent that takes its time to come back.
              settings={**RESTLESS, "DATA_MAX_ATTEMPTS": "5", "LEASE_S": "1", "RENEW_INTERVAL_S": "0.3",
                        "RESEND_GRACE_S": "2"})
EVERYTHING = "everything"
KILLS = [
    *(("gevent", row) for row in ("worker", "beat", "api", *AGENTS, "valkey", EVERYTHING)),
    ("gevent with handoff", "worker"),
    *(("prefork", row) for row in ("worker", "child", "valkey")),
    *(("threads", row) for row in ("worker", "valkey")),
]


@pytest.fixture(scope="module")
def arenas(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Arena]]:
    """One arena for a pool, one at a time; what a test kills it starts again."""
    running: dict[str, Arena] = {}
    yield running
    for arena in running.values():
        arena.close()


@pytest.fixture
def arena(pool: str, arenas: dict[str, Arena], tmp_path_factory: pytest.TempPathFactory) -> Arena:
    """The arena of this pool."""
    if pool not in arenas:
        for other in arenas.values():
            other.close()
        arenas.clear()
        one = int(pool == "gevent")
        shape = replace(SHAPE, pool=pool.split(maxsplit=1)[0], handoff="handoff" in pool, apis=one, beats=one)
        arenas[pool] = Arena(tmp_path_factory.mktemp("arena"), shape)
    return arenas[pool].ready()


@pytest.mark.parametrize(("pool", "row"), KILLS)
def test_killed_at_every_boundary(arena: Arena, pool: str, row: str) -> None:
    scene = Scene(arena, call_step=row if row in AGENTS else "data")
    kill(arena, row)
    scene.go_on()
    for process in arena.all():
        if process.status == "exited":
            process.start()
            if process is arena.valkey:
                process.ready()
    settle(arena, 40)
    verdict = judge(arena, scene.workflows.values())
    assert verdict.faults == {}
    assert verdict.statuses == {"SUCCEEDED": 5}
    calls = calls_of(arena, scene)
    expected = expected_calls(scene, row)
    assert {boundary: calls[boundary] for boundary in expected} == expected
    assert takeovers_of(scene) in expected_takeovers(scene, row)


def takeovers_of(scene: Scene) -> dict[Boundary, int]:
    """Takeovers of the step that is called, by boundary."""
    return {boundary: scene.record(boundary).steps[scene.call_step].takeovers for boundary in scene.workflows}


def expected_takeovers(scene: Scene, row: str) -> list[dict[Boundary, int]]:
    """What may be: only a call whose own process died is taken over; of the pool's children it may be that one."""
    none = dict.fromkeys(scene.workflows, 0)
    called = {**none, Boundary.CALL: 1}
    return {"worker": [called], EVERYTHING: [called], "child": [none, called]}.get(row, [none])

def kill(arena: Arena, row: str) -> None:
    if row == EVERYTHING:
        for process in arena.all():
            process.kill()
    elif row == "child":
        strike(arena, arena.processes["worker"][0], How.CHILD)
    else:
        strike(arena, arena.processes[row][0])


def calls_of(arena: Arena, scene: Scene) -> dict[Boundary, dict[str, int]]:
    """Calls of each step, by boundary."""
    per_step = arena.calls_per_step()
    return {boundary: {step: per_step[f"{workflow_id}:{step}:0"] for step in AGENTS}
            for boundary, workflow_id in scene.workflows.items()}


def expected_calls(scene: Scene, row: str) -> dict[Boundary, dict[str, int]]:
    """Every step is called once; the one that was retried twice, and the one whose caller or agent died twice."""
    expected = {boundary: dict.fromkeys(AGENTS, 1) for boundary in scene.workflows}
    expected[Boundary.RETRY]["data"] = 2
    if row in ("worker", EVERYTHING, *AGENTS):
        expected[Boundary.CALL][scene.call_step] = 2
    if row in AGENTS:  # while it is down, others may find it so and try again
        del expected[Boundary.HELD], expected[Boundary.BEFORE_BEGIN], expected[Boundary.NEXT_SEND]
    if row == "child":  # which of the three children dies decides whose call is made again
        del expected[Boundary.CALL], expected[Boundary.BEFORE_BEGIN], expected[Boundary.NEXT_SEND]
    assert scene.record(Boundary.CALL).steps["viz"].status is StepStatus.SUCCEEDED
    return expected
