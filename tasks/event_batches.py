"""Task events in batches on gevent and threads too, as Celery itself sends them wherever it runs its event loop.

Sent one by one, they are the dearest part of a step.
Flower and every other receiver understand batches; they learn of an event `FLUSH_INTERVAL_S` later at most.
"""

from typing import Any

from celery import bootsteps

FLUSH_INTERVAL_S = 0.1
BATCH = 100  # as many are sent at once, whatever the time


class EventBatches(bootsteps.StartStopStep):  # type: ignore[misc]
    """Buffers the consumer's task events and sends them by the clock."""

    requires = ("celery.worker.consumer.events:Events",)

    def __init__(self, consumer: Any, **options: Any) -> None:
        super().__init__(consumer, **options)
        self._flushing: Any = None

    def start(self, consumer: Any) -> None:
        """Begin to buffer, unless Celery does so itself (it does on prefork)."""
        dispatcher = consumer.event_dispatcher
        if consumer.hub is None and dispatcher.enabled:
            dispatcher.buffer_group, dispatcher.buffer_limit = frozenset({"task"}), BATCH
            self._flushing = consumer.timer.call_repeatedly(FLUSH_INTERVAL_S, dispatcher.flush)

    def stop(self, consumer: Any) -> None:
        """Send what is left: what cannot be sent is kept by the dispatcher for the next connection."""
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None
            consumer.event_dispatcher.buffer_group = frozenset()  # of steps that are drained from here on
            consumer.event_dispatcher.flush()
