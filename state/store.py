"""The store: runs transitions and reads records, in workers (`Store`) and in the API's event loop (`AsyncStore`).

A worker repeats a transition over an absence of Valkey, which is safe because it carries a token. The API, where
someone waits, does not: it fails at once and says so (`state.outage`).
"""

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache, lru_cache
from typing import Any, TypeVar, cast

import redis
import redis.asyncio
from redis.commands.core import AsyncScript, Script
from tenacity import Retrying

from core.logging import get_logger
from core.settings import get_settings
from core.store_fault import StoreFault, fault_of
from core.valkey import async_snapshot, snapshot, sync_client
from state import keys
from state.blobs import unpack
from state.errors import StoreUnavailable
from state.events import Event
from state.listing import Listing, Page, Read, advance, read_page
from state.memory import Memory, memory_of
from state.model import Contents, WorkflowRecord, WorkflowStatus
from state.outage import Outage, as_unavailable, repeating
from state.record import read_contents, read_record
from state.scripts import source
from state.transition import Transition

T = TypeVar("T")
log = get_logger(__name__)
SYNC_WITHIN_S = 3.0
USED_AGAIN_BELOW = 0.95  # of its memory, after it was full: what was accepted before has the rest to end in
Hash = dict[bytes, bytes]


def is_other_type(error: Exception) -> bool:
    """Whether a command failed because its key holds something of another type, so nothing of ours."""
    return str(error).startswith("WRONGTYPE")


def _nothing_of(key: str, error: redis.ResponseError) -> Hash:
    if not is_other_type(error):
        raise error
    _tell_once(key)
    return {}


@lru_cache(maxsize=1024)
def _tell_once(key: str) -> None:
    log.warning("key_unreadable", key=key, meaning="it is of another type, so none of ours: it is ignored")


class Store:
    """Blocking access for worker processes and tools; safe to share between threads and greenlets."""

    def __init__(self, client: "redis.Redis") -> None:
        self.client = client
        self._scripts: dict[str, Script] = {}

    def run(self, transition: Transition[T]) -> T:
        """Run one transition; raises `StoreUnavailable` when Valkey stays away for longer than the call can wait."""
        script = self._scripts.get(transition.script)
        if script is None:
            script = self._scripts[transition.script] = self.client.register_script(source(transition.script))
        with as_unavailable():
            raw: Any = Retrying(**repeating(transition.script))(script, keys=transition.keys, args=transition.args)
        return transition.understand(raw)

    def record(self, workflow_id: str) -> WorkflowRecord | None:
        """The record, None when there is none."""
        return read_record(workflow_id, self.hash(keys.record(workflow_id)))

    def page(self, wanted: Listing) -> Page:
        """One page of a list of workflows."""
        reading = read_page(wanted)
        step = advance(reading)
        while isinstance(step, Read):
            with as_unavailable():
                answer = snapshot(self.client, step.queue, atomic=step.atomic)
            step = advance(reading, answer)
        return step

    def hash(self, key: str) -> Hash:
        """All fields of a hash, also of one that another module owns; none of a key of another type."""
        with as_unavailable():
            try:
                return cast("Hash", self.client.hgetall(key))
            except redis.ResponseError as error:
                return _nothing_of(key, error)

    def last_good(self, key: str) -> tuple[dict[str, Any], int] | None:
        """The output that `key` (`keys.last_good`) leads to, and when it was recorded (ms); None when it is gone."""
        with as_unavailable():
            place = cast("bytes | None", self.client.get(key))
            if place is None:
                return None
            workflow_id, _, step = place.decode().rpartition("|")
            blob = cast("bytes | None", self.client.hget(keys.outputs(workflow_id), step))
            finished_ms = cast("bytes | None", self.client.hget(keys.record(workflow_id), f"{step}:finished_ms"))
        return (unpack(blob), int(finished_ms)) if blob and finished_ms else None

    def hurry(self, workflow_id: str, steps: Iterable[str]) -> None:
        """Make due entries that exist overdue at once."""
        with as_unavailable():
            for step in steps:
                self.client.zadd(keys.DUE, {keys.due_member(workflow_id, step): 0}, xx=True)


