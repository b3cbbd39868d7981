"""One contender set up: its own Valkey, worker and asker; the agent is shared."""

import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.contenders import PROFILES, Contender
from bench.processes import Process, Spoken, Valkey
from bench.proxy import Proxy

WARM_UP = 60


@dataclass(frozen=True, slots=True)
class Stage:
    """What runs for one contender; plain calls have neither worker nor Valkey."""

    contender: Contender
    asker: Spoken
    worker: Process | None = None
    valkey: Valkey | None = None
    proxy: Proxy | None = None

    @property
    def processes(self) -> dict[str, Process]:
        """Those that work for this contender alone."""
        found = {"asker": self.asker, "worker": self.worker, "valkey": self.valkey}
        return {name: process for name, process in found.items() if process is not None}

    def cpu_s(self) -> dict[str, float]:
        """Processor time used so far, by process."""
        return {name: process.cpu_s for name, process in self.processes.items()}

    def stats(self) -> dict[str, Any]:
        """Valkey's counters; none without a Valkey."""
        return dict(self.valkey.client.info("stats")) if self.valkey else {}


def set_up(contender: Contender, folder: Path, agent_url: str, concurrency: int, stack: ExitStack,
           *, counted: bool = False) -> Stage:
    """Start all of it, warm; `counted` puts a proxy before Valkey that counts commands."""
    folder.mkdir()
    profile = PROFILES[contender]
    environment = {**agents_at(agent_url), **profile.environment}
    ask = [sys.executable, "-m", "bench.asker", contender]
    if not profile.app:
        stage = Stage(contender, stack.enter_context(Spoken("asker", ask, folder, environment)))
    else:
        valkey = stack.enter_context(Valkey("valkey", folder))
        proxy = stack.enter_context(Proxy(folder, valkey.port)) if counted else None
        environment["REDIS_URL"] = proxy.url if proxy else valkey.url
        work = [sys.executable, "-m", "celery", "-A", profile.app, "worker", "-P", "gevent", "-c", str(concurrency),
                "--without-mingle", "-n", f"{contender}@bench", *profile.options]
        worker = stack.enter_context(Process("worker", work, folder, environment))
        asker = stack.enter_context(Spoken("asker", ask, folder, environment))
        stage = Stage(contender, asker, worker, valkey, proxy)
    stage.asker.order(order="alone", count=1)
    stage.asker.order(order="burst", count=WARM_UP)
    return stage


def agents_at(url: str) -> dict[str, str]:
    """The settings that make one agent play all three roles."""
    return {f"{name}_AGENT_URL": url for name in ("NLP", "DATA", "VIZ")}


def settle() -> None:
    """A moment between two measurements, in which what was left over is done."""
    time.sleep(0.3)
