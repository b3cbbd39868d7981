"""What is asked of the script: an operation with its arguments, and how its answer is read."""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from pathlib import Path

from breakers import keys
from breakers.model import Answer, CircuitState, Mode, Outcome, Permit, Tally, Verdict, View, to_us
from breakers.settings import BreakerSettings


@cache
def source() -> str:
    """The text of the script."""
    return (Path(__file__).parent / "lua" / "breaker.lua").read_text()


class Operation(StrEnum):
    """What the script can do."""

    LOOK = "look"
    ASK = "ask"
    PROBE = "probe"
    REPORT = "report"
    RETRY = "retry"
    MODE = "mode"
    SETTINGS = "settings"


@dataclass(frozen=True, slots=True)
class Request:
    """One call of the script. A tally that it carries is told at most once: a request is never repeated."""

    name: str
    operation: Operation
    base: BreakerSettings
    own: tuple[str | int, ...] = ()
    tally: Tally = field(default_factory=Tally)

    @property
    def keys(self) -> list[str]:
        """KEYS."""
        return keys.of_script(self.name)

    @property
    def args(self) -> list[str | int]:
        """ARGV."""
        t = self.tally
        return [self.name, self.operation, self.base.wire, t.generation, t.window_calls, t.window_slow,
                t.untold_successes, t.calls, t.failures, t.refused, t.slow, *self.own]

    def telling(self, tally: Tally) -> "Request":
        """This request, with a tally to carry."""
        return replace(self, tally=tally)


@dataclass(frozen=True, slots=True)
class Requests:
    """The requests about one breaker."""

    name: str
    base: BreakerSettings

    def look(self) -> Request:
        """Tell the tally, and see."""
        return Request(self.name, Operation.LOOK, self.base)

    def ask(self, token: str) -> Request:
        """Leave for a call; `token` will name it if it is a probe."""
        return Request(self.name, Operation.ASK, self.base, (token,))

    def probe(self, token: str) -> Request:
        """Leave for a health check to be a probe."""
        return Request(self.name, Operation.PROBE, self.base, (token,))

    def report(self, permit: Permit, outcome: Outcome) -> Request:
        """The result of a call."""
        return Request(self.name, Operation.REPORT, self.base, (permit.generation, permit.token, outcome))

    def retry(self) -> Request:
        """A token of the retry budget."""
        return Request(self.name, Operation.RETRY, self.base)

    def mode(self, mode: Mode, actor: str, reason: str, lasts_s: float | None) -> Request:
        """An operator's word, for a time or until it is changed."""
        if lasts_s is not None and lasts_s <= 0:
            raise ValueError("a mode lasts longer than 0 s")
        lasts_us = 0 if lasts_s is None else max(1, to_us(lasts_s))
        return Request(self.name, Operation.MODE, self.base, (mode, actor, reason, lasts_us))

    def settings(self, settings: BreakerSettings | None, actor: str, reason: str) -> Request:
        """Other numbers for all processes; None: each process's own again."""
        return Request(self.name, Operation.SETTINGS, self.base, (settings.wire if settings else "", actor, reason))


def answer_of(raw: list[bytes]) -> Answer:
    """The script's answer."""
    verdict, state, generation, score, wait_us, mode, mode_until_us, settings, tokens, now_us, unreadable = (
        one.decode(errors="replace") if isinstance(one, bytes) else str(one) for one in raw)
    return Answer(Verdict(verdict), View(
        CircuitState(state), int(generation), float(score), int(wait_us), Mode(mode), int(mode_until_us), settings,
        float(tokens), int(now_us)), unreadable)
