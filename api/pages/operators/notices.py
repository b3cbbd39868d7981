"""What is wrong, in sentences: which agent, since when, what happens to questions meanwhile, when it is tried again."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from agents.health import HealthStatus
from api.pages.operators.agents_now import AgentNow
from api.pages.steps import Look
from breakers.model import CircuitState, Mode, Why
from breakers.status import BreakerStatus
from core.settings import get_settings
from core.store_fault import StoreFault
from state.model import StepStatus

BAD: Final = Look("✕", "Down", "bad")
LATE: Final = Look("!", "Look here", "late")
WHY: Final = {
    Why.FAILURES: "its calls failed",
    Why.SLOW_CALLS: "too many of its calls were slow",
    Why.PROBE_FAILED: "the last try failed",
    Why.MODE: "an operator said so",
}
_REFUSED: Final = {
    "nlp": "Questions are still answered: as the same question was understood before, else by the bundled rules; such "
    "answers are marked as degraded.",
    "data": "Questions that were answered before get their earlier rows, marked as degraded; all others are refused "
    "or fail at once, with the advice to wait. Background workflows wait for the agent until their deadline.",
    "viz": "Questions are still answered; their charts are plain ones of our own, marked as degraded.",
}
_STEPS_FAIL: Final = (
    "Steps that ask it fail at once, and with them what needs them; background workflows wait for it "
    "until their deadline."
)


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that is wrong; `again` says who tries again, `again_ms` when, if that is known."""

    agent: str
    look: Look
    what: str
    since_ms: int | None
    meanwhile: str
    again: str
    again_ms: int | None = None


def notices_of(agents: Iterable[AgentNow], now_ms: int) -> list[Notice]:
    """One notice an agent that is in trouble, the worst first."""
    found = [notice for now in agents if (notice := _notice(now, now_ms))]
    return sorted(found, key=lambda notice: notice.look is not BAD)


def no_worker() -> Notice:
    """Nobody takes messages."""
    return Notice(
        "",
        BAD,
        "No worker has looked for work within the last 5 s.",
        None,
        "Questions are accepted and wait until their deadline; nothing is lost.",
        "as soon as a worker starts",
    )


def store_notices(fault: StoreFault | None) -> list[Notice]:
    """That Valkey takes no writes, if it does not."""
    if fault is None:
        return []
    meanwhile = (
        "Questions somebody waits for are answered, and recorded nowhere; others are refused. What was accepted waits, "
        "and workers keep the answers they have."
    )
    again = "every second by all processes; make doctor says what to do"
    return [Notice("", BAD, f"{fault.said}.", None, meanwhile, again)]


def opened_ms(breaker: BreakerStatus) -> int | None:
    """When it left its last CLOSED period, as far back as its events are known; None of a breaker that is closed."""
    if breaker.state is CircuitState.CLOSED:
        return None
    earliest = breaker.since_ms
    for event in breaker.last_events:  # newest first
        if event.after is CircuitState.CLOSED:
            break
        earliest = event.at_ms
    return earliest


def _notice(now: AgentNow, now_ms: int) -> Notice | None:
    breaker = now.breaker
    if breaker.mode.mode is Mode.FORCED_OPEN:
        return _forced(now)
    if breaker.state is not CircuitState.CLOSED:
        again, again_ms = _probe(breaker, now_ms)
        return Notice(
            now.name, BAD, _refusing(now), _since_ms(now), _refused(now) + so_far(now), again, again_ms
        )
    if now.is_down and now.health is not None:
        what = f"The {now.name} agent {now.health.detail}; calls still go to it."
        return Notice(now.name, BAD, what, now.health.since_ms, _tried_first(now) + so_far(now), _with_each_look())
    if now.health is not None and now.health.status is HealthStatus.UNKNOWN:
        what = f"Nobody has looked at the {now.name} agent lately."
        meanwhile = "Calls go to it as ever, and its breaker judges them."
        return Notice(now.name, LATE, what, None, meanwhile, "as soon as beat and a worker run")
    return None


def _forced(now: AgentNow) -> Notice:
    mode = now.breaker.mode
    by = mode.actor + (f", who said: {mode.reason}" if mode.reason else "")
    again = "when that ends" if mode.until_ms else "when somebody sets its breaker back to auto"
    what = f"The {now.name} agent is called no more: its breaker was forced open by {by}."
    return Notice(now.name, BAD, what, now.breaker.since_ms, _refused(now) + so_far(now), again, mode.until_ms)


def _refusing(now: AgentNow) -> str:
    seen = f"{now.health.detail};" if now.is_down and now.health else "is not called:"
    is_open = now.breaker.state is CircuitState.OPEN
    why = f", since {WHY[now.breaker.why]}" if is_open and now.breaker.why in WHY else ""
    return f"The {now.name} agent {seen} its breaker is {'open' if is_open else 'half open'}{why}."


def _since_ms(now: AgentNow) -> int | None:
    health_ms = now.health.since_ms if now.is_down and now.health else None
    return min(filter(None, (opened_ms(now.breaker), health_ms)), default=None)


def _probe(breaker: BreakerStatus, now_ms: int) -> tuple[str, int | None]:
    if breaker.state is CircuitState.HALF_OPEN:
        return ("right now: one call is out to see", None)
    if breaker.until_ms and breaker.until_ms > now_ms:
        return ("by a health check or the first call after that", breaker.until_ms)
    return _with_each_look(), None


def _with_each_look() -> str:
    return f"within {get_settings().health_interval_s:.0f} s, by a health check, or by the next call"


def _refused(now: AgentNow) -> str:
    return _REFUSED.get(now.agent, _STEPS_FAIL)


def _tried_first(now: AgentNow) -> str:
    times = f"up to {now.spec.retry.max_attempts} times " if now.spec else ""
    return f"Each step tries it {times}first; if that fails, this holds. {_refused(now)}"


def so_far(now: AgentNow) -> str:
    """What it has cost, by the figures."""
    steps = now.figures.steps
    failed, stood_in = steps[StepStatus.FAILED], steps[StepStatus.DEGRADED]
    if not failed and not stood_in:
        return ""
    return f" In the last hour {failed} of its steps failed and {stood_in} had a stand-in."
