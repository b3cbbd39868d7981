"""The bundled agents behind the proxy: whichever nobody serves is started here, and again when it dies.

A Baton that is pointed at the proxy starts no agents of its own, so the proxy sees to it that there are some.
"""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from core.logging import get_logger

log = get_logger(__name__)
LOOK_INTERVAL_S = 1.0
STOP_LIMIT_S = 10.0


@dataclass
class BundledAgent:
    """One bundled agent on its port of the settings."""

    name: str
    port: int
    log_folder: Path
    process: subprocess.Popen[bytes] | None = None

    async def see_to(self) -> None:
        """Start it, if nobody listens on its port and it is not on its way."""
        if (self.process is not None and self.process.poll() is None) or await self._served():
            return
        log.info("agent_started", agent=self.name, port=self.port)
        self.log_folder.mkdir(parents=True, exist_ok=True)
        # On a leash, so that it ends with this process however that ends.
        command = [sys.executable, "-m", "deploy.local.leash", "KILL", sys.executable, "-m", f"agents.{self.name}"]
        with (self.log_folder / f"faults-{self.name}.log").open("ab") as said:
            self.process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT, start_new_session=True)  # noqa: ASYNC220

    async def _served(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        return True

    def end(self) -> None:
        """Stop it, if it was started here."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()


@asynccontextmanager
async def kept_up(agents: Iterable[BundledAgent]) -> AsyncIterator[None]:
    """All of `agents` are served, for a while."""
    watched = list(agents)
    watching = asyncio.create_task(_watch(watched))
    try:
        yield
    finally:
        watching.cancel()
        for agent in watched:
            agent.end()


async def _watch(agents: list[BundledAgent]) -> None:
    while True:
        for agent in agents:
            await agent.see_to()
        await asyncio.sleep(LOOK_INTERVAL_S)
