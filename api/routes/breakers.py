"""`/api/circuit-breakers`: how the breakers stand, what happened to them, and an operator's word over them."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema

from agents.registry import get_registry
from api.access.caller import caller_of
from api.problems import Problem, documented
from breakers import AsyncCircuitBreaker, BreakerSettings, Mode
from breakers.events import BreakerEvent
from breakers.registry import Breakers
from breakers.status import BreakerStatus, RawStatus
from breakers.store import AsyncStore
from core.clock import iso
from core.settings import Settings

router = APIRouter(prefix="/api/circuit-breakers", tags=["circuit breakers"])
BreakerName = Annotated[
    str, Path(pattern=r"^[a-z][a-z0-9_-]{0,40}(:[A-Za-z0-9_.-]{1,60})?$", description="An agent's name.")
]
_PROBLEMS = documented(
    {404: "No such breaker", 422: "The request is not valid", 503: "The store is away: wait and retry"}
)
_SOME_SETTINGS = {
    "type": "object",
    "properties": BreakerSettings.model_json_schema()["properties"],
    "additionalProperties": False,
}
_EVENT_ID = r"^[0-9]{1,15}-[0-9]{1,10}$"


class BreakerDesk:
    """What the door knows of breakers; raises `BreakerStoreAway` while the shared ones cannot be reached."""

    def __init__(self, settings: Settings) -> None:
        self._store = AsyncStore(settings.store_url)
        self._breakers = Breakers(settings, lambda name, numbers: AsyncCircuitBreaker(name, numbers, self._store))

    async def names(self) -> list[str]:
        """Those of the registered agents, and whatever else was used lately."""
        return sorted({*get_registry(), *await self._store.names()})

    async def every_status(self) -> list[BreakerStatus]:
        """One status a breaker."""
        return [await self._breakers[name].status() for name in await self.names()]

    async def known(self, name: str) -> AsyncCircuitBreaker:
        """The breaker of that name; a `Problem` when there is none."""
        names = await self.names()
        if name not in names:
            raise Problem(
                "not_found",
                f"There is no breaker {name}.",
                recovery_action="correct_request",
                suggestions=[f"There are {', '.join(names)}."],
            )
        return self._breakers[name]

    async def events(self, after: str, limit: int) -> list[BreakerEvent]:
        """What happened after the event `after`."""
        return await self._store.events(after, limit)

    async def openings(self, since_ms: int) -> dict[str, int]:
        """How often each opened since then."""
        opened = await self._store.openings(since_ms)
        return {name: opened[name] for name in await self.names()}

    async def stored(self) -> dict[str, RawStatus]:
        """What is stored about each that was used lately."""
        return {name: await self._store.read(name) for name in await self._store.names()}

    async def close(self) -> None:
        """Hang up."""
        await self._store.close()


class ModeBody(BaseModel):
    """An operator's word over one breaker, for all processes."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"mode": "forced_open", "actor": "ann", "reason": "maintenance", "lasts_s": 600}},
    )

    mode: Mode
    actor: str = Field(min_length=1, max_length=200, description="Who says so.")
    reason: str = Field(min_length=1, max_length=500, description="Why.")
    lasts_s: float | None = Field(None, gt=0, le=30 * 86_400, description="Until it is changed, when left out.")


class SettingsBody(BaseModel):
    """Other numbers for one breaker, for all processes; without `settings`, each process's own again."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"settings": {"threshold": 10}, "actor": "ann", "reason": "trial"}},
    )

    settings: Annotated[dict[str, Any], WithJsonSchema(_SOME_SETTINGS)] | None = Field(
        description="What is to differ from the numbers in force."
    )
    actor: str = Field(min_length=1, max_length=200)
    reason: str = Field(min_length=1, max_length=500)


def _desk(request: Request) -> BreakerDesk:
    desk: BreakerDesk = request.app.state.breakers
    return desk


@router.get("/status", summary="How every breaker stands", responses=documented({503: "The store is away"}))
async def status(request: Request) -> dict[str, Any]:
    """State, score, window, until, probe, generation, mode, the last transitions and why, counts; by breaker."""
    return {"breakers": {found.name: view_of(found) for found in await _desk(request).every_status()}}


@router.post("/{agent}/mode", summary="Force a breaker open, switch it off, or back", responses=_PROBLEMS)
async def set_mode(request: Request, agent: BreakerName, body: ModeBody) -> dict[str, Any]:
    """Every process follows within its next look (250 ms while calls flow, 1 s while they are refused)."""
    breaker = await _desk(request).known(agent)
    actor = caller_of(request).acting_as(body.actor)
    await breaker.set_mode(body.mode, actor=actor, reason=body.reason, lasts_s=body.lasts_s)
    return view_of(await breaker.status())


@router.put("/{agent}/settings", summary="Change a breaker's numbers while all runs", responses=_PROBLEMS)
async def set_settings(request: Request, agent: BreakerName, body: SettingsBody) -> dict[str, Any]:
    """As with the mode, all processes follow; what is not named stays as it is."""
    breaker = await _desk(request).known(agent)
    wanted = None if body.settings is None else _changed((await breaker.status()).settings, body.settings)
    await breaker.set_settings(wanted, actor=caller_of(request).acting_as(body.actor), reason=body.reason)
    return view_of(await breaker.status())


@router.get("/events", summary="What happened to breakers", responses=_PROBLEMS)
async def events(
    request: Request,
    after: Annotated[str, Query(pattern=_EVENT_ID, description="The last id you have.")] = "0-0",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> dict[str, Any]:
    """Events that follow `after`, oldest first; ask again with the last id for more."""
    found = await _desk(request).events(after, limit)
    return {"events": [_event(event) for event in found]}


def _changed(now: BreakerSettings, wanted: dict[str, Any]) -> BreakerSettings:
    unknown = sorted(wanted.keys() - BreakerSettings.model_fields.keys())
    try:
        if not unknown:
            return BreakerSettings.model_validate({**now.model_dump(), **wanted})
        fault = f"settings: there is no {', '.join(unknown)}"
    except ValidationError as error:
        first = error.errors()[0]
        fault = f"{'.'.join(['settings', *map(str, first['loc'])])}: {first['msg']}"
    raise Problem(
        "invalid_request",
        fault,
        recovery_action="correct_request",
        suggestions=[f"There are {', '.join(BreakerSettings.model_fields)}."],
    )


def view_of(status: BreakerStatus) -> dict[str, Any]:
    """A breaker as the API shows it: moments as text."""
    view = {**asdict(status), "settings": status.settings.model_dump()}
    view["since"], view["until"] = iso(view.pop("since_ms")), iso(view.pop("until_ms"))
    view["mode"]["until"] = iso(view["mode"].pop("until_ms"))
    view["probes"] = [{"token": probe.token, "until": iso(probe.until_ms)} for probe in status.probes]
    view["last_events"] = [_event(event) for event in status.last_events]
    return view


def _event(event: BreakerEvent) -> dict[str, Any]:
    return {**asdict(event), "at": iso(event.at_ms)}
