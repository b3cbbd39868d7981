"""One step, told once: begin -> call the agent with the time left -> finish; on an error: decide -> record -> done."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from agents.client import CallHeaders, call_agent
from agents.errors import AgentError, InternalFault, InvalidResponse
from agents.registry import get_registry
from core.logging import get_logger
from core.settings import get_settings
from pipeline.charts import own_chart_if_needed
from pipeline.decide import RetryIn, decide
from pipeline.inputs import answered_without_call, payload_for
from state.errors import OutputTooLarge
from state.store import Store
from state.transitions import (
    Go,
    NotBefore,
    Report,
    Send,
    Verdict,
    begin,
    fail,
    finish,
    new_token,
    retry_later,
)

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Released:
    """The step is recorded as done; these sends follow."""

    sends: tuple[Send, ...]


@dataclass(frozen=True, slots=True)
class Wait:
    """The step is to be begun again after `wait_s`."""

    wait_s: float


@dataclass(frozen=True, slots=True)
class Nothing:
    """Nothing is left to do here: done elsewhere, cancelled, fenced off, failed."""

    why: str


Outcome = Released | Wait | Nothing


def run_step(store: Store, send: Send, node: str) -> Outcome:
    """Do what the message `send` hints at, if it is still to be done. Raises only `StoreUnavailable`."""
    settings = get_settings()
    claim = store.run(
        begin(send, node=node, lease_ms=int(settings.lease_s * 1000), ttl_s=settings.workflow_ttl_s, token=new_token())
    )
    if isinstance(claim, NotBefore):
        return Wait(claim.wait_s)
    if isinstance(claim, Verdict):
        return Nothing(claim)
    note = partial(log.info, workflow_id=claim.workflow_id, step=claim.step, attempt=claim.attempt)
    note("step_begun", fence=claim.fence)
    try:
        output = _call(claim)
        report = finish(
            claim,
            output,
            ttl_s=settings.workflow_ttl_s,
            grace_ms=int(settings.lease_s * 1000),  # a message nobody holds by then is looked for
            token=new_token(),
        )
    except OutputTooLarge as error:
        return _settle(store, claim, InvalidResponse(str(error), agent=claim.agent), note)
    except AgentError as error:
        return _settle(store, claim, error, note)
    except Exception:  # a fault of ours ends the step with an error; only a death is taken over
        log.exception("step_broke", workflow_id=claim.workflow_id, step=claim.step)
        return _settle(store, claim, InternalFault(agent=claim.agent), note)
    answer = store.run(report)
    note("step_succeeded" if answer.accepted else "step_stale", released=[s.step for s in answer.released])
    return Released(answer.released) if answer.accepted else Nothing(answer.reason)


def _call(claim: Go) -> dict[str, Any]:
    """The step's output: the agent's answer, or none needed."""
    if (settled := answered_without_call(claim.agent, claim)) is not None:
        return settled.model_dump()
    headers = CallHeaders(claim.workflow_id, claim.step, claim.round, claim.attempt)
    answer = call_agent(get_registry()[claim.agent], payload_for(claim.agent, claim), headers, claim.time_left_s)
    return own_chart_if_needed(answer, claim).model_dump()


def _settle(store: Store, claim: Go, error: AgentError, note: Callable[..., None]) -> Outcome:
    """Decide about the error and record the decision; a takeover is no try of the agent's."""
    settings = get_settings()
    policy = get_registry()[claim.agent].retry
    decision = decide(error, claim.attempt - claim.takeovers, policy, claim.time_left_s)
    if isinstance(decision, RetryIn):
        waiting: Report = store.run(
            retry_later(
                claim, decision.wait_s, error.described(), lease_ms=int(settings.lease_s * 1000), token=new_token()
            )
        )
        note("step_retrying", wait_s=round(decision.wait_s, 3), error=error.message)
        return Wait(decision.wait_s) if waiting.accepted else Nothing(waiting.reason)
    ended: Report = store.run(fail(claim, error.described(), ttl_s=settings.workflow_ttl_s, token=new_token()))
    note("step_failed", why=decision.why, error_type=error.error_type, error=error.message)
    return Nothing("failed" if ended.accepted else ended.reason)
