"""Valkey: does it answer, is it one Baton can run on, will it keep what it is given."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from core.clock import now_ms
from core.finding import Finding, failing, warning, well
from core.settings import Settings
from core.store_fault import StoreFault
from state.errors import StoreUnavailable
from state.memory import memory_in
from state.store import AsyncStore

LEAST_VERSION: Final = (6, 2)
WITH_FSYNC: Final = (7, 2)  # WAITAOF
CLOCKS_APART_MS: Final = 1_000
NEARLY_FULL: Final = 0.8  # as the alert BatonStoreFilling has it
_MORE_MEMORY: Final = (
    "Give it more: CONFIG SET maxmemory, and in its configuration (docs/containers.md, Valkey is full). A lower "
    "WORKFLOW_TTL_S keeps what ends from then on for a shorter time, and frees nothing that is stored already."
)
_TAKES_NO_WRITES: Final = {
    StoreFault.FULL: _MORE_MEMORY,
    StoreFault.UNSAVED: "Look at the disk of its data folder, and at its log.",
    StoreFault.READ_ONLY: "Name the primary in REDIS_URL, and bring back the replicas that it waits for.",
}
_VALKEY: Final = "valkey"
Info = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Server:
    """Whether it answers at all, and what was found."""

    answers: bool
    findings: list[Finding] = field(default_factory=list)


async def server_findings(settings: Settings, store: AsyncStore) -> Server:
    """One look at the server."""
    before_ms = now_ms()
    try:
        clock, info = await store.read(lambda pipe: (pipe.time(), pipe.info("everything")))
    except StoreUnavailable as error:
        where = "make run" if settings.embedded_valkey else "the server that REDIS_URL names"
        meanwhile = "POST /api/query still answers, unrecorded; background questions and logged-in browsers get 503"
        advice = f"Start it ({where}). Until it is back, {meanwhile}. Nothing accepted is lost."
        return Server(answers=False, findings=[failing(_VALKEY, f"It does not answer: {error}", advice)])
    after_ms = now_ms()
    told = judged(info, fsync=settings.accept_fsync)
    found = [*refusing(await store.fault()), *told, *_clock(clock, before_ms, after_ms)]
    version = info.get("valkey_version") or info["redis_version"]
    all_well = well(_VALKEY, f"Version {version} answers in {after_ms - before_ms} ms, and keeps what it is given.")
    return Server(answers=True, findings=found or [all_well])


def judged(info: Info, *, fsync: bool) -> Iterator[Finding]:
    """What its own report says against it."""
    yield from _kind(info, fsync=fsync)
    yield from _file(info, fsync=fsync)
    yield from _memory(info)


def refusing(fault: StoreFault | None) -> list[Finding]:
    """That it takes no writes, if it does not."""
    return [failing(_VALKEY, f"{fault.said}.", _TAKES_NO_WRITES[fault])] if fault and fault.reads else []


def _kind(info: Info, *, fsync: bool) -> Iterator[Finding]:
    version = tuple(int(part) for part in str(info["redis_version"]).split(".")[:2])
    least = WITH_FSYNC if fsync else LEAST_VERSION
    if version < least:
        wanted = ".".join(map(str, least))
        yield failing(_VALKEY, f"It speaks Redis {info['redis_version']}.", f"Use Valkey, or Redis {wanted} or newer.")
    if info.get("cluster_enabled"):
        yield failing(_VALKEY, "REDIS_URL names a cluster.", "Use a single primary, or Sentinel for failover.")
    if info.get("role") not in (None, "master"):
        yield failing(_VALKEY, "REDIS_URL names a replica.", "Name the primary.")


def _file(info: Info, *, fsync: bool) -> Iterator[Finding]:
    if not info.get("aof_enabled"):
        report = failing if fsync else warning
        yield report(
            _VALKEY,
            "It keeps no append-only file: a restart loses open questions.",
            "Start it with `appendonly yes`, or CONFIG SET appendonly yes.",
        )
    elif info.get("aof_last_write_status", "ok") != "ok":
        yield failing(_VALKEY, "It cannot write its append-only file.", "Look at the disk of its data folder.")


def _memory(info: Info) -> Iterator[Finding]:
    policy = info.get("maxmemory_policy", "noeviction")
    memory = memory_in(info)
    if policy != "noeviction":
        yield failing(
            _VALKEY,
            f"When it is full it drops keys ({policy}): questions would vanish silently.",
            "CONFIG SET maxmemory-policy noeviction, and in its configuration.",
        )
    if memory.share > NEARLY_FULL:
        advice = f"When it is full, nothing is accepted. {_MORE_MEMORY}"
        yield warning(_VALKEY, f"{memory.share:.0%} of its memory is used.", advice)


def _clock(clock: tuple[int, int], before_ms: int, after_ms: int) -> list[Finding]:
    server_ms = clock[0] * 1000 + clock[1] // 1000
    apart_ms = max(before_ms - server_ms, server_ms - after_ms)
    if apart_ms <= CLOCKS_APART_MS:
        return []
    found = f"Its clock and this machine's are {apart_ms / 1000:.1f} s apart."
    return [warning(_VALKEY, found, "Let both follow a time server (NTP): times shown and health checks go by them.")]
