"""The store: runs transitions and reads records, in workers (`Store`) and in the API's event loop (`AsyncStore`).

A transition is repeated over a short outage, which is safe because it carries a token; after `REPEAT_FOR_S` the caller
gets `StoreUnavailable`.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any, Final, TypeVar, cast

import redis
import redis.asyncio
from redis.commands.core import AsyncScript, Script
from tenacity import AsyncRetrying, Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from core.valkey import async_client, sync_client
from state import keys
from state.blobs import unpack
from state.errors import StoreUnavailable
from state.events import Event
from state.model import WorkflowRecord
from state.record import read_record
from state.scripts import source
from state.transitions import Transition

T = TypeVar("T")
REPEAT_FOR_S: Final = 3.0
_AWAY = (redis.ConnectionError, redis.TimeoutError, redis.exceptions.BusyLoadingError)
_POLICY: dict[str, Any] = {
    "retry": retry_if_exception_type(_AWAY),
    "stop": stop_after_delay(REPEAT_FOR_S),
    "wait": wait_random_exponential(multiplier=0.05, max=0.5),
    "reraise": True,
}


class Store:
    """Blocking access for worker processes and tools; safe to share between threads and greenlets."""

    def __init__(self, client: "redis.Redis") -> None:
        self.client = client
        self._scripts: dict[str, Script] = {}

    def run(self, transition: Transition[T]) -> T:
        """Run one transition; raises `StoreUnavailable` when Valkey stays away."""
        script = self._scripts.get(transition.script)
        if script is None:
            script = self._scripts[transition.script] = self.client.register_script(source(transition.script))
        try:
            raw: Any = Retrying(**_POLICY)(script, keys=transition.keys, args=transition.args)
        except _AWAY as error:
            raise StoreUnavailable(str(error)) from error
        return transition.understand(raw)

    def record(self, workflow_id: str) -> WorkflowRecord | None:
        """The record, None when there is none."""
        try:
            return read_record(workflow_id, cast("dict[bytes, bytes]", self.client.hgetall(keys.record(workflow_id))))
        except _AWAY as error:
            raise StoreUnavailable(str(error)) from error

    def hash(self, key: str) -> dict[bytes, bytes]:
        """All fields of a hash that another module owns."""
        try:
            return cast("dict[bytes, bytes]", self.client.hgetall(key))
        except _AWAY as error:
            raise StoreUnavailable(str(error)) from error

    def hurry(self, workflow_id: str, steps: Iterable[str]) -> None:
        """Make due entries that exist overdue at once."""
        for step in steps:
            self.client.zadd(keys.DUE, {keys.due_member(workflow_id, step): 0}, xx=True)


class AsyncStore:
    """The same for an event loop."""

    def __init__(self, client: "redis.asyncio.Redis") -> None:
        self.client = client
        self._scripts: dict[str, AsyncScript] = {}

    async def run(self, transition: Transition[T]) -> T:
        """Run one transition; raises `StoreUnavailable` when Valkey stays away."""
        script = self._scripts.get(transition.script)
        if script is None:
            script = self._scripts[transition.script] = self.client.register_script(source(transition.script))
        try:
            raw: Any = await AsyncRetrying(**_POLICY)(script, keys=transition.keys, args=transition.args)
        except _AWAY as error:
            raise StoreUnavailable(str(error)) from error
        return transition.understand(raw)

    async def record(self, workflow_id: str) -> WorkflowRecord | None:
        """The record, None when there is none."""
        try:
            return read_record(
                workflow_id, cast("dict[bytes, bytes]", await self.client.hgetall(keys.record(workflow_id)))
            )
        except _AWAY as error:
            raise StoreUnavailable(str(error)) from error

    async def outputs(self, workflow_id: str) -> dict[str, dict[str, Any]]:
        """Outputs by step, of the steps that have one."""
        try:
            raw = cast("dict[bytes, bytes]", await self.client.hgetall(keys.outputs(workflow_id)))
        except _AWAY as error:
            raise StoreUnavailable(str(error)) from error
        return {step.decode(): unpack(blob) for step, blob in raw.items()}

    async def hash(self, key: str) -> dict[bytes, bytes]:
        """All fields of a hash that another module owns."""
        try:
            return cast("dict[bytes, bytes]", await self.client.hgetall(key))
        except _AWAY as error:
            raise StoreUnavailable(str(error)) from error

    async def events(self, workflow_id: str, after: str = "0-0", limit: int = 500) -> list[Event]:
        """Up to `limit` events that follow the stream id `after`, oldest first."""
        try:
            raw = cast(
                "list[tuple[bytes, dict[bytes, bytes]]]",
                await self.client.xrange(keys.events(workflow_id), f"({after}", "+", count=limit),
            )
        except _AWAY as error:
            raise StoreUnavailable(str(error)) from error
        return [Event.of_entry(entry_id, fields) for entry_id, fields in raw]


@cache
def get_store() -> Store:
    """The store of this worker process."""
    return Store(sync_client())


def open_async_store() -> AsyncStore:
    """A store for the running event loop; close it with `await store.client.aclose()`."""
    return AsyncStore(async_client())
