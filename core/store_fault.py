"""What keeps Valkey from being used: it does not answer, or it answers and takes no writes."""

import re
from enum import StrEnum
from typing import Final

import redis


class StoreFault(StrEnum):
    """Why a call of Valkey came to nothing; it may be made again when that is over."""

    AWAY = "away"
    FULL = "full"
    UNSAVED = "unsaved"
    READ_ONLY = "read_only"

    @property
    def reads(self) -> bool:
        """Whether what is stored can be read all the same."""
        return self is not StoreFault.AWAY

    @property
    def headline(self) -> str:
        """The fault in a few words."""
        return _WORDS[self][0]

    @property
    def said(self) -> str:
        """The fault in a clause."""
        return _WORDS[self][1]


_WORDS: Final = {
    StoreFault.AWAY: ("Valkey is away", "Valkey does not answer"),
    StoreFault.FULL: ("Valkey is full", "Valkey is full and takes no writes"),
    StoreFault.UNSAVED: ("Valkey cannot save", "Valkey cannot save to its disk and takes no writes"),
    StoreFault.READ_ONLY: (
        "Valkey takes no writes",
        "Valkey takes no writes, since it is a replica or misses replicas of its own",
    ),
}
_BY_CODE: Final = {
    "OOM": StoreFault.FULL,
    "MISCONF": StoreFault.UNSAVED,
    "READONLY": StoreFault.READ_ONLY,
    "NOREPLICAS": StoreFault.READ_ONLY,
    "MASTERDOWN": StoreFault.AWAY,
}
# It begins the answer, but for what redis-py puts before it in a pipeline, and servers before 7.0 in a script.
_CODE: Final = re.compile(rf"(?:^|caused error: |: -)({'|'.join(_BY_CODE)}) ")
# Those whose code redis-py cuts off.
_BY_CLASS: Final = {
    redis.exceptions.MasterDownError: StoreFault.AWAY,
    redis.OutOfMemoryError: StoreFault.FULL,
    redis.ReadOnlyError: StoreFault.READ_ONLY,
}


def fault_of(error: BaseException | None) -> StoreFault | None:
    """The fault that `error` tells of; None when it is another kind of error, which is not over by itself."""
    if isinstance(error, redis.ConnectionError | redis.TimeoutError):
        return StoreFault.AWAY
    if not isinstance(error, redis.ResponseError):
        return None
    for kind, fault in _BY_CLASS.items():
        if isinstance(error, kind):
            return fault
    found = _CODE.search(str(error))
    return _BY_CODE[found[1]] if found else None
