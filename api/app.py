"""The API's application: routes, pages, errors, and the connections of this process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from fastapi import FastAPI

from api import described, examples, problems
from api.access.door import Door
from api.access.keys import KeyRing
from api.access.limits import BodyLimit
from api.desk import Desk
from api.direct_desk import Chooser, DirectDesk
from api.log_context import LogContext
from api.pages import ask, login
from api.pages.operators import agents as agents_page
from api.pages.operators import dashboard
from api.pages.workflows import all_that_fit
from api.pages.workflows import many as workflows_page
from api.pages.workflows import one as workflow_page
from api.rollout_evaluator import Evaluator
from api.rollout_switch import ShareSwitch
from api.routes import (
    audit,
    breakers,
    control,
    control_many,
    health,
    listing,
    metrics,
    plan_picture,
    prometheus,
    questions,
    rollout,
    streams,
    workflows,
)
from api.watch import Watcher
from core import logging, tracing
from core.release import RELEASE
from core.settings import Settings, get_settings
from core.valkey import async_client, connect_all
from state.store import AsyncStore
from tasks import app as celery_app

_DESCRIPTION = """Ask questions in plain English; three agents answer them: **nlp** (question to query), **data**
(query to rows), **viz** (rows to chart). Errors are problem documents (RFC 9457) with `error_type`,
`recovery_action` and `suggestions`."""


@asynccontextmanager
async def _connections(app: FastAPI) -> AsyncIterator[None]:
    client = async_client()
    await connect_all(client)
    store = AsyncStore(client)
    direct = DirectDesk(app.state.chooser or ShareSwitch(store))
    direct.open(lambda: store.away)
    watcher = Watcher(client, direct.cancelled)
    app.state.desk = Desk(store, watcher, celery_app, direct)
    app.state.breakers = breakers.BreakerDesk(get_settings())
    listening = asyncio.create_task(watcher.run())
    evaluator = Evaluator(store)
    evaluator.start()
    try:
        yield
    finally:
        await evaluator.stop()
        await direct.close()
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening
        await app.state.breakers.close()
        if rate := getattr(app.state, "rate", None):
            await rate.close()
        await store.close()


def create_app(chooser: Chooser | None = None) -> FastAPI:
    """The application; `uvicorn --factory api.app:create_app`. `chooser`: of a question's path (the rollout)."""
    logging.configure()
    tracing.start("baton-api")
    app = FastAPI(
        title="Baton",
        version=RELEASE,
        description=_DESCRIPTION,
        lifespan=_connections,
        redoc_url=None,
        docs_url=None,
        openapi_url="/api/openapi.json",
        redirect_slashes=False,
    )
    app.state.chooser = chooser
    problems.install(app)
    examples.install(app)
    # Metrics before workflows: a path that takes any id would take it.
    for part in (
        questions,
        listing,
        metrics,
        workflows,
        streams,
        plan_picture,
        health,
        breakers,
        rollout,
        control,
        control_many,
        audit,
        login,
        prometheus,
        workflows_page,
        all_that_fit,
        workflow_page,
        agents_page,
        dashboard,
    ):
        app.include_router(part.router)
    _guard(app, get_settings())
    ask.install(app)
    return app


def _guard(app: FastAPI, settings: Settings) -> None:
    """Who comes in, how often, with how much; what is added last is asked first."""
    app.state.ring = KeyRing(Path(settings.api_keys_file)) if settings.api_keys_file else None
    described.install(app, keys=app.state.ring is not None)
    app.add_middleware(BodyLimit, max_bytes=settings.body_max_bytes)
    if settings.rate_limit:
        from api.access.rate_limits import Rate, RateLimit  # its library takes a tenth of a second to import

        app.state.rate = Rate(settings.rate_limit, settings.store_url)
        app.add_middleware(RateLimit, rate=app.state.rate)
    app.add_middleware(Door, ring=app.state.ring, hosts=settings.host_names)
    app.add_middleware(LogContext)
