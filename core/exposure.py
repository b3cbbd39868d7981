"""Exposure: a server that listens beyond this machine must know whom it serves. Asked once, when it starts."""

import ipaddress
from enum import StrEnum

from core.addresses import networks
from core.settings import Settings


class Door(StrEnum):
    """What can be reached from outside, by the setting that names who may come in."""

    API = "api_keys_file"
    AGENT = "agent_key"
    FLOWER = "flower_basic_auth"


_HOW = {
    Door.API: "API_KEYS_FILE to a file of keys (then: make key NAME=ann ROLE=admin)",
    Door.AGENT: "AGENT_KEY to a long secret, the same for the agents and for those who call them",
    Door.FLOWER: "FLOWER_BASIC_AUTH to user:password",
}


class OpenDoor(Exception):
    """Anybody could come in; the message says what to set."""


def check_doors(settings: Settings, *doors: Door, host: str = "") -> None:
    """Raise `OpenDoor` when one of `doors` would stand open beyond this machine, or Flower's beside a closed API's."""
    host = host or settings.bind_host
    unset = [door for door in doors if not getattr(settings, door)]
    if unset and not is_loopback(host):
        wanted = "; ".join(_HOW[door] for door in unset)
        raise OpenDoor(f"BIND_HOST is {host}: others could come in. Set {wanted}; or BIND_HOST=127.0.0.1.")
    if Door.API in unset and not all(one.is_loopback for one in networks(settings.trusted_proxies)):
        raise OpenDoor(f"TRUSTED_PROXIES could say of anybody that they are on this machine. Set {_HOW[Door.API]}.")
    if Door.FLOWER in unset and settings.api_keys_file:
        raise OpenDoor(f"API_KEYS_FILE asks for keys, and Flower can cancel too. Set {_HOW[Door.FLOWER]}.")


def refuse_open_door(settings: Settings, *doors: Door, host: str = "") -> None:
    """End this process, with the reason, when it would serve anybody."""
    try:
        check_doors(settings, *doors, host=host)
    except OpenDoor as error:
        raise SystemExit(str(error)) from error


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches `host`; a name other than localhost may be anywhere."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
