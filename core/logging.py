"""Logging: structlog for every line of every process, the standard library's included.

`LOG_FORMAT=json` writes one object a line; `pretty` is for people. Our own lines begin with a word of `core.actions`;
all lines, also those of libraries, carry what `in_log` says of where they stand (`workflow_id`, `step`, `attempt`).
"""

import logging
import sys
from contextlib import AbstractContextManager
from typing import Protocol, cast

import structlog
from structlog.typing import Processor

from core.actions import Action
from core.settings import get_settings

_SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]

# A line for every connection; "task received" and "task succeeded", which our own lines say with more.
_SAID_BETTER = ("urllib3", "celery.worker.strategy", "celery.app.trace")


def configure() -> None:
    """Send every log line of this process to standard error in the one chosen form. Idempotent."""
    settings = get_settings()
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(settings.log_level)),
        cache_logger_on_first_use=True,
    )
    renderer: Processor = (
        structlog.processors.JSONRenderer()
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0)
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    for name in _SAID_BETTER:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(settings.log_level)))


class Log(Protocol):
    """What a line may be written with: `log.info("step_begun", fence=1)`."""

    def debug(self, action: Action, /, **fields: object) -> None:
        """For who looks for a fault."""

    def info(self, action: Action, /, **fields: object) -> None:
        """What should happen."""

    def warning(self, action: Action, /, **fields: object) -> None:
        """What should not, and puts itself right."""

    def error(self, action: Action, /, **fields: object) -> None:
        """What somebody has to look at."""

    def exception(self, action: Action, /, **fields: object) -> None:
        """The same, with the traceback of what is being handled."""


def get_logger(name: str) -> Log:
    """The log of a module."""
    return cast("Log", structlog.stdlib.get_logger(name))


def in_log(**fields: object) -> AbstractContextManager[None]:
    """All lines written inside, by this thread, greenlet or task, carry `fields`."""
    return structlog.contextvars.bound_contextvars(**fields)
