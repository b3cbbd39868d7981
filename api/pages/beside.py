"""What stands beside the box for a question: how each agent is, and what was asked last."""

import asyncio
from dataclasses import dataclass, field
from typing import Final, cast

from fastapi import Request

from agents.health import HealthStatus
from agents.registry import get_registry
from api.desk import Desk
from api.pages.operators.agent_cards import HEALTH
from api.pages.statuses import LOOKS
from api.pages.steps import Look
from api.routes.breakers import BreakerDesk
from breakers.errors import BreakerStoreAway
from breakers.model import CircuitState, Mode
from core.store_fault import StoreFault
from state.errors import StoreUnavailable
from state.listing import Listing
from state.summaries import Summary

NEWEST: Final = 5
_REFUSED: Final = Look("✕", "Breaker open", "bad")
_TRYING: Final = Look("◐", "Breaker half open", "late")


@dataclass(frozen=True, slots=True)
class Asked:
    """One question that was asked, and how it goes with it."""

    summary: Summary
    look: Look


@dataclass(frozen=True, slots=True)
class Beside:
    """The agents in the order of the chain, and the newest questions, if a `fault` of Valkey does not keep them."""

    agents: dict[str, Look] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    fault: StoreFault | None = None


async def beside_of(request: Request) -> Beside:
    """As it stands now. The box is of use without it, so it raises nothing when Valkey cannot be used."""
    desk, breakers = cast("Desk", request.app.state.desk), cast("BreakerDesk", request.app.state.breakers)
    try:
        page, health, statuses, fault = await asyncio.gather(
            desk.store.page(Listing(limit=NEWEST)), desk.health(), breakers.every_status(), desk.store.fault()
        )
    except (StoreUnavailable, BreakerStoreAway) as error:
        return Beside(fault=error.fault)
    seen = {name: one.status for name, one in health.items()}
    told = {one.name: _look(seen.get(one.name, HealthStatus.UNKNOWN), one.state, one.mode.mode) for one in statuses}
    agents = {name: told[name] for name in get_registry() if name in told}
    return Beside(agents, [Asked(one, LOOKS[one.status]) for one in page.workflows], fault)


def _look(seen: HealthStatus, state: CircuitState, mode: Mode) -> Look:
    """The breaker's word when it refuses calls, else that of the last look at the agent."""
    if mode is Mode.FORCED_OPEN or (mode is Mode.AUTO and state is CircuitState.OPEN):
        return _REFUSED
    if mode is Mode.AUTO and state is CircuitState.HALF_OPEN:
        return _TRYING
    return HEALTH[seen]
