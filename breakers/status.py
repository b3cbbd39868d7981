"""A breaker as operators see it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from breakers.events import BreakerEvent
from breakers.model import SECOND_US, CircuitState, Mode, View, Why
from breakers.settings import BreakerSettings
from breakers.window import SlowWindow

MS_US = 1_000
EVENTS_SHOWN = 10


@dataclass(frozen=True, slots=True)
class RawStatus:
    """The hash and the probes as they are stored; rubbish there reads as nothing until a call begins it anew."""

    fields: dict[bytes, bytes]
    probes: list[tuple[bytes, float]] = field(default_factory=list)

    def text(self, name: str) -> str:
        """A field's text, empty without it."""
        return self.fields.get(name.encode(), b"").decode(errors="replace")

    def number(self, name: str) -> int:
        """A whole number, 0 without it."""
        try:
            return int(self.fields.get(name.encode(), b"0"))
        except ValueError:
            return 0

    def at_ms(self, name: str) -> int | None:
        """A stamp in milliseconds, None without it."""
        return self.number(name) // MS_US or None


@dataclass(frozen=True, slots=True)
class SlowCalls:
    """The window of slow calls."""

    calls: int
    slow: int


@dataclass(frozen=True, slots=True)
class Probe:
    """A probe that is out, and until when its result counts."""

    token: str
    until_ms: int


@dataclass(frozen=True, slots=True)
class ModeNow:
    """The mode, who set it, why, and until when."""

    mode: Mode
    actor: str
    reason: str
    until_ms: int | None


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts since the breaker was first used; a call is counted when it has ended, up to a look later."""

    calls: int
    failures: int
    slow: int
    refused: int
    retries: int
    opened: int


@dataclass(frozen=True, slots=True)
class BreakerStatus:
    """All that is known about one breaker. Stamps are the server's."""

    name: str
    state: CircuitState
    why: Why
    since_ms: int | None
    until_ms: int | None  # of OPEN: from then on a probe may go
    retry_after_s: float
    generation: int
    score: float
    window: SlowCalls
    probes: tuple[Probe, ...]
    passed: int
    reopened: int
    mode: ModeNow
    retry_tokens: float
    settings: BreakerSettings
    settings_changed: bool  # by an operator, at run time
    totals: Totals
    last_events: tuple[BreakerEvent, ...]


def status_of(name: str, base: BreakerSettings, view: View, raw: RawStatus,
              events: Sequence[BreakerEvent]) -> BreakerStatus:
    """Put together what a look and the stored fields tell."""
    settings = base.overlaid(view.settings)
    return BreakerStatus(
        name=name, state=view.state, why=_why(raw.text("why")), since_ms=raw.at_ms("since_us"),
        until_ms=raw.at_ms("until_us") if view.state is CircuitState.OPEN else None,
        retry_after_s=view.wait_us / SECOND_US, generation=view.generation, score=view.score,
        window=_window(raw, view, settings),
        probes=tuple(Probe(token.decode(), int(until) // MS_US) for token, until in raw.probes if until > view.now_us),
        passed=raw.number("passed"), reopened=raw.number("reopened"),
        mode=ModeNow(view.mode, raw.text("actor"), raw.text("reason"), view.mode_until_us // MS_US or None),
        retry_tokens=view.tokens, settings=settings, settings_changed=bool(view.settings),
        totals=Totals(*(raw.number(name) for name in ("calls", "failures", "slow", "refused", "retries", "opened"))),
        last_events=tuple(event for event in events if event.breaker == name)[:EVENTS_SHOWN])


def _why(text: str) -> Why:
    return Why(text) if text in frozenset(Why) else Why.NEW


def _window(raw: RawStatus, view: View, settings: BreakerSettings) -> SlowCalls:
    window = SlowWindow(*(raw.number(name) for name in ("half_us", "calls_0", "slow_0", "calls_1", "slow_1")))
    window.add(view.now_us, 0, 0, settings)  # lets go what is too old by now
    return SlowCalls(window.calls, window.slow)
