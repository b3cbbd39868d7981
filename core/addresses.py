"""Addresses in settings: what may stand in them, and what of them may be shown.

A URL of the store may have a password, so only `shown_url` of it is shown; one of an agent is shown as it is, so it has
none. A refusal is in words of ours and quotes nothing: what a parser takes for a port may be of a password.
"""

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator

from core.sentinel import Watched
from core.tls import refuse_other_options


def shown_url(url: str) -> str:
    """Where the store is, for people to read: without user, password and options."""
    if (watched := Watched.of(url)) is not None:
        return watched.shown
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def without_access(url: str) -> tuple[str, dict[str, str]]:
    """The URL of a server without its user and password, and those by redis-py's names."""
    parts = urlsplit(url)
    given = {"username": unquote(parts.username or ""), "password": unquote(parts.password or "")}
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return bare, {name: value for name, value in given.items() if value}


def listed(names: str) -> tuple[str, ...]:
    """What is separated by commas, one by one."""
    return tuple(name.strip() for name in names.split(",") if name.strip())


def networks(addresses: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Addresses and networks separated by commas; raises `ValueError` naming what is neither."""
    return tuple(ip_network(one) for one in listed(addresses))


def _store_url(url: str) -> str:
    if not _names_a_store(url):
        raise ValueError(
            "write redis://user:password@host:6379/0, or sentinel://user:password@host:26379,host:26379/<name of the "
            "primary>; and in a password %2F for /, %3F for ?, %23 for #, %40 for @"
        )
    refuse_other_options(url)
    return url


def _agent_url(url: str) -> str:
    if not _has_port(url):
        raise ValueError("what stands for its port is no number; a password has no place here: set AGENT_KEY")
    if "@" in urlsplit(url).netloc:
        raise ValueError(
            "a user or password in an agent's URL would be shown wherever the URL is: leave them out, and set AGENT_KEY"
        )
    return url


def _networks(addresses: str) -> str:
    networks(addresses)
    return addresses


def _names_a_store(url: str) -> bool:
    """Whether it can be read, and no part of a password stands where it would be taken for a path."""
    try:
        parts = urlsplit(url)
        known = Watched.of(url) is not None or _has_port(url)
    except ValueError:
        return False
    return known and "@" not in parts.path + parts.query + parts.fragment


def _has_port(url: str) -> bool:
    """Whether what stands for a port is one, or none does: an unquoted `/` in a password ends the host there."""
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False


StoreUrl = Annotated[str, AfterValidator(_store_url)]
AgentUrl = Annotated[str, AfterValidator(_agent_url)]
Networks = Annotated[str, AfterValidator(_networks)]
