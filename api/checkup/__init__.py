"""The check-up: settings, Valkey, workers, queues, beat and agents, looked at now. `make doctor` and
`GET /health/ready?verbose` both tell it.
"""

from collections.abc import Mapping

from celery import Celery

from api.checkup.agents import agent_findings
from api.checkup.server import server_findings
from api.checkup.settings import settings_findings
from api.checkup.workers import worker_findings
from core.finding import Finding
from core.settings import Settings
from state.errors import StoreUnavailable
from state.store import AsyncStore


async def check_up(settings: Settings, store: AsyncStore, app: Celery, given: Mapping[str, str]) -> list[Finding]:
    """Everything, in the order in which it is to be put right; takes two seconds at most when all is well.

    `given` are the variables that were set, misspelt ones included.
    """
    findings = settings_findings(settings, given)
    server = await server_findings(settings, store)
    findings += server.findings
    if server.answers:
        try:
            findings += await worker_findings(settings, store, app)
        except StoreUnavailable:
            findings += (await server_findings(settings, store)).findings  # it went away meanwhile
    return findings + await agent_findings()
