"""One step, told once: begin -> take the breaker's permit -> call the agent with the time left -> finish.

On an error: decide (again later, somebody else's answer, or none) -> record -> done.
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
from pipeline.composition import composed
from pipeline.decide import RetryIn, decide
from pipeline.extension import extension_for
from pipeline.inputs import answered_without_call, payload_for
from pipeline.plan import COMPOSE
from pipeline.stand_ins import last_good_key, stand_in_for
from state.errors import OutputTooLarge
from state.store import Store
from state.transition import Send, Transition, new_token
from state.transitions import Go, NotBefore, Report, Verdict, begin, fail, finish, retry_later

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
    with in_log(attempt=claim.attempt), tracing.span(f"step {claim.step}", claim.workflow_id, agent=claim.agent):
        tracing.tell(attempt=claim.attempt, round=claim.round, takeovers=claim.takeovers)
        outcome = _done(store, send, claim)
        tracing.tell(outcome=type(outcome).__name__.lower())
        return outcome


def _done(store: Store, send: Send, claim: Go) -> Outcome:
    """Do what was claimed, and record what came of it."""
    log.info("step_begun", fence=claim.fence)
    try:
        with stoppable(send.task_id):
            output = _output(claim)
        report = _finished(claim, output, last_good=last_good_key(claim.agent, claim))
    except CallStopped:
        return Nothing("stopped")
    except OutputTooLarge as error:
        failure: AgentError = InvalidResponse(str(error), agent=claim.agent)
    except AgentError as error:
        failure = error
    except Exception:  # a fault of ours ends the step with an error; only a death is taken over
        log.exception("step_broke")
        failure = InternalFault(agent=claim.agent)
    else:
        return _released(store.run(report), "step_succeeded")
    return _settle(store, claim, failure)


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


def _settle(store: Store, claim: Go, error: AgentError) -> Outcome:
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
        return _wait(store, claim, error, decision)
    stand_in = stand_in_for(store, claim, error)
    if stand_in is not None:
        try:
            report = _finished(claim, stand_in.output, degradation=stand_in.degradation)
        except (OutputTooLarge, InvalidResponse) as unfit:
            log.info("stand_in_unfit", error=str(unfit))
        else:
            return _released(store.run(report), "step_degraded", **stand_in.degradation)
    ttl_s = get_settings().workflow_ttl_s
    grace_ms = int(get_settings().lease_s * 1000)
    failed = fail(
        claim, error.described(), ttl_s=ttl_s, grace_ms=grace_ms, token=new_token(), excused=error.askers_to_correct
    )
    ended: Report = store.run(failed)
    log.info("step_failed", why=decision.why, error_type=error.error_type, error=error.message)
    if ended.released:  # the step is optional, and others go on without it
        return Released(ended.released)
    return Nothing("failed" if ended.accepted else ended.reason)


def _wait(store: Store, claim: Go, error: AgentError, decision: RetryIn) -> Outcome:
    lease_ms = int(get_settings().lease_s * 1000)
    waiting: Report = store.run(
        retry_later(
            claim, decision.wait_s, error.described(), lease_ms=lease_ms, token=new_token(), called=decision.called
        )
    )
    log.info("step_retrying", wait_s=round(decision.wait_s, 3), called=decision.called, error=error.message)
    return Wait(decision.wait_s) if waiting.accepted else Nothing(waiting.reason)


def _finished(claim: Go, output: dict[str, Any], **more: Any) -> Transition[Report]:
    settings = get_settings()
    extension = None
    if claim.agent == "nlp":
        extension = extension_for(claim, NlpResult.model_validate(output), get_registry(), settings.max_steps)
    return finish(
        claim,
        output,
        extension=extension,
        ttl_s=settings.workflow_ttl_s,
        grace_ms=int(settings.lease_s * 1000),  # a message nobody holds by then is looked for
        token=new_token(),
        **more,
    )


def _released(report: Report, said: Action, **more: Any) -> Outcome:
    log.info(said if report.accepted else "step_stale", released=[send.step for send in report.released], **more)
    return Released(report.released) if report.accepted else Nothing(report.reason)


def _tries(claim: Go) -> int:
    """Calls of the agent, this one included; a takeover is no try of the agent's."""
    return claim.attempt - claim.takeovers
