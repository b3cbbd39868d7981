"""One agent as its card shows it."""

from dataclasses import dataclass
from typing import Final

from agents.health import HealthStatus
from agents.health_changes import HealthChange
from api.metrics.figures import Times
from api.pages.operators.agents_now import AgentNow
from api.pages.operators.notices import WHY
from api.pages.steps import Look
from breakers.events import BreakerEvent
from breakers.model import CircuitState, Mode
from breakers.status import BreakerStatus, Totals

HEALTH: Final = {
    HealthStatus.HEALTHY: Look("✓", "Healthy", "good"),
    HealthStatus.UNHEALTHY: Look("✕", "Unhealthy", "bad"),
    HealthStatus.UNKNOWN: Look("?", "Not looked at lately", "late"),
}
_STATES: Final = {
    CircuitState.CLOSED: Look("✓", "Closed: calls flow", "good"),
    CircuitState.OPEN: Look("✕", "Open: calls are refused", "bad"),
    CircuitState.HALF_OPEN: Look("◐", "Half open: a few calls go to see", "late"),
}
MODES: Final = {
    Mode.AUTO: Look("✓", "Automatic", "good"),
    Mode.FORCED_OPEN: Look("✕", "Forced open: every call is refused", "bad"),
    Mode.DISABLED: Look("!", "Switched off: every call goes on, none is judged", "late"),
    Mode.METRICS_ONLY: Look("!", "Only watching: it says when it would have opened", "late"),
}


@dataclass(frozen=True, slots=True)
class ModeButton:
    """A mode that may be chosen, and what it does."""

    mode: Mode
    label: str
    does: str


BUTTONS: Final = (
    ModeButton(Mode.AUTO, "Back to automatic", "The breaker decides by itself again, from a clean start."),
    ModeButton(Mode.FORCED_OPEN, "Force open", "Every call of this agent is refused at once, in all workers."),
    ModeButton(Mode.DISABLED, "Switch off", "Every call goes to the agent, and none is judged, however badly it goes."),
    ModeButton(Mode.METRICS_ONLY, "Only watch", "Every call goes to the agent; the breaker says when it would open."),
)


@dataclass(frozen=True, slots=True)
class AgentCard:
    """All that the card shows; times are ms by Valkey's clock, `health_ms` since when the health is what it is."""

    name: str
    url: str
    version: str
    health: Look
    health_detail: str
    health_ms: int | None
    checked_ms: int | None
    look_took_ms: int
    history: list[HealthChange]
    breaker: Look
    since_ms: int | None
    until_ms: int | None
    opening: BreakerEvent | None
    opening_why: str
    score: float
    threshold: int
    mode: Look
    mode_by: str
    mode_until_ms: int | None
    totals: Totals
    attempt_ms: Times
    error_rate: float | None
    fallback_share: float | None
    buttons: list[ModeButton]


def card_of(now: AgentNow) -> AgentCard:
    """The card of one agent."""
    breaker, health = now.breaker, now.health
    mode = breaker.mode
    opening = last_opening(breaker)
    rate = now.figures.success_rate
    return AgentCard(
        name=now.name,
        url=now.spec.url if now.spec else "",
        version=_version(now),
        health=HEALTH[health.status if health else HealthStatus.UNKNOWN],
        health_detail=health.detail if health else "",
        health_ms=(health.since_ms or None) if health else None,
        checked_ms=(health.checked_ms or None) if health else None,
        look_took_ms=health.latency_ms if health else 0,
        history=now.history,
        breaker=_STATES[breaker.state] if mode.mode is Mode.AUTO else MODES[mode.mode],
        since_ms=breaker.since_ms,
        until_ms=breaker.until_ms,
        opening=opening,
        opening_why=WHY.get(opening.why, opening.why) if opening else "",
        score=breaker.score,
        threshold=breaker.settings.threshold,
        mode=MODES[mode.mode],
        mode_by=_said(mode.actor, mode.reason),
        mode_until_ms=mode.until_ms,
        totals=breaker.totals,
        attempt_ms=now.figures.attempt_ms,
        error_rate=None if rate is None else 1 - rate,
        fallback_share=now.figures.fallback_share,
        buttons=[button for button in BUTTONS if button.mode is not mode.mode],
    )


def _version(now: AgentNow) -> str:
    """As it told last; one that is down tells none."""
    told = [now.health.version if now.health else "", *(change.version for change in now.history)]
    return next(filter(None, told), "")


def last_opening(breaker: BreakerStatus) -> BreakerEvent | None:
    """The newest event with which it left CLOSED, else the newest with which it opened again; None if none is known."""
    openings = [event for event in breaker.last_events if event.after is CircuitState.OPEN]
    from_closed = [event for event in openings if event.before is CircuitState.CLOSED]
    return next(iter(from_closed or openings), None)


def _said(actor: str, reason: str) -> str:
    return f"{actor}: {reason}" if actor and reason else actor
