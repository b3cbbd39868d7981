"""`python -m api`: serve the API and the pages on BIND_HOST:API_PORT."""

import uvicorn

from api.access.keys import refuse_bad_keys
from api.http_protocol import HttpProtocol
from core import logging
from core.exposure import Door, refuse_open_door
from core.settings import get_settings
from core.suitability import refuse_unsuitable_server


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    logging.configure()
    settings = get_settings()
    refuse_open_door(settings, Door.API)
    refuse_bad_keys(settings)
    refuse_unsuitable_server(settings)
    uvicorn.run(
        "api.app:create_app",
        factory=True,
        host=settings.bind_host,
        port=settings.api_port,
        http=HttpProtocol,
        forwarded_allow_ips=settings.trusted_proxies,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=3,
        server_header=False,
    )


if __name__ == "__main__":
    main()
