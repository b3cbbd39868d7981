"""Is it ready? Each probe answers with what is still missing, in one line, or with nothing."""

from functools import cache

import redis
import requests
from celery import Celery

from core.addresses import shown_url
from core.beat import BEAT_LOCK
from core.http import get_session
from core.sentinel import Watched
from core.settings import get_settings
from core.tls import tls_options
from core.valkey import sync_client

PROBE_TIMEOUT_S = 2.0


def http(url: str, host: str = "") -> str:
    """Ready when `url` answers 200, called by the name `host` if that is another."""
    try:
        answer = get_session().get(url, headers={"Host": host} if host else None, timeout=PROBE_TIMEOUT_S)
    except requests.RequestException as error:
        return f"{url}: {type(error).__name__}"
    return "" if answer.ok else f"{url} answers {answer.status_code}: {answer.text[:200]}"


def store(url: str) -> str:
    """Ready when the store answers a ping: not while it still loads its file."""
    try:
        _store(url).ping()
    except redis.RedisError as error:
        return f"{shown_url(url)}: {error}"
    return ""


def worker(url: str) -> str:
    """Ready when any worker answers a ping on the control channel, which opens after its queues."""
    if missing := store(url):
        return missing
    # Without the application: importing it costs more than the question.
    answers = _control(url).control.ping(timeout=PROBE_TIMEOUT_S / 4, limit=1)
    return "" if answers else "no worker answers a ping"


def beat(url: str) -> str:
    """Ready when a beat holds the schedule's lock."""
    if missing := store(url):
        return missing
    return "" if _store(url).exists(BEAT_LOCK) else f"no beat holds {BEAT_LOCK}"


@cache
def _store(url: str) -> "redis.Redis":
    return sync_client(url)


@cache
def _control(url: str) -> Celery:
    watched = Watched.of(url)
    app = Celery("readiness", broker=watched.broker_url if watched else url, set_as_current=False)
    app.conf.broker_transport_options = watched.broker_options if watched else {}
    app.conf.broker_use_ssl = tls_options(url, get_settings().redis_ca_file) or False
    return app
