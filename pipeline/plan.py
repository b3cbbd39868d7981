"""Plans: the steps of a question and what each waits for."""

from typing import Final

from agents.registry import AgentSpec
from state.model import NewStep

CLAIM_SLACK_S: Final = 10.0  # for what surrounds the call in a step


def ordinary_plan(registry: dict[str, AgentSpec]) -> tuple[NewStep, ...]:
    """`nlp -> data -> viz`; the chart is drawn from the question's intent and the rows."""
    return (
        _step("nlp", registry["nlp"]),
        _step("data", registry["data"], after=("nlp",), needs=("nlp",)),
        _step("viz", registry["viz"], after=("data",), needs=("nlp", "data")),
    )


class PlanTooLarge(Exception):
    """A plan has more steps than MAX_STEPS allows; nothing was recorded."""

    def __init__(self, steps: int, most: int) -> None:
        super().__init__(f"the plan has {steps} steps, and at most {most} are taken (MAX_STEPS)")


def within_limit(plan: tuple[NewStep, ...], most: int) -> tuple[NewStep, ...]:
    """The plan; raises `PlanTooLarge` when it has more than `most` steps."""
    if len(plan) > most:
        raise PlanTooLarge(len(plan), most)
    return plan


def _step(name: str, agent: AgentSpec, after: tuple[str, ...] = (), needs: tuple[str, ...] = ()) -> NewStep:
    return NewStep(name, agent.name, agent.queue, agent.timeout_s + CLAIM_SLACK_S, after, needs)
