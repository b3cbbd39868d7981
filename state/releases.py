"""Which release each worker is of.

Keys: baton:release:<worker>, string, `KEPT_S` after it was last told (writer: the worker; reader: the check-up).
"""

from collections.abc import Mapping
from typing import Any, Final

from state import keys
from state.backlog import SEEN_WITHIN_MS
from state.outage import as_unavailable
from state.store import AsyncStore, Store

KEPT_S: Final = 180
UNTOLD: Final = "0.1.0"  # the release whose workers did not tell yet


def tell_release(store: Store, worker: str, release: str) -> None:
    """Note the release of `worker`; to be told again within `KEPT_S`."""
    with as_unavailable():
        store.client.set(_key(worker), release, ex=KEPT_S)


async def read_releases(store: AsyncStore) -> Mapping[str, str]:
    """The release of each worker at work; raises `StoreUnavailable`."""
    (clock,) = await store.read(lambda pipe: pipe.time())
    since_ms = clock[0] * 1000 + clock[1] // 1000 - SEEN_WITHIN_MS
    (found,) = await store.read(lambda pipe: pipe.zrangebyscore(keys.WORKERS, since_ms, "+inf"))
    workers = [worker.decode() for worker in found]

    def told(pipe: Any) -> None:
        for worker in workers:
            pipe.get(_key(worker))

    answers = await store.read(told) if workers else []
    return {worker: raw.decode() if raw else UNTOLD for worker, raw in zip(workers, answers, strict=True)}


def _key(worker: str) -> str:
    return f"baton:release:{worker}"
