"""The agents: is each there, at this moment."""

import asyncio

from agents.health import Health, HealthStatus, check_health
from agents.registry import get_registry
from core.finding import Finding, failing, well


async def agent_findings() -> list[Finding]:
    """One look at each, all at once."""
    looks = (asyncio.to_thread(check_health, agent) for agent in get_registry().values())
    return [judged_agent(seen) for seen in await asyncio.gather(*looks)]


def judged_agent(seen: Health) -> Finding:
    """What is to be said of one look."""
    subject = f"agent {seen.agent}"
    if seen.status is HealthStatus.HEALTHY:
        version = f" version {seen.version}" if seen.version else ""
        return well(subject, f"{seen.url}{version} answers in {seen.latency_ms} ms.")
    setting = f"{seen.agent.upper()}_AGENT_URL" if seen.agent in ("nlp", "data", "viz") else "AGENTS"
    return failing(subject, f"{seen.url}/health {seen.detail}.", f"Start it, or name another one in {setting}.")
