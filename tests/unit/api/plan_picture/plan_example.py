"""The plan that docs/plans.md shows.

    PYTHONPATH=. python tests/unit/api/plan_picture/plan_example.py > docs/images/plan.svg
"""

import sys

from api.plan_picture.svg import plan_picture
from state.model import Mode, StepRecord, StepStatus, WorkflowRecord, WorkflowStatus


def _step(name: str, status: StepStatus, *after: str, at_ms: tuple[int | None, int | None, int | None] = (None,) * 3,
          optional: bool = True, attempt: int = 1, error: str = "") -> StepRecord:
    agent = name.partition("-")[0]
    queued, started, finished = at_ms
    return StepRecord(name, agent, f"agents.{agent}", status, after, attempt, 0, 0, 1, "", queued, started, started,
                      finished, {"message": error} if error else None, None, optional)


_STEPS = (
    _step("nlp", StepStatus.SUCCEEDED, at_ms=(0, 4, 324), optional=False),
    _step("data-united", StepStatus.SUCCEEDED, "nlp", at_ms=(324, 330, 1_790)),
    _step("viz-united", StepStatus.RUNNING, "nlp", "data-united", at_ms=(1_790, 1_795, None)),
    _step("data-delta", StepStatus.RETRYING, "nlp", at_ms=(324, 331, None), attempt=2),
    _step("viz-delta", StepStatus.WAITING, "nlp", "data-delta", attempt=0),
    _step("data-worst_airports", StepStatus.SKIPPED, "nlp", at_ms=(324, 512, 900), error="The query was refused."),
    _step("viz-worst_airports", StepStatus.SKIPPED, "nlp", "data-worst_airports", attempt=0),
    _step("compose", StepStatus.WAITING, "nlp", "data-united", "viz-united", "data-delta", "viz-delta",
          "data-worst_airports", "viz-worst_airports", optional=False, attempt=0),
)
EXAMPLE = WorkflowRecord("0" * 32, WorkflowStatus.RUNNING, Mode.INTERACTIVE, 0, 4, None, 180_000, "",
                         {step.name: step for step in _STEPS})

if __name__ == "__main__":
    sys.stdout.write(plan_picture(EXAMPLE))
