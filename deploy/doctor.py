"""`make doctor`: what is wrong with this installation, and what to do. Exit code 1 when something fails."""

import asyncio
import sys

from pydantic import ValidationError
from rich.console import Console

from core.finding import Finding, Level, failing, worst
from core.settings import Settings, get_settings, variables
from deploy.findings import show_findings

_LAST = {
    Level.OK: "[green]All is well.",
    Level.WARN: "[yellow]It works; look at the warnings.",
    Level.FAIL: "[red]Something fails; begin with the first.",
}


def examine() -> list[Finding]:
    """Every check; when the settings cannot be read there is nothing else to look at."""
    try:
        settings = get_settings()
    except ValidationError as error:
        return [_unreadable(one["loc"], one["msg"]) for one in error.errors()]
    return [*asyncio.run(_checked_up(settings)), *_contracts()]


def _unreadable(where: tuple[int | str, ...], message: str) -> Finding:
    name = ".".join(str(part) for part in where).upper() or "together"
    return failing("settings", f"{name}: {message}", "docs/configuration.md lists every setting, with its default.")


async def _checked_up(settings: Settings) -> list[Finding]:
    from api.checkup import check_up  # reads the settings when it is imported
    from core.valkey import async_client
    from state.store import AsyncStore
    from tasks import app

    client = async_client()
    try:
        return await check_up(settings, AsyncStore(client), app, variables())
    finally:
        await client.aclose()


def _contracts() -> list[Finding]:
    """Those of the three roles; an agent that is down was reported already."""
    from agents.conformance import ROLES, conformance
    from agents.health import HealthStatus, check_health
    from agents.registry import get_registry

    there = [agent for name, agent in get_registry().items() if name in ROLES]
    return [
        finding
        for agent in there
        if check_health(agent).status is HealthStatus.HEALTHY
        for finding in conformance(agent)
    ]


def main() -> int:
    """Look, and tell."""
    console = Console(highlight=False)
    findings = examine()
    show_findings(findings, console)
    console.print(_LAST[worst(findings)])
    return 1 if worst(findings) is Level.FAIL else 0


if __name__ == "__main__":
    sys.exit(main())
