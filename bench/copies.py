"""A store full of finished workflows: one real one, then copies of all it left behind, with other ids and times.

Whatever the transitions leave is copied, so this need not know what a record looks like. Ids and times have fixed
lengths, so a copy of the commands' bytes with those replaced is still well-formed; Valkey takes thousands of copies a
second that way.
"""

import secrets
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, cast

import redis

Command = tuple[bytes, ...]
BATCH = 200
# What a transition keeps it writes anew (`state/lua/record.lua`), so copies have the small form of the original.
_KEEP = b"redis.call('RESTORE', KEYS[1], 0, redis.call('DUMP', KEYS[1]), 'REPLACE') return 1"


@dataclass(frozen=True, slots=True)
class Original:
    """A finished workflow as the commands that would write it, and what in them is its own."""

    workflow_id: bytes
    created_ms: bytes
    commands: bytes

    def copy(self, workflow_id: bytes, created_ms: bytes) -> bytes:
        """The commands that write a copy."""
        if (len(workflow_id), len(created_ms)) != (len(self.workflow_id), len(self.created_ms)):
            raise ValueError("a copy's id and time must be as long as the original's")
        return self.commands.replace(self.workflow_id, workflow_id).replace(self.created_ms, created_ms)


def take(client: "redis.Redis", workflow_id: str, created_ms: int) -> Original:
    """The original: every key that bears its id, and its entry in every index."""
    mark = workflow_id.encode()
    commands: list[Command] = []
    for key in cast("Iterable[bytes]", client.scan_iter(count=1000)):
        kind = cast("bytes", client.type(key))
        if mark in key:
            commands += _WRITERS[kind](client, key)
            commands.append((b"EVAL", _KEEP, b"1", key))
            ttl_ms = client.pttl(key)
            if ttl_ms > 0:
                commands.append((b"PEXPIRE", key, str(ttl_ms).encode()))
        elif kind == b"zset":
            commands += [(b"ZADD", key, b"%.0f" % score, member) for member, score in _members(client, key)
                         if mark in member]
    return Original(mark, str(created_ms).encode(), b"".join(map(encoded, commands)))


def fill(port: int, original: Original, count: int, newest_ms: int, spread_ms: int) -> list[str]:
    """Write `count` copies, created evenly over the `spread_ms` before `newest_ms`; their ids."""
    ids = [secrets.token_hex(len(original.workflow_id) // 2) for _ in range(count)]
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(encoded((b"CLIENT", b"REPLY", b"OFF")))
        for first in range(0, count, BATCH):
            connection.sendall(b"".join(
                original.copy(ids[number].encode(), b"%d" % (newest_ms - spread_ms * number // count))
                for number in range(first, min(first + BATCH, count))))
        connection.sendall(encoded((b"CLIENT", b"REPLY", b"ON")))
        if connection.recv(64) != b"+OK\r\n":
            raise RuntimeError("Valkey did not take the copies")
    return ids


def encoded(command: Command) -> bytes:
    """One command as a client sends it."""
    return b"*%d\r\n" % len(command) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in command)


def _hash(client: "redis.Redis", key: bytes) -> list[Command]:
    fields = cast("dict[bytes, bytes]", client.hgetall(key))
    return [(b"HSET", key, *(word for pair in fields.items() for word in pair))]


def _stream(client: "redis.Redis", key: bytes) -> list[Command]:
    entries = cast("list[tuple[bytes, dict[bytes, bytes]]]", client.xrange(key))
    return [(b"XADD", key, at, *(word for pair in fields.items() for word in pair)) for at, fields in entries]


def _string(client: "redis.Redis", key: bytes) -> list[Command]:
    return [(b"SET", key, cast("bytes", client.get(key)))]


def _members(client: "redis.Redis", key: bytes) -> list[tuple[bytes, float]]:
    return cast("list[tuple[bytes, float]]", client.zrange(key, 0, -1, withscores=True))


_WRITERS: dict[bytes, Callable[[Any, bytes], list[Command]]] = {
    b"hash": _hash, b"stream": _stream, b"string": _string}
