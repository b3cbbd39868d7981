"""What is measured side by side."""

from dataclasses import dataclass, field
from enum import StrEnum


class Contender(StrEnum):
    """The six ways a question's three calls are made."""

    BATON = "baton"
    BATON_BROKER = "baton_broker"
    BATON_SILENT = "baton_silent"
    THREAD_SAFE = "thread_safe"
    DEFAULT = "default"
    DIRECT = "direct"


@dataclass(frozen=True, slots=True)
class Profile:
    """How a contender is shown, and what its worker is: Celery app, options, settings; no app for plain calls."""

    title: str
    app: str = ""
    options: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)


# Baton's worker as `make run` starts it. Bare Celery logs only warnings, which is Celery's own default.
PROFILES = {
    Contender.BATON: Profile("Baton", "tasks", ("-l", "INFO"), {"LOCAL_HANDOFF": "on"}),
    Contender.BATON_BROKER: Profile("Baton, handoff off", "tasks", ("-l", "INFO"), {"LOCAL_HANDOFF": "off"}),
    Contender.BATON_SILENT: Profile(
        "Baton, no task events", "tasks", ("-l", "INFO"), {"LOCAL_HANDOFF": "on", "TASK_EVENTS": "off"}),
    Contender.THREAD_SAFE: Profile("bare Celery, thread-safe", "bench.bare:thread_safe"),
    Contender.DEFAULT: Profile("bare Celery, default", "bench.bare:default"),
    Contender.DIRECT: Profile("three plain calls"),
}
BATON = (Contender.BATON, Contender.BATON_BROKER, Contender.BATON_SILENT)
QUEUED = tuple(contender for contender in Contender if PROFILES[contender].app)
# What the events cost is seen in rounds; how many calls a worker holds does not depend on them.
HELD = tuple(contender for contender in QUEUED if contender is not Contender.BATON_SILENT)
