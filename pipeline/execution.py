"""One step, told once: begin -> take the breaker's permit -> call the agent with the time left -> finish.

On an error: decide (again later, somebody else's answer, or none) -> record -> done. Celery's workers and the direct
path do the same; where a step stands is the ledger's business.
"""

from dataclasses import dataclass
from typing import Any

from agents.client import CallHeaders
from agents.contract import NlpResult
from agents.errors import AgentError, InternalFault, InvalidResponse
from agents.registry import get_registry, retry_policy
from breakers.registry import get_breakers
from core import tracing
from core.actions import Action
from core.logging import get_logger, in_log
from core.settings import get_settings
from core.stoppable import CallStopped, stoppable
from pipeline.calling import call_under_breaker
from pipeline.charts import own_chart_if_needed
from pipeline.composing.composition import composed
from pipeline.decide import RetryIn, decide
from pipeline.extension import extension_for
from pipeline.inputs import answered_without_call, payload_for
from pipeline.ledger import Ledger
from pipeline.plan import COMPOSE
from pipeline.stand_ins import last_good_key, stand_in_for
from state.errors import OutputTooLarge
from state.transition import Send
from state.transitions import Extension, Go, NotBefore, Report, Verdict

log = get_logger(__name__)
STAND_IN_S = 0.5  # of the time left that no call may use: enough for somebody else's answer before the deadline


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


def run_step(ledger: Ledger, send: Send) -> Outcome:
    """Do what the message `send` hints at, if it is still to be done. Raises only `StoreUnavailable`."""
    claim = ledger.begin(send)
    if isinstance(claim, NotBefore):
        return Wait(claim.wait_s)
    if isinstance(claim, Verdict):
        return Nothing(claim)
    with in_log(attempt=claim.attempt), tracing.span(f"step {claim.step}", claim.workflow_id, agent=claim.agent):
        tracing.tell(attempt=claim.attempt, round=claim.round, takeovers=claim.takeovers)
        outcome = _done(ledger, send, claim)
        tracing.tell(outcome=type(outcome).__name__.lower())
        return outcome


def _done(ledger: Ledger, send: Send, claim: Go) -> Outcome:
    """Do what was claimed, and record what came of it."""
    log.info("step_begun", fence=claim.fence)
    try:
        with stoppable(send.task_id):
            output = _output(claim)
        extension, last_good = _extension(claim, output), last_good_key(claim.agent, claim)
    except CallStopped:
        return Nothing("stopped")
    except AgentError as error:
        return _settle(ledger, claim, error)
    except Exception:  # a fault of ours ends the step with an error; only a death is taken over
        log.exception("step_broke")
        return _settle(ledger, claim, InternalFault(agent=claim.agent))
    try:
        report = ledger.finish(claim, output, extension=extension, last_good=last_good)
    except OutputTooLarge as error:
        return _settle(ledger, claim, InvalidResponse(str(error), agent=claim.agent))
    return _released(report, "step_succeeded")


def _output(claim: Go) -> dict[str, Any]:
    """The step's output: the agent's answer, unless none is needed."""
    if claim.agent == COMPOSE:
        return composed(claim)
    if (settled := answered_without_call(claim.agent, claim)) is not None:
        return settled.model_dump()
    answer = call_under_breaker(
        get_registry()[claim.agent],
        payload_for(claim.agent, claim),
        CallHeaders(claim.workflow_id, claim.step, claim.round, claim.attempt),
        max(claim.time_left_s - STAND_IN_S, claim.time_left_s / 2),
        breaker=get_breakers()[claim.agent],
        tries=_tries(claim),
    )
    return own_chart_if_needed(answer, claim).model_dump()


def _settle(ledger: Ledger, claim: Go, error: AgentError) -> Outcome:
    """Decide about the error and record the decision: again later, somebody else's answer, or none."""
    decision = decide(
        error,
        _tries(claim),
        retry_policy(claim.agent),
        claim.time_left_s,
        mode=claim.mode,
        spread_s=get_settings().breaker_spread_s,
        take_retry=get_breakers()[claim.agent].take_retry,
    )
    if isinstance(decision, RetryIn):
        return _wait(ledger, claim, error, decision)
    stand_in = stand_in_for(ledger, claim, error)
    if stand_in is not None:
        try:
            extension = _extension(claim, stand_in.output)
            report = ledger.finish(claim, stand_in.output, degradation=stand_in.degradation, extension=extension)
        except (OutputTooLarge, InvalidResponse) as unfit:
            log.info("stand_in_unfit", error=str(unfit))
        else:
            return _released(report, "step_degraded", **stand_in.degradation)
    ended = ledger.fail(claim, error.described(), excused=error.askers_to_correct)
    log.info("step_failed", why=decision.why, error_type=error.error_type, error=error.message)
    if ended.released:  # the step is optional, and others go on without it
        return Released(ended.released)
    return Nothing("failed" if ended.accepted else ended.reason)


def _wait(ledger: Ledger, claim: Go, error: AgentError, decision: RetryIn) -> Outcome:
    waiting = ledger.retry_later(claim, decision.wait_s, error.described(), called=decision.called)
    log.info("step_retrying", wait_s=round(decision.wait_s, 3), called=decision.called, error=error.message)
    return Wait(decision.wait_s) if waiting.accepted else Nothing(waiting.reason)


def _extension(claim: Go, output: dict[str, Any]) -> Extension | None:
    """What the output adds to the plan; raises `InvalidResponse`."""
    if claim.agent != "nlp":
        return None
    return extension_for(claim, NlpResult.model_validate(output), get_registry(), get_settings().max_steps)


def _released(report: Report, said: Action, **more: Any) -> Outcome:
    log.info(said if report.accepted else "step_stale", released=[send.step for send in report.released], **more)
    return Released(report.released) if report.accepted else Nothing(report.reason)


def _tries(claim: Go) -> int:
    """Calls of the agent, this one included; a takeover is no try of the agent's."""
    return claim.attempt - claim.takeovers
