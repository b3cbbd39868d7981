"""`python -m agents.viz`: the bundled viz agent as a server."""

import uvicorn

from core import tracing
from core.exposure import Door, refuse_open_door
from core.http import IDLE_S
from core.logging import configure
from core.settings import get_settings


def main() -> None:
    """Serve until told to stop."""
    configure()
    tracing.start("baton-viz")
    settings = get_settings()
    refuse_open_door(settings, Door.AGENT)
    uvicorn.run(
        "agents.viz.app:app",
        host=settings.bind_host,
        port=settings.viz_port,
        log_config=None,
        access_log=False,
        timeout_keep_alive=IDLE_S,
        server_header=False,
    )


if __name__ == "__main__":
    main()
