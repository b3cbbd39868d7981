"""The rollout switch: which share of the questions goes by Celery, in which phase, since when, and why.

Keys (one primary; `state/lua/rollout.lua` changes the first two, and writes each change into the audit, atomically)
    baton:rollout            hash    the switch, absent until somebody or something changes it   no TTL
    baton:rollout:events     stream  each change: what moved, and the switch from then on        no TTL, the last 1,000
    baton:rollout:evaluator  string  the API process that looks after it                         three looks
Writer and reader: the API. The counts it is judged by: `state.sides`.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from typing import Any, Final, get_type_hints

from core.settings import get_settings
from state.audit import Action, Trail
from state.keys import METRICS
from state.outage import as_unavailable
from state.store import AsyncStore
from state.transition import Argument, Raw, Transition

KEY: Final = "baton:rollout"
EVENTS: Final = "baton:rollout:events"
EVALUATOR: Final = "baton:rollout:evaluator"


class Phase(StrEnum):
    """What the switch is doing."""

    STEADY = "steady"
    COMPARING = "comparing"
    ROLLED_BACK = "rolled_back"
    RETURNING = "returning"


class Move(StrEnum):
    """What changed it."""

    SET = "set"
    COMPARE = "compare"
    COMPARED = "compared"
    ROLL_BACK = "roll_back"
    RETURN = "return"
    ADVANCE = "advance"
    ARRIVE = "arrive"
    CLOCK = "clock"


@dataclass(frozen=True, slots=True)
class Rollout:
    """The switch. Shares are percent of the sessions on Celery; times are ms by the server's clock, 0 for none.

    `target` is where it returns to. `until_ms` ends a cool-down; `strikes` are rollbacks in a row. `unreadable` are
    fields that this release cannot read, of a newer one or broken: they stand at their defaults here.
    """

    share: float = 100.0
    target: float = 100.0
    phase: Phase = Phase.STEADY
    since_ms: int = 0
    until_ms: int = 0
    strikes: int = 0
    rolled_back_ms: int = 0
    compared_ms: int = 0
    actor: str = ""
    reason: str = ""
    version: int = 0
    unreadable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """One change; `move` is one of `Move`, or a newer release's."""

    event_id: str
    move: str
    after: Rollout

    @property
    def at_ms(self) -> int:
        """By the server's clock."""
        return int(self.event_id.partition("-")[0])


_TYPES: Final = get_type_hints(Rollout)
_NUMBER: Final = re.compile("[0-9]+")  # as the script reads it
_RECORDED: Final = [one.name for one in fields(Rollout) if one.name != "unreadable"]


def read_rollout(raw: Mapping[bytes, bytes]) -> Rollout:
    """The switch in a hash; all by Celery when it is empty."""
    text = {name.decode(errors="replace"): value.decode(errors="replace") for name, value in raw.items()}
    found: dict[str, Any] = {}
    unreadable: list[str] = []
    for name in _RECORDED:
        if name in text:
            try:
                found[name] = _value(name, text[name])
            except ValueError:
                unreadable.append(name)
    return Rollout(**found, unreadable=tuple(unreadable))


def _value(name: str, text: str) -> Any:
    value = _TYPES[name](text)
    if name in {"share", "target"} and not 0 <= value <= 100:
        raise ValueError(f"{text} is no share")
    if name == "version" and not _NUMBER.fullmatch(text):
        raise ValueError(f"{text} is no version")
    return value


def change(
    seen: Rollout, after: Rollout, move: Move, token: str, *, measure: str = "none", asked: Action | None = None
) -> Transition[bool]:
    """Put `after` in the place of `seen`; False when it is another by now. `after`'s version is given by the script.

    The audit has it too, or nothing is changed: as what was `asked` for, else as the rollout's own doing.
    """
    values = asdict(after)
    del values["version"], values["unreadable"]
    action = asked or Action("local", f"rollout {move}", "/api/rollout", 200, after.actor, after.reason)
    before = "?" if "share" in seen.unreadable else f"{seen.share:g} %"
    entry = _flat(asdict(replace(action, target=f"{action.target}: {before} -> {after.share:g} %")))
    keep = get_settings().audit_keep

    def understand(raw: Raw) -> bool:
        return raw[0] == b"changed"

    return Transition(
        "rollout",
        [KEY, EVENTS, Trail.DONE.key],
        [seen.version, token, move, measure, keep, len(entry), *entry, *_flat(values)],
        understand,
    )


def _flat(values: Mapping[str, Argument]) -> list[Argument]:
    return [item for pair in values.items() for item in pair]


async def current(store: AsyncStore) -> Rollout:
    """As it stands; raises `StoreUnavailable`."""
    return read_rollout(await store.hash(KEY))


async def newest_events(store: AsyncStore, limit: int) -> list[Event]:
    """The last changes, newest first."""
    with as_unavailable():
        found: Any = await store.client.xrevrange(EVENTS, count=limit)
    return [Event(at.decode(), raw.get(b"move", b"").decode(errors="replace"), read_rollout(raw)) for at, raw in found]


async def count_look(store: AsyncStore) -> None:
    """Count that the sides were compared once more."""
    with as_unavailable():
        await store.client.hincrby(METRICS, "rollout_look|done", 1)


def turn(process: str, lease_ms: int) -> Transition[bool]:
    """Whether `process` is the one that looks after the switch, for the next `lease_ms`; with 0 it is so no longer."""
    return Transition("turn", [EVALUATOR], [process, lease_ms], lambda raw: raw[0] == b"yes")