class AsyncStore:
    """Access for an event loop; while Valkey is away every call raises `StoreUnavailable` at once.

    While it takes no writes only transitions do, and all else is read as ever.
    """

    def __init__(self, client: "redis.asyncio.Redis") -> None:
        self.client = client
        self._outage = Outage(self._look)
        self._scripts: dict[str, AsyncScript] = {}

    @property
    def away(self) -> bool:
        """Whether Valkey was away when somebody looked last."""
        return self._outage.fault is StoreFault.AWAY

    async def fault(self) -> StoreFault | None:
        """What keeps Valkey from being used: as it is known, else by asking."""
        if self._outage.fault is None:
            with suppress(StoreUnavailable), self._outage.watched():
                await self._write_nothing()
        return self._outage.fault

    async def memory(self) -> Memory:
        """How much of its memory Valkey uses."""
        with self._outage.watched():
            return await memory_of(self.client)

    async def _write_nothing(self) -> None:
        """Raise what keeps Valkey from taking writes: one that changes nothing is refused like any other."""
        await self.client.setrange(keys.NEVER, 0, "")

    async def _look(self) -> None:
        """Raise what keeps Valkey from being used again."""
        await self._write_nothing()
        if self._outage.fault is StoreFault.FULL:
            share = (await memory_of(self.client)).share
            if share > USED_AGAIN_BELOW:
                raise redis.OutOfMemoryError(f"{share:.0%} of the memory is used")

    async def close(self) -> None:
        """Hang up."""
        self._outage.close()
        await self.client.aclose()

    async def run(self, transition: Transition[T], *, on_disk: bool = False) -> T:
        """Run one transition; `on_disk`: and wait until it is in the append-only file, synced.

        It is repeated once, at once, which its token makes safe: the first connection may have died unnoticed.
        """
        call = self._synced if on_disk else self._call
        with self._outage.watched(writes=True):
            try:
                raw = await call(transition)
            except redis.RedisError as error:
                if fault_of(error) is not StoreFault.AWAY:
                    raise
                raw = await call(transition)
        return transition.understand(raw)

    async def _call(self, transition: Transition[Any], client: "redis.asyncio.Redis | None" = None) -> Any:
        script = self._scripts.get(transition.script)
        if script is None:
            script = self._scripts[transition.script] = self.client.register_script(source(transition.script))
        return await script(keys=transition.keys, args=transition.args, client=client)

    async def _synced(self, transition: Transition[Any]) -> Any:
        """WAITAOF is about what its own connection wrote, so both go in one pipeline."""
        async with self.client.pipeline(transaction=False) as pipeline:
            await self._call(transition, pipeline)
            pipeline.execute_command("WAITAOF", 1, 0, int(SYNC_WITHIN_S * 1000))
            raw, (synced, _replicas) = await pipeline.execute()
        if not synced:
            raise redis.TimeoutError(f"the append-only file was not synced within {SYNC_WITHIN_S:.0f} s")
        return raw

    async def record(self, workflow_id: str) -> WorkflowRecord | None:
        """The record, None when there is none."""
        return read_record(workflow_id, await self.hash(keys.record(workflow_id)))

    async def version(self, workflow_id: str) -> str | None:
        """What changes with all that a reader can see of a workflow; None when there is none."""

        def queue(pipe: Any) -> None:
            pipe.xrevrange(keys.events(workflow_id), count=1)
            pipe.hget(keys.record(workflow_id), "held")  # the one change that is no event

        newest, held = await self.read(queue)
        return f"{newest[0][0].decode()}.{int(held or 0)}" if newest else None

    async def contents(self, workflow_id: str) -> Contents | None:
        """The request and the outputs, None when there is no record."""
        return read_contents(await self.hash(keys.outputs(workflow_id)))

    async def page(self, wanted: Listing) -> Page:
        """One page of a list of workflows."""
        reading = read_page(wanted)
        step = advance(reading)
        while isinstance(step, Read):
            with self._outage.watched():
                answer = await async_snapshot(self.client, step.queue, atomic=step.atomic)
            step = advance(reading, answer)
        return step

    async def read(self, queue: Callable[[Any], object]) -> list[Any]:
        """What the reading commands answer that `queue` calls on a pipeline, as of one moment."""
        with self._outage.watched():
            return await async_snapshot(self.client, queue)

    async def hash(self, key: str) -> Hash:
        """All fields of a hash, also of one that another module owns; none of a key of another type."""
        with self._outage.watched():
            try:
                return cast("Hash", await self.client.hgetall(key))
            except redis.ResponseError as error:
                return _nothing_of(key, error)

    async def exists(self, key: str) -> bool:
        """Whether there is such a key."""
        with self._outage.watched():
            return bool(await self.client.exists(key))

    async def events(self, workflow_id: str, after: str = "0-0", limit: int = 500) -> list[Event]:
        """Up to `limit` events that follow the stream id `after`, oldest first."""
        with self._outage.watched():
            entries = await self.client.xrange(keys.events(workflow_id), f"({after}", "+", count=limit)
        return [Event.of_entry(entry_id, fields) for entry_id, fields in cast("list[tuple[bytes, Hash]]", entries)]

    async def first_event(self, workflow_id: str) -> str | None:
        """The stream id of the oldest event there is; None without such a workflow."""
        with self._outage.watched():
            entries = await self.client.xrange(keys.events(workflow_id), "-", "+", count=1)
        return cast("bytes", entries[0][0]).decode() if entries else None

    async def status(self, workflow_id: str) -> WorkflowStatus | None:
        """The workflow's status alone, None when there is no such workflow."""
        with self._outage.watched():
            found = cast("bytes | None", await self.client.hget(keys.record(workflow_id), "status"))
        return WorkflowStatus(found.decode()) if found else None


@cache
def store_at(url: str) -> Store:
    """The store of this process at `url`, shared by its threads and greenlets."""
    return Store(sync_client(url))


def get_store() -> Store:
    """The store of this process, where the settings say."""
    return store_at(get_settings().store_url)


# A prefork child that replaces a dead one is forked while threads of its parent use the store: it would inherit the
# connection pool's lock, held by a thread that it has not got, and wait for it for ever.
os.register_at_fork(after_in_child=store_at.cache_clear)
