"""Idempotency keys: a request that is sent again leads to the workflow that its first sending began."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from state import keys


@dataclass(frozen=True, slots=True)
class Once:
    """A key as it goes into `start`: where it is kept (`place`), and a digest of what was `asked`."""

    place: str
    asked: str
    ttl_s: int


def once(key: str, asked: Mapping[str, Any], *, scope: str, ttl_s: int) -> Once:
    """`key` with a request (a JSON object) that may be sent again under it; keys of other scopes are other keys."""
    whole = json.dumps(asked, sort_keys=True, separators=(",", ":"))
    return Once(keys.asked(scope, _digest(key)), _digest(whole), ttl_s)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
