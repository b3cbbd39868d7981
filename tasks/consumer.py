"""The workers' consumer: a broker that goes away, or takes no writes, is waited for, on every pool.

In Celery 5.7.0 a prefork or threads worker that holds an unacknowledged message exits when its broker goes away: it
puts the message back, or acknowledges it, through the connection that was just lost. Here such messages are
left alone; what was held is sent again when its lease ends, and what is acknowledged too late is only a doubled hint.
"""

import time
from typing import Any

from celery.worker.consumer import Consumer as CeleryConsumer

from core.store_fault import fault_of

TRY_AGAIN_S = 1.0


class Consumer(CeleryConsumer):  # type: ignore[misc]
    """Celery's consumer, except for what it does with a lost connection's messages."""

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Close the lost connection without using it."""
        transport = self.connection.connection if self.connection.connected else None
        for channel in list(getattr(transport, "channels", None) or ()):
            channel.do_restore = False
            channel.basic_ack = channel.basic_reject = _leave_alone
        super().on_connection_error_after_connected(exc)
        fault = fault_of(exc)
        if fault is not None and fault.reads:
            time.sleep(TRY_AGAIN_S)  # it was reached, so connecting again waits for nothing


def _leave_alone(*_: Any, **__: Any) -> None:
    """What is asked of a channel that is gone."""
