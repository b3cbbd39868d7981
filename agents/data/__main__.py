"""`python -m agents.data`: the bundled data agent as a server."""

import uvicorn

from agents.data.app import app, load
from agents.data.errors import DataUnavailable
from agents.data.process_memory import limit_process_memory
from core import tracing
from core.exposure import Door, refuse_open_door
from core.http import IDLE_S
from core.logging import configure
from core.settings import get_settings


def main() -> None:
    """Serve until told to stop."""
    configure()
    tracing.start("baton-data")
    settings = get_settings()
    refuse_open_door(settings, Door.AGENT)
    limit_process_memory(settings.data_memory_limit_mb)
    try:
        app.state.data_set = load(settings)
    except DataUnavailable as error:
        raise SystemExit(str(error)) from None
    uvicorn.run(
        app,
        host=settings.bind_host,
        port=settings.data_port,
        log_config=None,
        access_log=False,
        timeout_keep_alive=IDLE_S,
        server_header=False,
    )


if __name__ == "__main__":
    main()
