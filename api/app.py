"""The API's application: routes, pages, errors, and the connections of this process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI

from api import breakers, control, examples, health, listing, pages, problems, questions, workflows
from api.desk import Desk
from api.limits import BodyLimit
from api.watch import Watcher
from core import logging
from core.settings import get_settings
from core.valkey import async_client
from state.store import AsyncStore
from tasks import app as celery_app

_DESCRIPTION = """Ask questions in plain English; three agents answer them: **nlp** (question to query), **data**
(query to rows), **viz** (rows to chart). Errors are problem documents (RFC 9457) with `error_type`,
`recovery_action` and `suggestions`."""


@asynccontextmanager
async def _connections(app: FastAPI) -> AsyncIterator[None]:
    client = async_client()
    watcher = Watcher(client)
    app.state.desk = Desk(AsyncStore(client), watcher, celery_app)
    app.state.breakers = breakers.BreakerDesk(get_settings())
    listening = asyncio.create_task(watcher.run())
    try:
        yield
    finally:
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening
        await app.state.breakers.close()
        await client.aclose()


def create_app() -> FastAPI:
    """The application; `uvicorn --factory api.app:create_app`."""
    logging.configure()
    app = FastAPI(
        title="Baton",
        version="0.1.0",
        description=_DESCRIPTION,
        lifespan=_connections,
        redoc_url=None,
        docs_url=None,
        openapi_url="/api/openapi.json",
    )
    problems.install(app)
    examples.install(app)
    for router in (questions.router, listing.router, workflows.router, health.router, breakers.router, control.router):
        app.include_router(router)
    pages.install(app)
    app.add_middleware(BodyLimit, max_bytes=get_settings().body_max_bytes)
    return app
