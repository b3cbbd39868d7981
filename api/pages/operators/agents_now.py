"""How every agent stands at this moment: its health, its breaker, its figures. The operators' pages are made of it."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, cast

from fastapi import Request

from agents.health import Health, HealthStatus
from agents.health_changes import KEY as CHANGES
from agents.health_changes import HealthChange, changes_of
from agents.registry import AgentSpec, get_registry
from api.desk import Desk
from api.metrics.figures import AgentFigures, agent_figures
from api.routes.breakers import BreakerDesk
from breakers.status import BreakerStatus
from core.store_fault import StoreFault
from state.metrics import MINUTE_MS, Window, read_window
from state.store import AsyncStore

FIGURES_OF_MS = 60 * MINUTE_MS
CHANGES_READ = 200  # of all agents together
CHANGES_SHOWN = 6


@dataclass(frozen=True, slots=True)
class AgentNow:
    """One breaker and the agent behind it; `data:tenant` is a breaker of the agent `data`."""

    name: str
    spec: AgentSpec | None
    health: Health | None
    breaker: BreakerStatus
    figures: AgentFigures
    history: list[HealthChange] = field(default_factory=list)

    @property
    def agent(self) -> str:
        """The agent's own name."""
        return self.name.partition(":")[0]

    @property
    def is_down(self) -> bool:
        """Whether the last look at it went badly."""
        return self.health is not None and self.health.status is HealthStatus.UNHEALTHY


@dataclass(frozen=True, slots=True)
class Standing:
    """All agents, and what keeps Valkey from taking writes, as of `now_ms` of its clock."""

    agents: list[AgentNow]
    now_ms: int
    fault: StoreFault | None


async def read_standing(request: Request) -> Standing:
    """As it stands; raises `StoreUnavailable` or `BreakerStoreAway`."""
    desk = cast("Desk", request.app.state.desk)
    breakers = cast("BreakerDesk", request.app.state.breakers)
    health, statuses, counted, changes, fault = await asyncio.gather(
        desk.health(),
        breakers.every_status(),
        read_window(desk.store, FIGURES_OF_MS),
        _changes(desk.store),
        desk.store.fault(),
    )
    agents = [_agent(status, health, counted, changes) for status in statuses]
    return Standing(sorted(agents, key=_place), counted.to_ms, fault)


async def _changes(store: AsyncStore) -> list[HealthChange]:
    (entries,) = await store.read(lambda pipe: pipe.xrevrange(CHANGES, count=CHANGES_READ))
    return changes_of(cast("Any", entries))


def _agent(
    status: BreakerStatus, health: dict[str, Health], counted: Window, changes: list[HealthChange]
) -> AgentNow:
    agent = status.name.partition(":")[0]
    return AgentNow(
        name=status.name,
        spec=get_registry().get(agent),
        health=health.get(agent),
        breaker=status,
        figures=agent_figures(counted.counts, agent),
        history=[change for change in changes if change.agent == agent][:CHANGES_SHOWN],
    )


def _place(now: AgentNow) -> tuple[int, str]:
    """The registry's order, which is the chain's; what is not in it comes last."""
    order = list(get_registry())
    return (order.index(now.agent) if now.agent in order else len(order), now.name)
