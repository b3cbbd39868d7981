"""`GET /metrics`: everything since the first transition, in Prometheus' text format.

It is read from Valkey at each scrape, so any one API process tells of all processes, and none holds a count of its own.
"""

import asyncio
from collections.abc import Iterable
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from api.desk import Desk
from api.metrics.families import FAMILIES
from api.metrics.family import Reading
from api.routes.breakers import BreakerDesk
from api.routes.metrics import queue_names
from breakers import BreakerStoreAway
from core.logging import get_logger
from state.backlog import read_backlog
from state.errors import StoreUnavailable
from state.metrics import read_totals
from state.rollout import current

log = get_logger(__name__)
router = APIRouter(tags=["metrics"])
READ_WITHIN_S: Final = 2.0
STORE_UP: Final = "baton_store_up"
STORE_UP_ABOUT: Final = "Whether Valkey answers; without it all else is left out."


class Scrape(Collector):
    """What one scrape tells; `reading` is None while Valkey is away."""

    def __init__(self, reading: Reading | None) -> None:
        self._reading = reading

    def collect(self) -> Iterable[Metric]:
        """Every family."""
        yield GaugeMetricFamily(STORE_UP, STORE_UP_ABOUT, value=float(self._reading is not None))
        if self._reading is not None:
            for family in FAMILIES:
                yield family.collect(self._reading)


@router.get(
    "/metrics",
    summary="For Prometheus",
    response_class=PlainTextResponse,
    responses={200: {"content": {CONTENT_TYPE_PLAIN_0_0_4: {"example": f"{STORE_UP} 1.0\n"}}}},
)
async def metrics(request: Request) -> PlainTextResponse:
    """Always 200: while Valkey is away, `baton_store_up 0` is all there is."""
    try:
        async with asyncio.timeout(READ_WITHIN_S):
            reading = await _read(request.app.state.desk, request.app.state.breakers)
    except (StoreUnavailable, BreakerStoreAway, TimeoutError) as error:
        log.warning("metrics_without_store", error=str(error) or type(error).__name__)
        reading = None
    return PlainTextResponse(generate_latest(Scrape(reading)), media_type=CONTENT_TYPE_PLAIN_0_0_4)


async def _read(desk: Desk, breakers: BreakerDesk) -> Reading:
    counts, backlog = await read_totals(desk.store), await read_backlog(desk.store, queue_names())
    rollout, stored = await current(desk.store), await breakers.stored()
    memory, fault = await desk.store.memory(), await desk.store.fault()
    return Reading(counts, backlog, stored, rollout, memory, writable=fault is None)
