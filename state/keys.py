"""The Redis keys of the workflow record; `state/lua/record.lua` lists type, TTL, writer and readers of each."""

DUE = "baton:due"
LOOK = "baton:look"
QUEUE_MARKS = "baton:queue-marks"
BY_TIME = "baton:by-time"
BY_STATUS = "baton:by-status"
CHANGED = "baton:changed"
CANCELLED = "baton:cancelled"
METRICS = "baton:metrics"
METRICS_BY_MINUTE = "baton:metrics:minutes"
METRICS_BY_HOUR = "baton:metrics:hours"
WORKERS = "baton:workers"
META_PREFIX = "celery-task-meta-"
QUESTION = "?"  # among the outputs: the question alone, beside the whole request ("")
NEVER = "baton:never"  # there is none: writing nothing to it asks whether writes are taken


def record(workflow_id: str) -> str:
    """The record's hash."""
    return f"baton:wf:{workflow_id}"


def outputs(workflow_id: str) -> str:
    """Outputs of the steps, as blobs."""
    return f"baton:wf:{workflow_id}:out"


def events(workflow_id: str) -> str:
    """The history's stream."""
    return f"baton:wf:{workflow_id}:events"


def by_status(status: str) -> str:
    """The index of the workflows with this status."""
    return f"{BY_STATUS}:{status}"


def last_good(agent: str, digest: str) -> str:
    """Where the newest good output of `agent` for one input is."""
    return f"baton:last-good:{agent}:{digest}"


def asked(scope: str, digest: str) -> str:
    """What an idempotency key of `scope` began."""
    return f"baton:asked:{scope}:{digest}"


def of_transition(workflow_id: str, *more: str) -> list[str]:
    """KEYS of every transition, in the order that `state/lua/record.lua` fixes."""
    return [
        record(workflow_id),
        outputs(workflow_id),
        events(workflow_id),
        DUE,
        BY_TIME,
        BY_STATUS,
        META_PREFIX + workflow_id,
        *more,
    ]


def due_member(workflow_id: str, step: str) -> str:
    """A step's entry in the due set; the empty step is the workflow's deadline."""
    return f"{workflow_id}|{step}"
