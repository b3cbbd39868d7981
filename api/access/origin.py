"""Where a request comes from and which name it was sent to: what other sites' pages cannot make up in a browser."""

from collections.abc import Collection
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from starlette.types import Scope

_OTHERS: Final = frozenset({b"cross-site", b"same-site"})


def foreign_origin(scope: Scope) -> str:
    """Why another origin's page sent this request; empty when none did, or nobody says.

    Browsers say so by `Sec-Fetch-Site`; where they do not (old ones, and all of them over plain HTTP beyond this
    machine), by `Origin` or `Referer`. Another port of the same host is another origin. Programs send none of these.
    """
    headers = dict(scope["headers"])
    if (site := headers.get(b"sec-fetch-site")) is not None:
        return "Sec-Fetch-Site" if site in _OTHERS else ""
    host = headers.get(b"host", b"").decode("latin-1").lower()
    for name in ("Origin", "Referer"):
        if (said := headers.get(name.lower().encode())) is not None:
            return "" if _place(said.decode("latin-1")) == host else name
    return ""


def is_our_name(scope: Scope, allowed: Collection[str]) -> bool:
    """Whether the request was sent to a name of ours: one of `allowed`, or, without any, of this machine.

    A page whose own name is made to lead here (DNS rebinding) sends that name.
    """
    name = _name(dict(scope["headers"]).get(b"host", b"").decode("latin-1"))
    return name in allowed if allowed else _is_this_machine(name)


def is_near(scope: Scope) -> bool:
    """Whether the client is on this machine; one without an address is (a Unix socket), one with no real one is not."""
    client = scope.get("client")
    try:
        return client is None or ip_address(client[0]).is_loopback
    except ValueError:  # a proxy that does not tell says "unknown"
        return False


def _is_this_machine(name: str) -> bool:
    if name in ("", "localhost") or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def _name(host: str) -> str:
    """`name:port` without the port, `[::1]:8000` without the brackets, in lower case."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower().rstrip(".")


def _place(address: str) -> str:
    try:
        return urlsplit(address).netloc.lower()
    except ValueError:
        return ""
