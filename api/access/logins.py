"""Logins: a browser that showed a key once is known by a cookie for LOGIN_S.

Key of ours: `baton:login:<digest of the cookie>`, string, the key's id; TTL LOGIN_S; writer and reader: the API. Whose
key is taken out of the file is logged out with it.
"""

import hashlib
import secrets
from typing import Final

from api.access.caller import Caller
from api.access.keys import KeyRing
from state.outage import as_unavailable
from state.store import AsyncStore

COOKIE: Final = "baton_login"
_LONGEST = 100


async def log_in(store: AsyncStore, caller: Caller, lasts_s: int) -> str:
    """A new login; the cookie that stands for it."""
    cookie = secrets.token_urlsafe(32)
    with as_unavailable():
        await store.client.set(_key(cookie), caller.key_id, ex=lasts_s)
    return cookie


async def log_out(store: AsyncStore, cookie: str) -> None:
    """Nobody is known by this cookie any more."""
    with as_unavailable():
        await store.client.delete(_key(cookie))


async def logged_in(store: AsyncStore, ring: KeyRing, cookie: str) -> Caller | None:
    """Who is known by this cookie."""
    if not cookie or len(cookie) > _LONGEST:
        return None
    with as_unavailable():
        key_id = await store.client.get(_key(cookie))
    return ring.caller(key_id.decode()) if isinstance(key_id, bytes) else None


def _key(cookie: str) -> str:
    return f"baton:login:{hashlib.sha256(cookie.encode()).hexdigest()}"
