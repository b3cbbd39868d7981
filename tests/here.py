"""The API inside the test's process: its settings, and the broker its Celery app publishes to."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from agents.registry import get_registry
from breakers.registry import get_breakers, get_shared
from core.settings import get_settings
from tasks import app


@contextmanager
def settings_here(redis_url: str, **environment: str) -> Iterator[None]:
    """The process works with this store and these settings, and as before afterwards.

    The app of `tasks` is one for the process, configured at its first use: left alone it would publish to whichever
    Valkey an earlier module used.
    """
    before = app.conf.broker_url
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"REDIS_URL": redis_url, **environment}.items():
            patch.setenv(name, value)
        _read_again()
        _publish_to(redis_url)
        try:
            yield
        finally:
            _publish_to(before)
    _read_again()


def _read_again() -> None:
    for read_once in (get_settings, get_registry, get_breakers, get_shared):
        read_once.cache_clear()


def _publish_to(url: str) -> None:
    app.conf.broker_url = url
    app._after_fork()
