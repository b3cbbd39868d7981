"""Kombu's transports for Redis, except that a message nobody can read is left out instead of ending the worker."""

from typing import Any, Final

from kombu.transport import TRANSPORT_ALIASES, redis

from core.logging import get_logger
from core.tls_connection import TlsConnection

log = get_logger(__name__)
# Not connection errors: those are the consumer's.
_UNREADABLE: Final = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


class _LeavingOut:
    """A channel that takes messages off the queues; stands before one of kombu's."""

    def _brpop_read(self, **options: Any) -> bool:
        try:
            return bool(super()._brpop_read(**options))  # type: ignore[misc]
        except _UNREADABLE as error:
            log.warning("message_unreadable", error=repr(error)[:200], meaning="it was none of ours, and is left out")
            return True


class Channel(_LeavingOut, redis.Channel):
    """To a server named by the URL."""

    connection_class_ssl = TlsConnection


class SentinelChannel(_LeavingOut, redis.SentinelChannel):
    """To the primary that sentinels name."""


class Transport(redis.Transport):
    """The transport behind `redis://` and `rediss://`."""

    Channel = Channel


class SentinelTransport(redis.SentinelTransport):
    """The transport behind `sentinel://`."""

    Channel = SentinelChannel


def install() -> None:
    """Let every broker connection of this process use them."""
    TRANSPORT_ALIASES.update(
        redis="tasks.transport:Transport",
        rediss="tasks.transport:Transport",
        sentinel="tasks.transport:SentinelTransport",
    )
