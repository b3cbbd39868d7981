"""Five workflows, one at each boundary of the failure matrix, all in ONE worker with three slots, each one for certain.

The proxy holds what must not happen yet; the agents hold what is to be in the middle of a call.
"""

from pipeline.question import Question, plan_workflow
from state.model import StepStatus, WorkflowRecord
from tests.chaos.arena import Arena
from tests.chaos.boundary import Boundary
from tests.chaos.proxy import Act, Trap, begin_of, publish
from tests.processes import wait_for

SLOTS = 3
REACH_LIMIT_S = 15.0


class Scene:
    """`workflows` by boundary; `call_step` is the step in the middle of its call."""

    def __init__(self, arena: Arena, call_step: str = "data") -> None:
        assert arena.proxy, "the scene needs the proxy"
        self.arena, self.call_step = arena, call_step
        self.workflows: dict[Boundary, str] = {}
        self._traps: list[Trap] = []
        self._retry()
        self._call()
        self._trapped(Boundary.BEFORE_BEGIN)
        self._trapped(Boundary.NEXT_SEND)
        self._held()

    def record(self, boundary: Boundary) -> WorkflowRecord:
        """The record of the workflow at `boundary`."""
        found = self.arena.store.record(self.workflows[boundary])
        assert found is not None
        return found

    def go_on(self) -> None:
        """Hold nothing any more."""
        self.arena.told(self.workflows[Boundary.CALL], self.call_step, None)
        self.arena.told(self.workflows[Boundary.RETRY], "data", None)
        for trap in self._traps:
            trap.released.set()

    def _retry(self) -> None:
        """`data` failed once, and its message waits for its time in the worker."""
        workflow_id = self._ask(Boundary.RETRY, "data", "503")
        self._reach(Boundary.RETRY, "data", StepStatus.RETRYING)
        self.arena.told(workflow_id, "data", None)

    def _call(self) -> None:
        """The agent has the call and does not answer."""
        workflow_id = self._ask(Boundary.CALL, self.call_step, "hold")
        wait_for(lambda: any((call["X-Workflow-Id"], call["X-Step"]) == (workflow_id, self.call_step)
                             for call in self.arena.calls()), "the call", REACH_LIMIT_S)

    def _trapped(self, boundary: Boundary) -> None:
        """Before `data` begins, or before it is sent: the proxy has the command."""
        workflow = plan_workflow(Question(boundary))
        # With the short way nothing is sent: what follows `finish` is the next begin.
        sends = boundary is Boundary.NEXT_SEND and not self.arena.shape.handoff
        marks = publish(f"{workflow.workflow_id}.data.0.1") if sends else begin_of(workflow.workflow_id, "data")
        assert self.arena.proxy
        trap = self.arena.proxy.trap(Act.HOLD, marks)
        self._traps.append(trap)
        self.workflows[boundary] = workflow.workflow_id
        self.arena.send(workflow)
        assert trap.sprung.wait(REACH_LIMIT_S), f"nobody came to {boundary}"

    def _held(self) -> None:
        """All slots are taken: `nlp` is reserved."""
        self._ask(Boundary.HELD)
        self._reach(Boundary.HELD, "nlp", StepStatus.HELD)

    def _ask(self, boundary: Boundary, step: str = "", word: str = "") -> str:
        workflow = plan_workflow(Question(boundary))
        if step:
            self.arena.told(workflow.workflow_id, step, word)
        self.workflows[boundary] = workflow.workflow_id
        self.arena.send(workflow)
        return workflow.workflow_id

    def _reach(self, boundary: Boundary, step: str, status: StepStatus) -> None:
        wait_for(lambda: self.record(boundary).steps[step].status is status, f"{step} to be {status}", REACH_LIMIT_S)
