"""Floor 4: the Celery app (`celery -A tasks ...`), its tasks, the workers' bootstep and remote control commands."""

from tasks import remote_control  # noqa: F401 - the shell lists the commands that are known when it has the app
from tasks.app import app

__all__ = ["app"]
