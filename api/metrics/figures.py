"""Figures made of counts: rates, averages and percentiles, by agent and in all."""

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, Field

from pipeline.control import Verb
from state.histogram import Histogram
from state.metrics import Counts
from state.model import Overflow, Route, StepStatus, WorkflowStatus

Share = Annotated[float | None, Field(ge=0, le=1)]
_WITHOUT_CANCELLED = (WorkflowStatus.SUCCEEDED, WorkflowStatus.DEGRADED, WorkflowStatus.FAILED)
# An optional step that fails is SKIPPED, as is one that was never tried because of another; those are left out.
TRIED = (StepStatus.SUCCEEDED, StepStatus.DEGRADED, StepStatus.FAILED, StepStatus.SKIPPED)
ENDS = (*TRIED, StepStatus.CANCELLED)
OPERATIONS = (*Verb, "retry")


class Spent(StrEnum):
    """What time ran out."""

    DEADLINE = "deadline"
    PAUSE = "pause"


class Times(BaseModel):
    """Times in ms: the average is exact, percentiles are within 10 % (or 1 ms) of a measured time; null of none."""

    count: int
    average: float | None
    p50: float | None
    p95: float | None
    p99: float | None


class WorkflowFigures(BaseModel):
    """Workflows; one that was run again ends again."""

    accepted: int
    ended: dict[WorkflowStatus, int]
    routes: dict[Route, int] = Field(description="The same by the kind of their plan.")
    success_rate: Share = Field(description="SUCCEEDED among all that ended but the cancelled.")
    answered_rate: Share = Field(description="SUCCEEDED and DEGRADED among the same.")
    duration_ms: Times = Field(description="From the door to the end, without pauses; not of the cancelled.")
    overflows: dict[Overflow, int] = Field(description="Took the other path than the rollout chose, for lack of room.")
    out_of_time: int = Field(description="Ended by their deadline.")
    operations: dict[str, int] = Field(description="What operators did: cancel, pause, resume, retry.")


class RetryFigures(BaseModel):
    """Tries beyond the first; a step counts when it ends, unless it is cancelled or skipped without a try."""

    retries: int = Field(description="Tries after which the step was to be tried again.")
    waits_for_breaker: int = Field(description="Waits of a step for an open breaker; no tries.")
    steps_by_tries: dict[str, int] = Field(description="How many steps had 1, 2, 3 ... tries; 10 are 10 or more.")
    success_rate: Share = Field(description="SUCCEEDED among steps of 2 tries or more.")


class RecoveryFigures(BaseModel):
    """Steps whose worker died or whose message was lost."""

    takeovers: int = Field(description="Times a step was taken from a worker that was dead or hung.")
    resends: int = Field(description="Times a step was sent again because nobody had its message.")
    poisoned: int = Field(description="Steps given up after too many takeovers.")
    brought_back: int = Field(description="Steps that were taken over or sent again, and have ended, not cancelled.")
    recovery_rate: Share = Field(description="How many of those have an answer.")


class AgentFigures(BaseModel):
    """One agent's steps."""

    steps: dict[StepStatus, int] = Field(description="Ends.")
    success_rate: Share = Field(description="SUCCEEDED among all but those cancelled, or skipped without a try.")
    fallback_share: Share = Field(description="DEGRADED among the same: something stood in for the agent.")
    attempt_ms: Times = Field(description="Attempts that brought the agent's answer: from claim to record.")
    step_ms: Times = Field(description="Steps from first sent to ended, with all waits and tries.")
    retry: RetryFigures
    recovery: RecoveryFigures


