"""The rollout switch: which share of the questions goes by Celery, in which phase, since when, and why.

Keys (one primary; `state/lua/rollout.lua` changes the first two, atomically)
    baton:rollout            hash    the switch, absent until somebody or something changes it   no TTL
    baton:rollout:events     stream  each change: what moved, and the switch from then on        no TTL, the last 1,000
    baton:rollout:evaluator  string  the API process that looks after it                         three looks
Writer and reader: the API. The counts it is judged by: `state.sides`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any, Final, get_type_hints

from state.keys import METRICS
from state.outage import as_unavailable
from state.store import AsyncStore
from state.transition import Raw, Transition

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


@dataclass(frozen=True, slots=True)
class Rollout:
    """The switch. Shares are percent of the sessions on Celery; times are ms by the server's clock, 0 for none.

    `target` is where it returns to. `until_ms` ends a cool-down; `strikes` are rollbacks in a row. `mark` is how many
    questions Celery had ended when the stage began.
    """

    share: float = 100.0
    target: float = 100.0
    phase: Phase = Phase.STEADY
    since_ms: int = 0
    until_ms: int = 0
    strikes: int = 0
    rolled_back_ms: int = 0
    compared_ms: int = 0
    mark: int = 0
    actor: str = ""
    reason: str = ""
    version: int = 0


@dataclass(frozen=True, slots=True)
class Event:
    """One change."""

    event_id: str
    move: Move
    after: Rollout

    @property
    def at_ms(self) -> int:
        """By the server's clock."""
        return int(self.event_id.partition("-")[0])


_TYPES: Final = get_type_hints(Rollout)


def read_rollout(raw: Mapping[bytes, bytes]) -> Rollout:
    """The switch in a hash; all by Celery when it is empty."""
    text = {name.decode(): value.decode() for name, value in raw.items()}
    return Rollout(**{one.name: _TYPES[one.name](text[one.name]) for one in fields(Rollout) if one.name in text})


def change(seen: Rollout, after: Rollout, move: Move, token: str, measure: str = "none") -> Transition[bool]:
    """Put `after` in the place of `seen`; False when it is another by now. `after`'s version is given by the script."""
    values: dict[str, Any] = asdict(after)
    del values["version"]
    args = [item for name, value in values.items() for item in (name, value)]

    def understand(raw: Raw) -> bool:
        return raw[0] == b"changed"

    return Transition("rollout", [KEY, EVENTS], [seen.version, token, move, measure, *args], understand)


async def current(store: AsyncStore) -> Rollout:
    """As it stands; raises `StoreUnavailable`."""
    return read_rollout(await store.hash(KEY))


async def newest_events(store: AsyncStore, limit: int) -> list[Event]:
    """The last changes, newest first."""
    with as_unavailable():
        found: Any = await store.client.xrevrange(EVENTS, count=limit)
    return [Event(at.decode(), Move(raw[b"move"].decode()), read_rollout(raw)) for at, raw in found]


async def count_look(store: AsyncStore) -> None:
    """Count that the sides were compared once more."""
    with as_unavailable():
        await store.client.hincrby(METRICS, "rollout_look|done", 1)


async def takes_turn(store: AsyncStore, process: str, lease_ms: int) -> bool:
    """Whether `process` is the one that looks after the switch for the next `lease_ms`."""
    with as_unavailable():
        if await store.client.set(EVALUATOR, process, nx=True, px=lease_ms):
            return True
        if await store.client.get(EVALUATOR) != process.encode():
            return False
        # Should it have expired in between, two look once: a change is refused to whoever comes second.
        return bool(await store.client.pexpire(EVALUATOR, lease_ms))
