"""Beat's scheduler: redbeat's, which several beats may run and one leads, made to outlive Valkey's absences.

redbeat itself ends the process when its server is away, or when its lock was lost meanwhile.
"""

from types import SimpleNamespace
from typing import Any

import redis
from redbeat import RedBeatScheduler
from redbeat.schedulers import acquire_distributed_beat_lock, get_redis

from core.logging import get_logger
from core.settings import get_settings
from core.store_fault import fault_of
from core.suitability import refuse_unsuitable_server
from state import keys

log = get_logger(__name__)
LOOK_AGAIN_S = 1.0


class Scheduler(RedBeatScheduler):  # type: ignore[misc]
    """Sends what is due while it leads; while it does not, or Valkey cannot be used, it tries again every second."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        refuse_unsuitable_server(get_settings())
        super().__init__(*args, **kwargs)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """One look at the schedule; seconds until the next."""
        try:
            if self.lock is None:  # it stood by for the lock when Valkey went away
                acquire_distributed_beat_lock(sender=SimpleNamespace(scheduler=self))
            # What redbeat could not write it would only log, entry by entry.
            get_redis(self.app).setrange(keys.NEVER, 0, "")
            wait_s: float = super().tick(*args, **kwargs)
        except redis.exceptions.LockError:
            if self.lock.acquire(blocking=False):
                log.info("beat_leads_again")
            return LOOK_AGAIN_S
        except redis.RedisError as error:
            fault = fault_of(error)
            if fault is None:
                raise
            log.warning("beat_waits", error=str(error), meaning=fault.said)
            return LOOK_AGAIN_S
        return wait_s

    def close(self) -> None:
        """Give the lock back, if there is somebody to give it to; else it expires."""
        try:
            super().close()
        except redis.RedisError as error:
            if fault_of(error) is None:
                raise
            log.warning("beat_lock_not_released", meaning="it expires by itself")
