"""The API on a port of its own, in a thread of the test's process: for clients that come and go while it works."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from api.app import create_app
from api.direct_desk import Chooser
from tests.here import settings_here
from tests.processes import free_ports, wait_for


@contextmanager
def served_api(redis_url: str, chooser: Chooser | None = None, **environment: str) -> Iterator[str]:
    """Its base URL; `environment` are further settings, `chooser` says which path a question takes."""
    (port,) = free_ports(1)
    with settings_here(redis_url, API_PORT=str(port), **environment):
        app = create_app(chooser)
        server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            wait_for(lambda: server.started or not thread.is_alive(), "the API", 20)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            thread.join()