def workflow_figures(counts: Counts) -> WorkflowFigures:
    """Over all modes."""
    ended: Counter[str] = Counter()
    times = Histogram({})
    for mode, node in counts.at("ended").below.items():
        ended.update({status: of_status.total for status, of_status in node.below.items()})
        times += counts.times("workflow_time", mode)
    succeeded, degraded, failed = (ended[status] for status in _WITHOUT_CANCELLED)
    return WorkflowFigures(
        accepted=counts.at("accepted").total,
        ended={status: ended[status] for status in WorkflowStatus if status.final},
        routes={route: counts.at("routed", route).total for route in Route},
        success_rate=share(succeeded, succeeded + degraded + failed),
        answered_rate=share(succeeded + degraded, succeeded + degraded + failed),
        duration_ms=times_of(times),
        overflows={why: counts.at("overflow", why).total for why in Overflow},
        out_of_time=counts.at("out_of_time", Spent.DEADLINE).total,
        operations={verb: counts.at("control", verb).total for verb in OPERATIONS},
    )


def agent_figures(counts: Counts, agent: str) -> AgentFigures:
    """Of one agent."""
    steps = {status: counts.at("step", agent, status).total for status in ENDS}
    tried = sum(tries_of(counts.at("step", agent)).values())
    return AgentFigures(
        steps=steps,
        success_rate=share(steps[StepStatus.SUCCEEDED], tried),
        fallback_share=share(steps[StepStatus.DEGRADED], tried),
        attempt_ms=times_of(counts.times("attempt", agent, StepStatus.SUCCEEDED)),
        step_ms=times_of(counts.times("step_time", agent)),
        retry=retry_figures(counts, [agent]),
        recovery=recovery_figures(counts, [agent]),
    )


def retry_figures(counts: Counts, agents: Iterable[str]) -> RetryFigures:
    """Of these agents together."""
    agents = list(agents)
    everything, succeeded = Counter[int](), Counter[int]()
    for agent in agents:
        everything += tries_of(counts.at("step", agent))
        succeeded += tries_of(counts.at("step", agent), [StepStatus.SUCCEEDED])
    return RetryFigures(
        retries=_total(counts, "attempt", agents, StepStatus.RETRYING),
        waits_for_breaker=_total(counts, "breaker_wait", agents),
        steps_by_tries={str(tries): everything[tries] for tries in sorted(everything)},
        success_rate=share(_repeated(succeeded), _repeated(everything)),
    )


def recovery_figures(counts: Counts, agents: Iterable[str]) -> RecoveryFigures:
    """Of these agents together."""
    agents = list(agents)
    ends = {status: _total(counts, "brought_back", agents, status) for status in TRIED}
    answered = ends[StepStatus.SUCCEEDED] + ends[StepStatus.DEGRADED]
    return RecoveryFigures(
        takeovers=_total(counts, "taken_over", agents),
        resends=_total(counts, "resent", agents),
        poisoned=_total(counts, "poisoned", agents),
        brought_back=sum(ends.values()),
        recovery_rate=share(answered, sum(ends.values())),
    )


def tries_of(of_agent: Counts, statuses: Iterable[StepStatus] = TRIED) -> Counter[int]:
    """How many of an agent's steps that ended so had how many tries."""
    found: Counter[int] = Counter()
    for status in statuses:
        for tries, node in of_agent.at(status).below.items():
            if status is not StepStatus.SKIPPED or int(tries):
                found[int(tries)] += node.total
    return found


def times_of(histogram: Histogram) -> Times:
    """Average and percentiles."""
    p50, p95, p99 = (histogram.quantile_ms(at) for at in (0.5, 0.95, 0.99))
    return Times(count=histogram.count, average=histogram.mean_ms, p50=p50, p95=p95, p99=p99)


def share(part: int, whole: int) -> float | None:
    """`part` of `whole`, None of nothing."""
    return part / whole if whole else None


def _total(counts: Counts, what: str, agents: Iterable[str], *labels: str) -> int:
    return sum(counts.at(what, agent, *labels).total for agent in agents)


def _repeated(by_tries: Mapping[int, int]) -> int:
    return sum(steps for tries, steps in by_tries.items() if tries > 1)
