"""Flower's options; `celery -A tasks flower` reads them from the working directory. Its command line wins."""

from tornado.options import options

from core.exposure import Door, refuse_open_door
from core.settings import get_settings

_settings = get_settings()
address = options.address or _settings.bind_host
port = _settings.flower_port
# Flower takes an empty FLOWER_BASIC_AUTH for a list of one empty name.
basic_auth = [one for one in options.basic_auth or _settings.flower_basic_auth.split(",") if one]
if not (basic_auth or options.auth):
    refuse_open_door(_settings, Door.FLOWER, host=address)
