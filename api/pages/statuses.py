"""How a workflow's status looks, and moments and ages as people read them."""

from api.pages.steps import Look, duration
from core.clock import iso, now_ms
from state.model import WorkflowStatus

LOOKS = {
    WorkflowStatus.QUEUED: Look("○", "Queued", "idle"),
    WorkflowStatus.RUNNING: Look("●", "Running", "busy"),
    WorkflowStatus.PAUSED: Look("‖", "Paused", "late"),
    WorkflowStatus.SUCCEEDED: Look("✓", "Succeeded", "good"),
    WorkflowStatus.DEGRADED: Look("≈", "Degraded", "late"),
    WorkflowStatus.FAILED: Look("✕", "Failed", "bad"),
    WorkflowStatus.CANCELLED: Look("\N{EN DASH}", "Cancelled", "idle"),
}


def ago(at_ms: int) -> str:
    """How long ago a moment was; `workflows.js` says the same as time goes on."""
    seconds = max(0, now_ms() - at_ms) // 1_000
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit} ago"
    return f"{seconds} s ago"


FILTERS = {"ago": ago, "iso": iso, "duration": duration}
