"""Plans: the steps of a question and what each waits for."""

from collections.abc import Sequence, Sized
from typing import Any, Final, TypeVar

from agents.registry import AgentSpec
from state.model import NewStep

CLAIM_SLACK_S: Final = 10.0  # for what surrounds the call in a step
COMPOSE: Final = "compose"  # the agent of steps that are done in the worker itself
EXTENDS: Final = "extends"  # in the spec of an nlp step: what follows it is planned when it has answered


def ordinary_plan(registry: dict[str, AgentSpec]) -> tuple[NewStep, ...]:
    """`nlp -> data -> viz`; the chart is drawn from the question's intent and the rows."""
    return (
        step_of(registry["nlp"], "nlp"),
        step_of(registry["data"], "data", after=("nlp",), needs=("nlp",)),
        step_of(registry["viz"], "viz", after=("data",), needs=("nlp", "data")),
    )


def plan_to_be_extended(registry: dict[str, AgentSpec]) -> tuple[NewStep, ...]:
    """Only the nlp step: what follows is planned from what it answers (`pipeline.extension`)."""
    return (step_of(registry["nlp"], "nlp", spec={EXTENDS: True}),)


def step_of(
    agent: AgentSpec,
    name: str,
    *,
    after: Sequence[str] = (),
    needs: Sequence[str] = (),
    wants: Sequence[str] = (),
    optional: bool = False,
    spec: dict[str, Any] | None = None,
) -> NewStep:
    """A step of a registered agent."""
    limit_s = agent.timeout_s + CLAIM_SLACK_S
    before, needed, wanted = tuple(after), tuple(needs), tuple(wants)
    return NewStep(name, agent.name, agent.queue, limit_s, before, needed, wanted, optional, spec or {})


def compose_step(
    name: str, parts: Sequence[dict[str, str]], *, nlp: str = "", after: Sequence[str] = (), optional: bool = False
) -> NewStep:
    """The step that puts `parts` together: `{name, query, data, viz}` each, the last two being names of steps."""
    read = [step for part in parts for step in (part["data"], part["viz"]) if step]
    needs = (nlp,) if nlp else ()
    before = tuple(dict.fromkeys([*needs, *read, *after]))
    spec: dict[str, Any] = {"parts": list(parts), **({"nlp": nlp} if nlp else {})}
    return NewStep(name, COMPOSE, f"agents.{COMPOSE}", CLAIM_SLACK_S, before, needs, tuple(read), optional, spec)


Plan = TypeVar("Plan", bound=Sized)


class PlanTooLarge(Exception):
    """A plan has more steps than MAX_STEPS allows; nothing was recorded."""

    def __init__(self, steps: int, most: int) -> None:
        super().__init__(f"the plan has {steps} steps, and at most {most} are taken (MAX_STEPS)")


def within_limit(plan: Plan, most: int) -> Plan:
    """The plan; raises `PlanTooLarge` when it has more than `most` steps."""
    if len(plan) > most:
        raise PlanTooLarge(len(plan), most)
    return plan
