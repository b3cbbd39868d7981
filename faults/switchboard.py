"""The switchboard of one agent: its rules, and which of them hits a call."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from faults.rules import Ending, FaultKind, Latency, Rule


@dataclass(frozen=True, slots=True)
class Call:
    """What rules look at: `headers` with lower-case names; `body` is empty when no rule wants it."""

    health: bool
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Decision:
    """What happens to a call: it waits `delay_s`, then `rule` decides how it ends (None: it is forwarded)."""

    delay_s: float = 0.0
    rule: Ending | None = None
    faults: tuple[FaultKind, ...] = ()


@dataclass(slots=True)
class _Armed:
    rule: Rule
    chance: Random
    hits: int = 0

    def strikes(self, call: Call, text: str, age_s: float) -> bool:
        """Whether the rule hits this call; a call that fits draws its chance, and no other does."""
        rule = self.rule
        fits = rule.is_for(health=call.health) and rule.is_on(age_s) and rule.wants_headers(call.headers)
        if not fits or _quoted(rule.contains) not in text or self.hits == rule.times:
            return False
        struck = self.chance.random() < rule.share
        self.hits += struck
        return struck


class Switchboard:
    """Decides by the rules in their order: delays add up, the first other rule that hits ends the search."""

    def __init__(self, agent: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._agent, self._clock = agent, clock
        self.put([])

    def put(self, rules: Sequence[Rule]) -> None:
        """Replace all rules; schedules, seeds and `times` begin anew."""
        self._armed = [_Armed(rule, self._chance(rule.seed, place)) for place, rule in enumerate(rules)]
        self._began = self._clock()
        self.reads_bodies = any(rule.contains for rule in rules)

    def _chance(self, seed: int, place: int) -> Random:
        # With the seed alone, rules of one seed would hit the same calls, and agents of one share fail together.
        return Random(f"{self._agent}:{place}:{seed}")  # noqa: S311 - repeatable is the point

    @property
    def rules(self) -> list[Rule]:
        """The rules as they were put."""
        return [armed.rule for armed in self._armed]

    def decide(self, call: Call) -> Decision:
        """What happens to `call`, now."""
        if not self._armed:
            return Decision()
        age_s, text, delay_s = self._clock() - self._began, _text(call.body), 0.0
        faults: list[FaultKind] = []
        for armed in self._armed:
            if not armed.strikes(call, text, age_s):
                continue
            faults.append(armed.rule.fault)
            if not isinstance(armed.rule, Latency):
                return Decision(delay_s, armed.rule, tuple(faults))
            delay_s += armed.rule.drawn_s(armed.chance)
        return Decision(delay_s, None, tuple(faults))


def _text(body: bytes) -> str:
    """A body to look for words in: JSON with its escapes resolved, so that `é` is found however it was sent."""
    if not body:
        return ""
    try:
        return json.dumps(json.loads(body), ensure_ascii=False).casefold()
    except ValueError:
        return body.decode(errors="replace").casefold()


def _quoted(word: str) -> str:
    return json.dumps(word, ensure_ascii=False)[1:-1].casefold()
