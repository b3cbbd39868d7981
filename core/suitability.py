"""Whether the server can keep what Baton gives it; asked once, when a process starts."""

import redis

from core.settings import Settings
from core.tls import is_untrusted
from core.valkey import sync_client


class UnsuitableServer(Exception):
    """The server answers, and Baton must not run on it."""


def check_server(settings: Settings) -> None:
    """Raise `UnsuitableServer` when REDIS_URL names what Baton cannot run on; who is away is waited for later."""
    client = sync_client(settings.store_url)
    try:
        info = client.info("cluster", "persistence")
    except (redis.ConnectionError, redis.TimeoutError) as error:
        if is_untrusted(error):
            raise UnsuitableServer(
                f"Nobody vouches for the certificate of the server that REDIS_URL names; it was told nothing. {error} "
                "Name the file of its authority in REDIS_CA_FILE, and the server by a name in its certificate."
            ) from error
        return
    finally:
        client.close()
    if info.get("cluster_enabled"):
        raise UnsuitableServer(
            "REDIS_URL names a Redis Cluster. Baton needs one primary, because a transition changes a workflow and the "
            "shared indexes in one step. Use a single server, or Sentinel for failover."
        )
    if settings.accept_fsync and not info.get("aof_enabled"):
        raise UnsuitableServer(
            "ACCEPT_FSYNC is on, but the server has no append-only file to sync. Start it with `appendonly yes`, or "
            "switch ACCEPT_FSYNC off."
        )


def refuse_unsuitable_server(settings: Settings) -> None:
    """End this process, with the reason, when the server will not do."""
    try:
        check_server(settings)
    except UnsuitableServer as error:
        raise SystemExit(str(error)) from error
