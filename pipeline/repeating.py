"""Work that comes back every so often, beside a process's own."""

import threading
from collections.abc import Callable

from core.logging import get_logger
from state.errors import StoreUnavailable

log = get_logger(__name__)


def repeat(name: str, every_s: float, action: Callable[[], None]) -> threading.Event:
    """Do `action` on a thread of its own, `every_s` apart, until the event it answers is set.

    Valkey being away is waited out, a bug is logged and does not end it.
    """
    over = threading.Event()

    def loop() -> None:
        while not over.wait(every_s):
            try:
                action()
            except StoreUnavailable as error:
                log.warning("upkeep_waits", loop=name, error=str(error))
            except Exception:
                log.exception("upkeep_failed", loop=name)

    threading.Thread(target=loop, name=f"baton-{name}", daemon=True).start()
    return over
