"""The steps of a workflow as a person reads them."""

from dataclasses import dataclass

from state.model import StepRecord, StepStatus, WorkflowRecord, WorkflowStatus

_LABELS = {
    "nlp": ("Understand the question", "turns your words into a query"),
    "data": ("Fetch the rows", "runs the query on the data"),
    "viz": ("Draw the chart", "chooses and draws a fitting chart"),
    "compose": ("Put it together", "joins the parts into one answer"),
}


@dataclass(frozen=True)
class Look:
    """One status: a mark, a word, and the class that gives it its colour."""

    mark: str
    word: str
    css: str


LOOKS = {
    StepStatus.WAITING: Look("○", "Waiting", "idle"),
    StepStatus.QUEUED: Look("○", "In line", "idle"),
    StepStatus.HELD: Look("‖", "Held until the agent is back", "late"),
    StepStatus.RUNNING: Look("●", "Working", "busy"),
    StepStatus.RETRYING: Look("↻", "Trying again", "late"),
    StepStatus.SUCCEEDED: Look("✓", "Done", "good"),
    StepStatus.DEGRADED: Look("≈", "Done with a stand-in", "late"),
    StepStatus.FAILED: Look("✕", "Failed", "bad"),
    StepStatus.CANCELLED: Look("\N{EN DASH}", "Cancelled", "idle"),
    StepStatus.SKIPPED: Look("\N{EN DASH}", "Left out", "late"),
}
NOT_REACHED = frozenset({StepStatus.SKIPPED, StepStatus.WAITING, StepStatus.CANCELLED})
NOT_REACHED_LOOK = Look("\N{EN DASH}", "Not reached", "idle")


@dataclass(frozen=True)
class StepLine:
    """One line of the list."""

    name: str
    label: str
    does: str
    look: Look
    note: str


def step_lines(record: WorkflowRecord) -> list[StepLine]:
    """One line per step, in the plan's order."""
    return [_line(step, look_of(step, record.status)) for step in record.steps.values()]


def look_of(step: StepRecord, status: WorkflowStatus) -> Look:
    """How the step looks in a workflow that has this status."""
    if status is WorkflowStatus.FAILED and step.status in NOT_REACHED and not step.error:
        return NOT_REACHED_LOOK
    return LOOKS[step.status]


def _line(step: StepRecord, look: Look) -> StepLine:
    label, does = _LABELS.get(step.agent, (step.name, f"asks the agent {step.agent}"))
    if step.agent in _LABELS and step.name != step.agent:
        label = f"{label}: {step.name.removeprefix(f'{step.agent}-').replace('_', ' ')}"
    return StepLine(step.name, label, does, look, _note(step))


def _note(step: StepRecord) -> str:
    notes = []
    if step.attempt > 1:
        notes.append(f"attempt {step.attempt}")
    if step.finished_ms and step.started_ms and step.status.done:
        notes.append(duration(step.finished_ms - step.started_ms))
    return ", ".join(notes)


def duration(milliseconds: float) -> str:
    """A duration as people read it: `85 ms`, `1.2 s`, `2 min 5 s`."""
    if milliseconds < 1_000:
        return f"{milliseconds:.0f} ms"
    if milliseconds < 60_000:
        return f"{milliseconds / 1_000:.1f} s"
    return f"{milliseconds // 60_000:.0f} min {milliseconds % 60_000 / 1_000:.0f} s"
