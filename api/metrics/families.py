"""The metric families that Prometheus reads: the one list."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

from agents.registry import get_registry
from api.metrics.family import Family, Kind, Reading, Samples, Spread, Values
from api.metrics.figures import ENDS, OPERATIONS, Spent, tries_of
from breakers.model import CircuitState
from pipeline.rollout.comparison import Measure
from state.histogram import BUCKETS_A_DOUBLING, LAST_BUCKET, Histogram, upper_ms
from state.metrics import Counts
from state.model import Mode, Overflow, Path, Route, WorkflowStatus
from state.rollout import Move, Phase
from state.sides import ENDS as ENDED_BY_ITSELF


@dataclass(frozen=True, slots=True)
class _Label:
    """A label, and its values that are known before anything is counted: their counters begin at 0."""

    name: str
    known: Callable[[], Iterable[str]]


_MODE = _Label("mode", lambda: Mode)
_ROUTE = _Label("route", lambda: Route)
_ENDED = _Label("status", lambda: [status for status in WorkflowStatus if status.final])
_SPENT = _Label("limit", lambda: Spent)
_OPERATION = _Label("operation", lambda: OPERATIONS)
_AGENT = _Label("agent", get_registry)
_STEP_ENDED = _Label("status", lambda: ENDS)
_PATH = _Label("path", lambda: Path)
_ANSWERED = _Label("status", lambda: ENDED_BY_ITSELF)
_OVERFLOW = _Label("why", lambda: Overflow)
_MOVE = _Label("move", lambda: Move)
_MEASURE = _Label("measure", lambda: ("none", *Measure))
_LOOK = _Label("outcome", lambda: ("done",))
_ATTEMPT_ENDED = _Label("status", tuple)


def _counter(name: str, what: str, about: str, *labels: _Label) -> Family:
    def samples(reading: Reading) -> Samples:
        zeros: dict[Values, float] = dict.fromkeys(product(*(label.known() for label in labels)), 0.0)
        return (zeros | {values: node.total for values, node in _nodes(reading.counts.at(what), len(labels))}).items()

    return Family(name, Kind.COUNTER, tuple(label.name for label in labels), about, samples)


def _times(name: str, what: str, about: str, *labels: _Label) -> Family:
    def samples(reading: Reading) -> Samples:
        return ((values, _doublings(node.times())) for values, node in _nodes(reading.counts.at(what), len(labels)))

    return Family(name, Kind.HISTOGRAM, tuple(label.name for label in labels), about, samples)


def _nodes(node: Counts, depth: int, above: Values = ()) -> Iterator[tuple[Values, Counts]]:
    if depth == 0:
        yield above, node
        return
    for label, below in node.below.items():
        yield from _nodes(below, depth - 1, (*above, label))


def _doublings(times: Histogram) -> Spread:
    """In seconds, from 1 ms on."""
    limits = range(0, LAST_BUCKET, BUCKETS_A_DOUBLING)
    not_above = [(str(upper_ms(limit) / 1000), float(times.not_above(limit))) for limit in limits]
    return Spread([*not_above, ("+Inf", float(times.count))], times.sum_ms / 1000)


def _tries(reading: Reading) -> Samples:
    for (agent,), of_agent in _nodes(reading.counts.at("step"), 1):
        steps = tries_of(of_agent)
        upto = [(str(float(most)), float(sum(steps[tries] for tries in range(most + 1)))) for most in range(1, 10)]
        total = float(sum(tries * count for tries, count in steps.items()))
        yield (agent,), Spread([*upto, ("+Inf", float(steps.total()))], total)


def _breaker(name: str, field: str, about: str) -> Family:
    def samples(reading: Reading) -> Samples:
        return (((breaker,), raw.number(field)) for breaker, raw in reading.breakers.items())

    return Family(name, Kind.COUNTER, ("breaker",), about, samples)


def _breaker_states(reading: Reading) -> Samples:
    for breaker, raw in reading.breakers.items():
        for state in CircuitState:
            yield (breaker, state), float((raw.text("state") or CircuitState.CLOSED) == state)


def _ages(reading: Reading) -> Samples:
    for name, queue in reading.backlog.queues.items():
        if queue.oldest_ms is not None or queue.depth == 0:
            yield (name,), (queue.oldest_ms or 0) / 1000


def _gauge(name: str, about: str, value: Callable[[Reading], float]) -> Family:
    return Family(name, Kind.GAUGE, (), about, lambda reading: [((), value(reading))])


FAMILIES: Final[Sequence[Family]] = (
    _counter("baton_workflows_accepted_total", "accepted", "Workflows accepted.", _MODE),
    _counter(
        "baton_workflows_ended_total", "ended", "Ends of workflows; one that is run again ends again.", _MODE, _ENDED
    ),
    _counter("baton_workflows_routed_total", "routed", "Ends of workflows by the kind of their plan.", _ROUTE),
    _times(
        "baton_workflow_duration_seconds",
        "workflow_time",
        "From the door to the end, without pauses; not of the cancelled.",
        _MODE,
    ),
    _counter("baton_workflows_out_of_time_total", "out_of_time", "Workflows ended by a limit of time.", _SPENT),
    _counter("baton_workflow_operations_total", "control", "What operators did to workflows.", _OPERATION),
    _counter("baton_steps_ended_total", "step", "Ends of steps.", _AGENT, _STEP_ENDED),
    _times(
        "baton_step_duration_seconds", "step_time", "Steps from first sent to ended, with all waits and tries.", _AGENT
    ),
    Family(
        "baton_step_tries",
        Kind.HISTOGRAM,
        ("agent",),
        "Tries of the steps that ended, but were not cancelled, nor skipped without a try; 10 are 10 or more.",
        _tries,
    ),
    _times(
        "baton_attempt_duration_seconds",
        "attempt",
        "Attempts that were reported, from claim to record, by where they brought their step.",
        _AGENT,
        _ATTEMPT_ENDED,
    ),
    _counter("baton_step_breaker_waits_total", "breaker_wait", "Waits of steps for an open breaker.", _AGENT),
    _counter("baton_step_takeovers_total", "taken_over", "Steps taken from a worker that was dead or hung.", _AGENT),
    _counter("baton_step_resends_total", "resent", "Steps sent again because nobody had their message.", _AGENT),
    _counter("baton_steps_poisoned_total", "poisoned", "Steps given up after too many takeovers.", _AGENT),
    _counter(
        "baton_steps_brought_back_total",
        "brought_back",
        "Ends of steps that were taken over or sent again.",
        _AGENT,
        _STEP_ENDED,
    ),
    _counter("baton_path_questions_total", "path", "Questions that somebody waited for, by path.", _PATH, _ANSWERED),
    _counter(
        "baton_path_overflows_total",
        "overflow",
        "Questions that took the other path than the rollout chose, for lack of room there.",
        _OVERFLOW,
    ),
    _counter("baton_rollout_changes_total", "rollout", "Changes of Celery's share, and why.", _MOVE, _MEASURE),
    _counter("baton_rollout_looks_total", "rollout_look", "Comparisons of the paths.", _LOOK),
    _gauge("baton_rollout_share", "Percent of the sessions that go by Celery.", lambda now: now.rollout.share),
    Family(
        "baton_rollout_phase",
        Kind.GAUGE,
        ("phase",),
        "1 for the phase the rollout is in.",
        lambda reading: (((phase,), float(phase is reading.rollout.phase)) for phase in Phase),
    ),
    _breaker("baton_breaker_openings_total", "opened", "Times the breaker opened."),
    _breaker("baton_breaker_calls_total", "calls", "Calls under the breaker that have ended."),
    _breaker("baton_breaker_failures_total", "failures", "Failures among them."),
    _breaker("baton_breaker_slow_calls_total", "slow", "Slow ones among them."),
    _breaker("baton_breaker_refusals_total", "refused", "Calls it refused."),
    _breaker("baton_breaker_retries_total", "retries", "Retries its budget granted."),
    Family("baton_breaker_state", Kind.GAUGE, ("breaker", "state"), "1 for the state it is in.", _breaker_states),
    Family(
        "baton_workflows_open",
        Kind.GAUGE,
        ("status",),
        "Workflows that have not ended.",
        lambda reading: (((status,), count) for status, count in reading.backlog.open.items()),
    ),
    Family(
        "baton_queue_depth",
        Kind.GAUGE,
        ("queue",),
        "Messages in the queue.",
        lambda reading: (((name,), queue.depth) for name, queue in reading.backlog.queues.items()),
    ),
    Family(
        "baton_queue_oldest_age_seconds",
        Kind.GAUGE,
        ("queue",),
        "Age of the queue's oldest message, 0 without one; left out when it is no step's.",
        _ages,
    ),
    _gauge("baton_due", "Steps and deadlines with a time by which something must happen.", lambda now: now.backlog.due),
    _gauge("baton_overdue", "Those whose time has come.", lambda now: now.backlog.overdue),
    _gauge(
        "baton_workers", "Workers that looked for overdue steps within the last 5 s.", lambda now: now.backlog.workers
    ),
    _gauge("baton_store_writable", "Whether Valkey takes writes: 0 when it is full, say.", lambda now: now.writable),
    _gauge("baton_store_memory_bytes", "Memory that Valkey uses.", lambda now: now.memory.used_bytes),
    _gauge(
        "baton_store_memory_max_bytes", "Memory that it may use (maxmemory); 0: any.", lambda now: now.memory.max_bytes
    ),
)
