"""Who is on Celery's side of the rollout: a session stays where it is while the share grows."""

from hashlib import blake2b
from typing import Final

from state.model import Path

_POINTS: Final = 10_000


def point_of(session_id: str, workflow_id: str) -> float:
    """A session's place from 0 to 99.99, the same in every process; a question without a session has its own."""
    digest = blake2b((session_id or workflow_id).encode(errors="replace"), digest_size=8).digest()
    return int.from_bytes(digest) % _POINTS * 100 / _POINTS


def path_at(share: float, session_id: str, workflow_id: str) -> Path:
    """The path of a question while `share` percent go by Celery."""
    return Path.CELERY if point_of(session_id, workflow_id) < share else Path.DIRECT
