"""`python -m faults`: a fault-injecting proxy before the three agents; Ctrl-C ends it."""

import argparse
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import uvicorn

from agents.registry import build_registry
from core.logging import configure
from core.settings import Settings, get_settings
from deploy.local.terminal import own_foreground
from faults.bundled import BundledAgent, kept_up
from faults.control import control_app
from faults.front import Front, Upstream
from faults.ledger import CallLog
from faults.proxy import BACKLOG, serving
from faults.switchboard import Switchboard

HOST = "127.0.0.1"
AGENTS = ("nlp", "data", "viz")


@dataclass(frozen=True)
class Options:
    """What the command line says; `ports` are control, nlp, data, viz."""

    ports: tuple[int, ...]
    log: Path | None
    agents: bool


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 after a wanted stop, 1 with one line when a port is taken."""
    configure()
    options = _options(arguments, get_settings())
    with ExitStack() as stack:
        stack.enter_context(own_foreground())
        try:
            sockets = [stack.enter_context(_listening(port)) for port in options.ports]
        except OSError as error:
            print(f"{error.strerror}. Set FAULTS_PORT: it and the three ports after it must be free.", file=sys.stderr)
            return 1
        _serve(get_settings(), options, sockets)
    return 0


def _options(arguments: Sequence[str] | None, settings: Settings) -> Options:
    parser = argparse.ArgumentParser(prog="python -m faults", description=__doc__)
    ports = tuple(range(settings.faults_port, settings.faults_port + 4))
    parser.add_argument("--ports", nargs=4, type=int, default=ports, metavar=("CONTROL", "NLP", "DATA", "VIZ"))
    parser.add_argument("--log", type=Path, help="append one line of JSON for each call")
    parser.add_argument("--agents", action="store_true", help="start the bundled agents that are not running")
    given = parser.parse_args(arguments)
    return Options(tuple(given.ports), given.log, given.agents)


def _listening(port: int) -> socket.socket:
    try:
        return socket.create_server((HOST, port), backlog=BACKLOG)
    except OSError as error:
        raise OSError(error.errno, f"Port {port}: {error.strerror}") from error


def _serve(settings: Settings, options: Options, sockets: Sequence[socket.socket]) -> None:
    # uvicorn raises the signal that ended it once more, for whoever had it before.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    log = CallLog(options.log)
    urls = _others_agents(settings, options.ports)
    found = _fronts(settings, urls, options.ports[1:], log)
    bundled = [
        BundledAgent(name, getattr(settings, f"{name}_port"), settings.baton_dir / "logs")
        for name in AGENTS
        if options.agents and not urls[name]
    ]
    by_name = dict(zip(AGENTS, sockets[1:], strict=True))

    @asynccontextmanager
    async def running() -> AsyncIterator[None]:
        async with serving(found, by_name), kept_up(bundled):
            print(_signpost(found, options.ports[0]), flush=True)
            yield
        log.close()

    app = control_app(found, running())
    config = uvicorn.Config(app, log_config=None, log_level="warning", access_log=False, timeout_graceful_shutdown=1)
    uvicorn.Server(config).run(sockets=[sockets[0]])
    print("Stopped.")


def _fronts(settings: Settings, urls: Mapping[str, str], ports: Sequence[int], log: CallLog) -> dict[str, Front]:
    registry = build_registry(settings.model_copy(update={f"{name}_agent_url": url for name, url in urls.items()}))
    return {
        name: Front(name, f"http://{HOST}:{port}", Upstream(registry[name].url), log, Switchboard(name))
        for name, port in zip(AGENTS, ports, strict=True)
    }


def _others_agents(settings: Settings, ports: Sequence[int]) -> dict[str, str]:
    """URLs of agents that are not the bundled ones; one that is this proxy itself has the bundled agent behind it."""
    given: Mapping[str, str] = {name: getattr(settings, f"{name}_agent_url") for name in AGENTS}
    own = {(host, port) for host in (HOST, "localhost") for port in ports}
    return {name: "" if (urlsplit(url).hostname, urlsplit(url).port) in own else url for name, url in given.items()}


def _signpost(found: Mapping[str, Front], port: int) -> str:
    urls = " ".join(f"{name.upper()}_AGENT_URL={front.url}" for name, front in found.items())
    return "\n".join(
        [
            "The agents can be reached through the proxy, which injects nothing yet.",
            *(f"  {front.url}  ->  {front.upstream.url}  ({name})" for name, front in found.items()),
            f"Point Baton at it:   {urls} make run",
            f"""Switch a fault on:   curl -X PUT {HOST}:{port}/faults/nlp -d '[{{"fault": "error", "status": 503}}]'""",
            f"Switch all off:      curl -X DELETE {HOST}:{port}/faults",
            f"Rules and counters:  curl {HOST}:{port}/faults",
            "All kinds of faults: docs/faults.md.  Stop: Ctrl-C",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
