"""`python -m deploy.probe http URL | worker NAME | beat`: a container's health check; 1 and the reason if not well.

It starts every few seconds in every container, so it imports what its one question needs and nothing else.
"""

import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import TYPE_CHECKING

from core.beat import BEAT_LOCK

if TYPE_CHECKING:
    from redis import Redis

ANSWER_LIMIT_S = 3.0
SEEN_WITHIN_S = 10.0


def http(url: str) -> str:
    """What is missing: the URL answers 200, or it says what else."""
    try:
        with urllib.request.urlopen(url, timeout=ANSWER_LIMIT_S):  # noqa: S310 - the URL stands in the compose file
            return ""
    except (urllib.error.URLError, OSError) as error:
        return f"{url}: {error}"


def worker(name: str) -> str:
    """What is missing: the worker `name` of this container has looked for overdue steps lately."""
    from state import keys

    node = f"{name}@{socket.gethostname()}"

    def ask(client: "Redis") -> str:
        seen_ms = client.zscore(keys.WORKERS, node)
        now_s, _ = client.time()
        if not isinstance(seen_ms, float):
            return f"{node} was never seen at work"
        away_s = now_s - seen_ms / 1000
        return "" if away_s < SEEN_WITHIN_S else f"{node} was last seen at work {away_s:.0f} s ago"

    return _asked(ask)


def beat() -> str:
    """What is missing: a beat holds the schedule's lock, this one or the one it is a spare for."""
    return _asked(lambda client: "" if client.exists(BEAT_LOCK) else "no beat holds the schedule")


def _asked(question: "Callable[[Redis], str]") -> str:
    from redis import RedisError

    from core.valkey import sync_client

    try:
        with sync_client() as client:
            return question(client)
    except RedisError as error:
        return f"Valkey: {error}"


PROBES: dict[str, Callable[..., str]] = {"http": http, "worker": worker, "beat": beat}


def main(arguments: list[str]) -> int:
    """0 when nothing is missing; Docker keeps what is printed."""
    kind, *details = arguments
    missing = PROBES[kind](*details)
    if missing:
        print(missing)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
