"""Reading while the server is full: a Redis refuses whatever a transaction has then, Valkey 9 does not."""

import asyncio
from typing import Any, Self

import pytest
import redis

from core.valkey import async_snapshot, snapshot


class FullRedis:
    """A client, and its own pipeline, of a Redis that is full."""

    def __init__(self, *, reads: bool = True) -> None:
        self.reads, self.sent = reads, []

    def pipeline(self, *, transaction: bool) -> Self:
        self.atomic, self.queued = transaction, []
        return self

    def get(self, key: str) -> None:
        self.queued.append(key)

    def execute(self) -> list[str]:
        self.sent.append(self.atomic)
        if self.atomic or not self.reads:
            raise redis.OutOfMemoryError("command not allowed when used memory > 'maxmemory'.")
        return [f"value of {key}" for key in self.queued]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to give back."""


class AsyncFullRedis(FullRedis):
    async def execute(self) -> list[str]:  # type: ignore[override]
        return super().execute()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing to give back."""


def queue(pipe: Any) -> None:
    pipe.get("a")
    pipe.get("b")


def test_what_no_transaction_may_read_is_read_without_one() -> None:
    client: Any = FullRedis()
    assert snapshot(client, queue) == ["value of a", "value of b"]
    assert client.sent == [True, False]
    there: Any = AsyncFullRedis()
    assert asyncio.run(async_snapshot(there, queue)) == ["value of a", "value of b"]
    assert there.sent == [True, False]


def test_who_wants_no_one_moment_gets_no_transaction() -> None:
    client: Any = FullRedis()
    assert snapshot(client, queue, atomic=False) == ["value of a", "value of b"]
    assert client.sent == [False]


def test_what_is_refused_either_way_is_an_error() -> None:
    client: Any = FullRedis(reads=False)
    with pytest.raises(redis.OutOfMemoryError):
        snapshot(client, queue)
