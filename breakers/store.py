"""Where breakers live: runs the script and reads what it wrote, for workers (`Store`) and an event loop (`AsyncStore`).

A request is sent once. Whoever waits here keeps a call of an agent waiting, so the answer is given up on early.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import compress
from typing import Any, cast
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import redis
import redis.asyncio
from redis.commands.core import AsyncScript, Script

from breakers import keys
from breakers.errors import BreakerStoreAway
from breakers.events import EVENTS_COUNTED, BreakerEvent, events_of, opens
from breakers.model import Answer
from breakers.request import Request, answer_of, source
from breakers.status import RawStatus
from core.logging import get_logger
from core.store_fault import StoreFault, fault_of
from core.valkey import async_client, async_snapshot, snapshot, sync_client

_log = get_logger(__name__)
ANSWER_TIMEOUT_S = 0.5
AWAY = (redis.RedisError, OSError)  # also an error that Valkey answers: a breaker must never be the outage itself


@contextmanager
def as_away() -> Iterator[None]:
    """Tell what went wrong with Valkey as `BreakerStoreAway`."""
    try:
        yield
    except AWAY as error:
        raise BreakerStoreAway(str(error) or type(error).__name__, fault_of(error) or StoreFault.AWAY) from error


def impatient(url: str) -> str:
    """`url` with the breakers' answer timeout."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query)) | {"socket_timeout": str(ANSWER_TIMEOUT_S)}
    return urlunsplit(parts._replace(query=urlencode(query)))


def _told(request: Request, answer: Answer) -> Answer:
    """The answer; a log line when the breaker had to be begun anew."""
    if answer.unreadable:
        _log.warning("key_unreadable", key=keys.state(request.name), field=answer.unreadable,
                     meaning="it was none of ours: the breaker begins anew")
    return answer


def _queue(name: str, pipe: Any) -> None:
    pipe.hgetall(keys.state(name))
    pipe.zrange(keys.probes(name), 0, -1, withscores=True)


class Store:
    """Blocking access; safe to share between threads and greenlets, and to carry into a forked child."""

    def __init__(self, url: str) -> None:
        self._url = impatient(url)
        self.known_away: Callable[[], bool] = lambda: False  # by who looks anyway: then nobody here waits to find out
        self._pid = 0
        self._client: redis.Redis
        self._script: Script

    @property
    def client(self) -> "redis.Redis":
        """This process's client: an inherited one may hold a lock that nobody is left to open."""
        if self._pid != os.getpid():
            self._client = sync_client(self._url)
            self._script = self._client.register_script(source())
            self._pid = os.getpid()
        return self._client

    def run(self, request: Request) -> Answer:
        """Run the script, once; raises `BreakerStoreAway`."""
        if self.known_away():
            raise BreakerStoreAway("Valkey was away a moment ago")
        with as_away():
            client, script = self.client, self._script
            raw: Any = script(keys=request.keys, args=request.args, client=client)
        return _told(request, answer_of(raw))

    def read(self, name: str) -> RawStatus:
        """What is stored about one breaker, as of one moment."""
        with as_away():
            return RawStatus(*snapshot(self.client, partial(_queue, name)))

    def names(self) -> list[str]:
        """All breakers that were used in the last days, sorted."""
        with as_away(), self.client.pipeline(transaction=False) as pipe:
            names = sorted(name.decode() for name in cast("set[bytes]", self.client.smembers(keys.NAMES)))
            for name in names:
                pipe.exists(keys.state(name))
            return list(compress(names, pipe.execute()))

    def events(self, after: str = "0-0", limit: int = 500) -> list[BreakerEvent]:
        """Up to `limit` events of all breakers that follow the stream id `after`, oldest first."""
        with as_away():
            raw: Any = self.client.xrange(keys.EVENTS, f"({after}", "+", count=limit)
        return events_of(raw)

    def last_events(self, limit: int = 500) -> list[BreakerEvent]:
        """The last events of all breakers, newest first."""
        with as_away():
            raw: Any = self.client.xrevrange(keys.EVENTS, count=limit)
        return events_of(raw)

    def close(self) -> None:
        """Close this process's connections."""
        if self._pid == os.getpid():
            self._client.close()


class AsyncStore:
    """Access for an event loop."""

    def __init__(self, url: str) -> None:
        self.client = async_client(impatient(url))
        self._script: AsyncScript = self.client.register_script(source())

    async def run(self, request: Request) -> Answer:
        """Run the script, once; raises `BreakerStoreAway`."""
        with as_away():
            raw: Any = await self._script(keys=request.keys, args=request.args)
        return _told(request, answer_of(raw))

    async def read(self, name: str) -> RawStatus:
        """What is stored about one breaker, as of one moment."""
        with as_away():
            return RawStatus(*await async_snapshot(self.client, partial(_queue, name)))

    async def names(self) -> list[str]:
        """All breakers that were used in the last days, sorted."""
        with as_away():
            known: Any = await self.client.smembers(keys.NAMES)
            names = sorted(name.decode() for name in known)
            async with self.client.pipeline(transaction=False) as pipe:
                for name in names:
                    pipe.exists(keys.state(name))
                return list(compress(names, await pipe.execute()))

    async def events(self, after: str = "0-0", limit: int = 500) -> list[BreakerEvent]:
        """Up to `limit` events of all breakers that follow the stream id `after`, oldest first."""
        with as_away():
            raw: Any = await self.client.xrange(keys.EVENTS, f"({after}", "+", count=limit)
        return events_of(raw)

    async def last_events(self, limit: int = 500) -> list[BreakerEvent]:
        """The last events of all breakers, newest first."""
        with as_away():
            raw: Any = await self.client.xrevrange(keys.EVENTS, count=limit)
        return events_of(raw)

    async def openings(self, since_ms: int) -> Counter[str]:
        """How often each breaker opened since then, by the last `EVENTS_COUNTED` events."""
        with as_away():
            raw: Any = await self.client.xrevrange(keys.EVENTS, "+", f"{since_ms}-0", count=EVENTS_COUNTED)
        return Counter(fields[b"breaker"].decode() for _, fields in raw if opens(fields))

    async def close(self) -> None:
        """Close the connections."""
        await self.client.aclose()
