"""A primary that Sentinel names: `sentinel://[user:password@]host:26379,host:26379/<name of the primary>[/<database>]`.

Each new connection asks the sentinels where the primary is, so a failover is an absence like any other: what was under
way ends with an error, and goes on with the next connection. The sentinels themselves are asked without a password.
"""

from dataclasses import dataclass, field
from typing import Any, Final, Self
from urllib.parse import parse_qsl, quote, unquote, urlsplit

SCHEME: Final = "sentinel"
PORT: Final = 26_379
ASK_WITHIN_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Watched:
    """What such a URL says; `options` are further ones of the connections to the primary."""

    sentinels: tuple[tuple[str, int], ...]
    name: str
    database: int = 0
    username: str = ""
    password: str = field(default="", repr=False)
    options: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, url: str) -> Self | None:
        """The URL read; None for one that names a server itself. Raises `ValueError` with what is wrong."""
        parts = urlsplit(url)
        if parts.scheme != SCHEME:
            return None
        access, _, hosts = parts.netloc.rpartition("@")
        username, _, password = access.partition(":")
        name, _, database = parts.path.strip("/").partition("/")
        if not name or not hosts:
            raise ValueError("write sentinel://host:26379,host:26379/<name of the primary>")
        return cls(
            sentinels=tuple(_place(host) for host in hosts.split(",")),
            name=name,
            database=int(database or 0),
            username=unquote(username),
            password=unquote(password),
            options={option: float(value) for option, value in parse_qsl(parts.query)},
        )

    @property
    def access(self) -> dict[str, Any]:
        """User, password and database, for redis-py."""
        given = {"username": self.username, "password": self.password}
        return {"db": self.database, **{name: value for name, value in given.items() if value}}

    @property
    def broker_url(self) -> str:
        """The same for kombu, which takes one URL a sentinel."""
        user = f"{quote(self.username, safe='')}:{quote(self.password, safe='')}@" if self.password else ""
        return ";".join(f"{SCHEME}://{user}{host}:{port}/{self.database}" for host, port in self.sentinels)

    @property
    def shown(self) -> str:
        """The URL without its user and password."""
        return f"{SCHEME}://{','.join(f'{host}:{port}' for host, port in self.sentinels)}/{self.name}/{self.database}"

    @property
    def broker_options(self) -> dict[str, Any]:
        """What kombu wants to know besides."""
        return {"master_name": self.name, "sentinel_kwargs": {"socket_timeout": ASK_WITHIN_S}}


def _place(text: str) -> tuple[str, int]:
    host, _, port = text.partition(":")
    return host, int(port or PORT)
