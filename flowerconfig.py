"""Flower's options; `celery -A tasks flower` reads them from the working directory. Its command line wins."""

from tornado.options import options

from core.exposure import Door, refuse_open_door
from core.settings import get_settings

_settings = get_settings()
address = options.address or _settings.bind_host
port = _settings.flower_port
if _settings.flower_basic_auth:
    basic_auth = _settings.flower_basic_auth.split(",")
elif not (options.basic_auth or options.auth):
    refuse_open_door(_settings, Door.FLOWER, host=address)
