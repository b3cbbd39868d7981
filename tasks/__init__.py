"""Floor 4: the Celery app (`celery -A tasks ...`), its tasks, the workers' bootstep and remote control commands."""

from tasks.app import app

__all__ = ["app"]
