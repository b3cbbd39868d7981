"""Workers, the queues they should empty, and beat."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from celery import Celery

from agents.health import KEY as HEALTH_KEY
from agents.health import STALE_AFTER, last_look_ms
from api.routes.metrics import queue_names
from core.beat import BEAT_LOCK
from core.clock import now_ms
from core.finding import Finding, failing, warning, well
from core.release import RELEASE
from core.settings import Settings
from state.backlog import Backlog, Queue, read_backlog
from state.releases import read_releases
from state.store import AsyncStore

ANSWER_WITHIN_S: Final = 1.0
OLD_MS: Final = 30_000
_START: Final = "Start one: celery -A tasks worker -P gevent"
_IN_COMPOSE: Final = "in containers: docker compose up -d"


async def worker_findings(settings: Settings, store: AsyncStore, app: Celery) -> list[Finding]:
    """One look; raises `StoreUnavailable`."""
    backlog = await read_backlog(store, queue_names())
    consumed = await asyncio.to_thread(consumed_queues, app, backlog.workers)
    beat = await _beat(settings, store, app)
    releases = judged_releases(await read_releases(store))
    return [*judged_workers(backlog), *releases, *judged_queues(backlog.queues, consumed), *beat]


def consumed_queues(app: Celery, workers: int) -> set[str]:
    """The queues that any worker says it consumes; waits no longer than it must for the `workers` known."""
    inspect = app.control.inspect(timeout=ANSWER_WITHIN_S, limit=workers or None)
    answers: Mapping[str, Iterable[Mapping[str, Any]]] = inspect.active_queues() or {}
    return {queue["name"] for queues in answers.values() for queue in queues}


def judged_workers(backlog: Backlog) -> list[Finding]:
    """Whether anybody works."""
    if backlog.workers:
        return [well("workers", f"{backlog.workers} at work.")]
    waiting = f"No worker has been seen for 5 s; {backlog.due} steps and deadlines wait."
    return [failing("workers", waiting, f"{_START}; {_IN_COMPOSE}. What waits is then taken up by itself.")]


def judged_releases(releases: Mapping[str, str]) -> list[Finding]:
    """Whether all workers are of this process's release; during an upgrade they are not."""
    others = {worker: release for worker, release in sorted(releases.items()) if release != RELEASE}
    if not others:
        return []
    named = ", ".join(f"{worker} is {release}" for worker, release in others.items())
    advice = "During an upgrade this is well (docs/upgrades.md); afterwards, restart them with the new release."
    return [warning("releases", f"This is {RELEASE}, and {named}.", advice)]


def judged_queues(queues: Mapping[str, Queue], consumed: set[str]) -> list[Finding]:
    """Queues that nobody empties, or not fast enough."""
    found = [
        failing(
            f"queue {name}",
            f"No worker consumes it; {queues[name].depth} messages wait.",
            f"{_START} -Q {name}; {_IN_COMPOSE}",
        )
        for name in sorted(queues.keys() - consumed)
    ]
    found += _slow(queues)
    waiting = sum(queue.depth for queue in queues.values())
    return found or [well("queues", f"All {len(queues)} are consumed; {waiting} messages wait.")]


def _slow(queues: Mapping[str, Queue]) -> Iterator[Finding]:
    for name, queue in queues.items():
        if (queue.oldest_ms or 0) > OLD_MS:
            found = f"{queue.depth} messages wait, the oldest for {(queue.oldest_ms or 0) / 1000:.0f} s."
            more = f"celery -A tasks worker -P gevent -Q {name}; in containers their number in .env"
            advice = f"More workers ({more}), or a larger WORKER_CONCURRENCY."
            yield warning(f"queue {name}", found, advice)


async def _beat(settings: Settings, store: AsyncStore, app: Celery) -> list[Finding]:
    lasts_ms = int(app.conf.redbeat_lock_timeout * 1000)
    (left_ms,) = await store.read(lambda pipe: pipe.pttl(BEAT_LOCK))
    if left_ms < 0:
        advice = "Start one: celery -A tasks beat. Without it nobody looks at the agents, and breakers close later."
        return [failing("beat", "No beat leads.", advice)]
    last_ms = last_look_ms(await store.hash(HEALTH_KEY))
    age_s = (now_ms() - last_ms) / 1000
    if age_s > settings.health_interval_s * STALE_AFTER:
        seen = f"the last health check was {age_s:.0f} s ago" if last_ms else "no health check was carried out yet"
        advice = f"Look again in {settings.health_interval_s:g} s; then at the logs of beat and of the workers."
        return [warning("beat", f"It leads, but {seen}.", advice)]
    return [well("beat", f"Last tick {(lasts_ms - left_ms) / 1000:.1f} s ago, last health check {age_s:.1f} s ago.")]
