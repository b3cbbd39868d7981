"""The primary's machine dies, a sentinel with it, while questions come in: everything goes on with its replica."""

import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.valkey import sync_client
from state import keys
from state.store import Store
from tests.chaos.arena import NOISY, RESTLESS, LocalApi, LocalBeat
from tests.chaos.boundary import unfinished
from tests.chaos.load import Load
from tests.processes import AGENTS, LocalProcess, LocalWorker, wait_for
from tests.scripted_agent import STANDARD, ScriptedAgent
from tests.sentinels import WatchedPair, watched_pair

PER_S = 15.0
MAY_BE_LOST_S = 1.0  # replication is asynchronous: what the primary had promised, and not yet told its replica


@dataclass(frozen=True)
class FailedOver:
    """`away_s`: from the kill until a question was accepted again. `lost_early`: lost, and older than may be."""

    accepted: int
    lost: int
    lost_early: list[str]
    statuses: Counter[str]
    left_due: int
    ended: list[str]  # processes that do not run at the end
    away_s: float


def fail_over(folder: Path, pool: str, before: int, after: int, **settings: str) -> FailedOver:
    """Kill them after `before` questions, and ask `after` more."""
    with watched_pair(folder / "valkeys") as pair, ScriptedAgent(STANDARD).serving() as agent:
        environment = {**NOISY, **RESTLESS, **settings, "REDIS_URL": pair.url, "DATA": "",
                       "RATE_LIMIT": "100000/minute", **{f"{name.upper()}_AGENT_URL": agent.url for name in AGENTS}}
        api = LocalApi(folder, environment)
        crew: list[LocalProcess] = [api, LocalBeat(folder, environment)]
        crew += [LocalWorker(folder, environment, pool, concurrency=4) for _ in range(2)]
        try:
            for process in crew:
                process.ready()
            for queue in ("agents.nlp", "agents.data", "baton"):
                pair.primary.client.lpush(queue, "no message of ours")
            load = Load([api.url], before + 100 * after, PER_S, 1, folder / "promises.jsonl")
            safe, away_s = _asked(pair, load, before, after)
            return _judged(pair, load, safe, away_s, crew)
        finally:
            for process in crew:
                process.discard()


def _asked(pair: WatchedPair, load: Load, before: int, after: int) -> tuple[list[str], float]:
    """What was accepted before the kill, and how long nothing was after it."""
    load.start()
    try:
        wait_for(lambda: len(load.accepted) >= before, "questions before")
        killed_at, safe = time.monotonic(), list(load.accepted)
        pair.lose_machine()
        promised = len(load.accepted)
        wait_for(lambda: pair.failed_over, "the replica to be named", 30)
        wait_for(lambda: len(load.accepted) > promised, "a question after", 60)
        away_s = time.monotonic() - killed_at
        wait_for(lambda: len(load.accepted) >= promised + after, "questions after", 60)
    finally:
        load.stop()
    return safe, away_s


def _judged(pair: WatchedPair, load: Load, safe: list[str], away_s: float, crew: list[LocalProcess]) -> FailedOver:
    client: Any = sync_client(pair.url)
    try:
        wait_for(lambda: not unfinished(client), "all workflows to end", 60)
        records = {one: Store(client).record(one) for one in load.accepted}
        lost = [one for one, record in records.items() if record is None]
        return FailedOver(
            len(records), len(lost), sorted(set(lost) - set(safe[-int(PER_S * MAY_BE_LOST_S):])),
            Counter(record.status for record in records.values() if record), client.zcard(keys.DUE),
            [process.name for process in crew if process.status != "running"], away_s)
    finally:
        client.close()
