"""How a workflow's status looks, and moments and ages as people read them."""

from api.page_steps import Look, duration
from core.clock import iso, now_ms
from state.model import WorkflowStatus

LOOKS = {
    WorkflowStatus.QUEUED: Look("○", "In line", "idle"),
    WorkflowStatus.RUNNING: Look("●", "Working", "busy"),
    WorkflowStatus.PAUSED: Look("‖", "Paused", "late"),
    WorkflowStatus.SUCCEEDED: Look("✓", "Answered", "good"),
    WorkflowStatus.DEGRADED: Look("≈", "Answered in part or with a stand-in", "late"),
    WorkflowStatus.FAILED: Look("✕", "Failed", "bad"),
    WorkflowStatus.CANCELLED: Look("\N{EN DASH}", "Cancelled", "idle"),
}
SHORT = {WorkflowStatus.DEGRADED: "Stand-in"}


def short_word(status: WorkflowStatus) -> str:
    """The word where there is little room."""
    return SHORT.get(status, LOOKS[status].word)


def ago(at_ms: int) -> str:
    """How long ago a moment was; `workflows.js` says the same as time goes on."""
    seconds = max(0, now_ms() - at_ms) // 1_000
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit} ago"
    return f"{seconds} s ago"


FILTERS = {"ago": ago, "iso": iso, "duration": duration}
