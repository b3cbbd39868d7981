"""The Celery app."""

from typing import Any

from celery import Celery, signals

import state.backend  # noqa: F401 - Celery imports it by name, later, when the working folder is off the path
from core import logging, tracing
from core.release import RELEASE
from core.settings import get_settings
from core.suitability import refuse_unsuitable_server
from state.version import VERSION
from tasks import transport

log = logging.get_logger(__name__)

transport.install()
app = Celery("baton", include=["tasks.agents", "tasks.health"], control="tasks.control_class:Control")
app.config_from_object("celeryconfig")


@app.on_after_configure.connect
def _add_upkeep(**_: Any) -> None:
    """Every worker looks after what it holds and after what others lost, and may take what it releases itself."""
    from tasks.event_batches import EventBatches
    from tasks.handoff import LocalHandoff
    from tasks.upkeep import Upkeep

    app.steps["worker"].update({Upkeep, LocalHandoff})
    app.steps["consumer"].add(EventBatches)


@signals.worker_init.connect
def _refuse_unsuitable_server(**_: Any) -> None:
    """A worker ends before it takes anything; beat does the same (`tasks.scheduler`)."""
    refuse_unsuitable_server(get_settings())
    tracing.start("baton-worker")
    log.info("worker_started", release=RELEASE, reads_up_to=VERSION)


@signals.setup_logging.connect
def _configure_logging(**_: Any) -> None:
    """Celery's processes log as all others do."""
    logging.configure()
