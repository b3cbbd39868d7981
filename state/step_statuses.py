"""Where the steps of many workflows stand, and nothing else of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from state import keys
from state.model import StepStatus
from state.store import AsyncStore


@dataclass(frozen=True, slots=True)
class StepStatuses:
    """Status by step of the first few steps in the plan's order, and how many steps there are in all."""

    of: dict[str, StepStatus] = field(default_factory=dict)
    count: int = 0


async def step_statuses(store: AsyncStore, ids: Sequence[str], *, most: int) -> dict[str, StepStatuses]:
    """Of each workflow in `ids` that is there, at most `most` steps; two reads, however many there are."""
    plans = await store.read(lambda pipe: [pipe.hget(keys.record(one), "steps") for one in ids])
    steps = {one: plan.decode().split(",") for one, plan in zip(ids, plans, strict=True) if plan}
    first = {one: names[:most] for one, names in steps.items()}
    found = await store.read(
        lambda pipe: [
            pipe.hmget(keys.record(one), [f"{name}:status" for name in names]) for one, names in first.items()
        ]
    )
    return {
        one: StepStatuses(
            # A status is missing where the plan was extended, or the record expired, between the two reads.
            {name: StepStatus(raw.decode()) for name, raw in zip(first[one], statuses, strict=True) if raw},
            len(steps[one]),
        )
        for one, statuses in zip(first, found, strict=True)
    }
