"""The short way: a step that was just released goes to this very worker, without a trip through the broker.

A message is only a hint, and the released step is recorded as queued with a due time, so nothing depends on this: a
worker that dies with the step in its hands is found by the lease like any other. The hand-over goes through the
worker's own task strategy: events, revokes and time limits are as ever. gevent only; LOCAL_HANDOFF=off switches it off.
"""

from typing import Any

from celery import bootsteps
from celery.worker import state as worker_state
from kombu.message import Message
from kombu.serialization import dumps

from core.settings import get_settings
from pipeline.build import task_name
from state.transition import Send
from tasks.app import app

FREE_SHARE = 0.1  # of the pool that must be free: what comes from the broker is not to be starved


class LocalHandoff(bootsteps.StartStopStep):  # type: ignore[misc]
    """Knows the worker of this process, once it runs on gevent and wants to take steps."""

    requires = ("celery.worker.components:Pool",)
    worker: Any = None

    def start(self, worker: Any) -> None:
        """Offer this worker."""
        if get_settings().local_handoff and getattr(worker.pool, "is_green", False):
            LocalHandoff.worker = worker

    def stop(self, _worker: Any) -> None:
        """Take nothing more: what is released from now on goes to the others."""
        LocalHandoff.worker = None


def take(send: Send) -> bool:
    """Begin `send` in this worker if it may; False when it is to be published instead."""
    worker = LocalHandoff.worker
    if worker is None or not _may_take(worker, send):
        return False
    properties = {"correlation_id": send.task_id, "delivery_info": {"exchange": "", "routing_key": send.queue}}
    name = task_name(send.queue)
    sent = app.amqp.as_task_v2(
        send.task_id,
        name,
        args=(send.workflow_id, send.step),
        kwargs={},
        root_id=send.workflow_id,
        ignore_result=True,
    )
    content_type, encoding, body = dumps(sent.body, serializer="json")
    message = Message(
        body=body,
        content_type=content_type,
        content_encoding=encoding,
        headers=sent.headers,
        properties=properties,
        delivery_info=properties["delivery_info"],
        channel=None,
    )
    worker.consumer.strategies[name](message, None, _nothing_to_settle, _nothing_to_settle, [])
    return True


def _may_take(worker: Any, send: Send) -> bool:
    consumer = worker.consumer
    return bool(
        worker_state.should_stop in (None, False)
        and worker_state.should_terminate in (None, False)
        and consumer.blueprint.state == bootsteps.RUN
        and consumer.task_consumer is not None
        and consumer.task_consumer.consuming_from(send.queue)
        and worker.pool._pool.free_count() >= worker.pool.limit * FREE_SHARE  # noqa: SLF001 - no public count
    )


def _nothing_to_settle(*_: Any, **__: Any) -> None:
    """There is no broker message to acknowledge or reject."""
