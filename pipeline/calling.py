"""One call of an agent under its breaker; what Celery's tasks and the direct path share."""

import time
from collections.abc import Mapping
from typing import Any

from agents.client import CallHeaders, call_agent
from agents.contract import AgentResult
from agents.errors import AgentError, CircuitOpen, Counts
from agents.registry import AgentSpec
from breakers import CircuitBreaker, CircuitOpenError, Outcome


def call_under_breaker(
    agent: AgentSpec,
    payload: Mapping[str, Any],
    headers: CallHeaders,
    time_left_s: float,
    *,
    breaker: CircuitBreaker,
    tries: int,
) -> AgentResult:
    """Ask the agent once, if its breaker lets the call through; raises an `AgentError`, or `CallStopped`.

    `tries` counts the step's calls, this one included.
    """
    try:
        permit = breaker.ask()
    except CircuitOpenError as refusal:
        raise CircuitOpen(
            f"The {agent.name} agent failed too often lately and is given a rest.",
            agent=agent.name,
            retry_after_s=refusal.retry_after_s,
        ) from refusal
    began = time.monotonic()
    outcome = Outcome.IGNORED  # who is killed or stopped in the middle of a call learned nothing about the agent
    try:
        answer = call_agent(agent, payload, headers, time_left_s)
        outcome = Outcome.SUCCESS
    except AgentError as error:
        outcome = outcome_of(error, tries)
        raise
    finally:
        breaker.report(permit, outcome, time.monotonic() - began)
    return answer


def outcome_of(error: AgentError, tries: int) -> Outcome:
    """What an error says to the breaker; a step that is refused again and again says it once."""
    if error.counts is Counts.NEVER or (error.counts is Counts.ONCE_PER_STEP and tries > 1):
        return Outcome.IGNORED
    return Outcome.FAILURE
