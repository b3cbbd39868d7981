"""Outages: agents that are away, fail at random, hang or are dead, under 50 questions a second and real workers."""

from functools import partial

from agents.registry import get_registry
from breakers.events import BreakerEvent
from prove.proof import Figure, Kind, Part, Result, Run
from state.model import Mode, StepStatus
from tests.chaos.ailments import dead, hangs, poison, random_errors
from tests.chaos.outage import ORDER, Aftermath, Outage, Size, run_outages
from tests.chaos.traces import Trace, causes, percentile, seconds, shares, step_statuses, touched

PER_S = 50.0
CALLS_PER_STEP = 1.3
BY_RETRY = 99.0  # % of the steps that an outage of 1 s touched
RETRIED = 95.0  # % of the steps whose first call met a random error
QUESTIONS, DEADLINE_S, ENDS_LATE_S, LOOK_S, SLACK_S = 200, 4.0, 0.5, 0.25, 0.25
IN_FLIGHT, THRESHOLD, VIEW_S = 200, 5, 0.25
LATE_S = 1.0  # how far behind its times the client may be: else it was no open loop


def short_waits(run: Run) -> dict[str, str]:
    """The defaults at full size; below it breakers rest for less."""
    recovery_s = {"NLP": 60, "DATA": 120, "VIZ": 60}
    return {} if run.scale == 1 else {f"{agent}_BREAKER_RECOVERY_S": str(max(2.0, run.scale * full))
                                      for agent, full in recovery_s.items()}


def outage(run: Run, *, lasts_s: float) -> Result:
    """Each agent is away once for so long, one after the other."""
    size = Size(lasts_s, per_s=max(10.0, PER_S * min(1.0, 2 * run.scale)), apart_s=4.0 if run.scale == 1 else 2.0)
    after = run_outages(run.folder, short_waits(run), size, run.seed, run.note)
    run.note(f"why steps failed: {causes(after.traces)}")
    return Result([_answered(after.traces), _stood_in(after.traces), *_by_retry(after, gate=lasts_s == 1.0),
                   *(_calls_per_step(after, one) for one in after.outages),
                   Figure("the client behind its times, at worst", after.latest_s, "s", LATE_S)],
                  {"per_s": size.per_s, "statuses_percent": shares(after.traces), "durations": seconds(after.traces),
                   "outages": [f"{one.agent}: {dict(one.fault)}" for one in after.outages],
                   "steps_touched": {agent: dict(after.steps_touched(agent)) for agent in ORDER},
                   "steps_hit": {agent: dict(after.steps_hit(agent)) for agent in ORDER},
                   "hit_steps_took_s": {agent: after.waits_s(agent) for agent in ORDER},
                   "breakers": told(after.breaker_events, after.began_ms), "failures": causes(after.traces)})


def _answered(traces: list[Trace]) -> Figure:
    answered = [trace.answered for trace in traces if trace.asked.mode is Mode.BACKGROUND]
    return Figure("questions nobody waits for, ended SUCCEEDED or DEGRADED", 100 * sum(answered) / len(answered), "%",
                  100, "higher")


def _stood_in(traces: list[Trace]) -> Figure:
    return Figure("questions somebody waits for, FAILED though answered before",
                  len([trace for trace in traces if trace.failed_though_known]), "", 0)


def _by_retry(after: Aftermath, *, gate: bool) -> list[Figure]:
    def share(agent: str) -> float:
        ended = after.steps_touched(agent)
        return 100 * ended[StepStatus.SUCCEEDED] / max(1, ended.total())

    return [Figure(f"touched {agent} steps nobody waits for, succeeded by retry", share(agent), "%", BY_RETRY, "higher",
                   Kind.GATE if gate and agent != "data" else Kind.TARGET) for agent in ORDER]


def _calls_per_step(after: Aftermath, outage: Outage) -> Figure:
    return Figure(f"calls of {outage.agent} per step while it was away", after.calls_per_step(outage), "",
                  CALLS_PER_STEP)


def told(events: list[BreakerEvent], began_ms: int) -> list[str]:
    """Breakers' events as lines: seconds since the load began, whose, and what."""
    return [f"{(event.at_ms - began_ms) / 1000:.1f} {event.breaker} {event.before} -> {event.after}: {event.why}"
            for event in events]


def errors(run: Run, *, shares_: dict[str, float], reported: frozenset[str], lasts_s: float) -> Result:
    """A share of the calls is reset: how many of the steps that needed a retry succeed by it."""
    seen = random_errors(run.folder, short_waits(run), shares_, per_s=PER_S, lasts_s=max(5.0, lasts_s * run.scale),
                         seed=run.seed)
    figures, details = list[Figure](), dict[str, object]()
    for agent, share in shares_.items():
        ended = step_statuses(seen.traces, touched(seen.calls, agent))
        attempts = get_registry()[agent].retry.max_attempts
        figures.append(Figure(f"{agent} at {share:.0%}: of the steps that needed a retry, succeeded",
                              100 * ended[StepStatus.SUCCEEDED] / max(1, ended.total()), "%", RETRIED, "higher",
                              Kind.TARGET if agent in reported else Kind.GATE))
        details[agent] = {"steps": dict(ended), "attempts": attempts, "opened": len(seen.opened(agent)),
                          "expected_percent": round(100 * expected(share, attempts), 3),
                          "attempts_that_reach_95_percent": attempts_for(share)}
    return Result(figures, {**details, "statuses_percent": shares(seen.traces), "questions": len(seen.traces),
                            "breakers": told(seen.breaker_events, seen.began_ms)})


def expected(share: float, attempts: int) -> float:
    """Of the steps whose first call failed, those of which one of the further `attempts - 1` does not."""
    return 1 - share ** (attempts - 1)


def attempts_for(share: float, wanted: float = RETRIED / 100) -> int:
    """The fewest attempts whose expectation is above `wanted`: at it, every second sample would miss it."""
    return next(attempts for attempts in range(2, 20) if expected(share, attempts) > wanted + 1e-9)


def poisoned(run: Run) -> Result:
    """Questions that make nlp answer 500 each time, one a second among 50."""
    seen, ill = poison(run.folder, short_waits(run), per_s=PER_S, times=run.sized(30, 8), seed=run.seed)
    return Result([
        Figure("times the nlp agent's breaker opened", len(seen.opened("nlp")), "", 0),
        Figure("other questions that did not succeed", sum(one.record.status != "SUCCEEDED" for one in seen.traces),
               "", 0),
        Figure("poison questions that neither failed nor were degraded",
               sum(one.record.status not in {"FAILED", "DEGRADED"} for one in ill), "", 0),
    ], {"others": len(seen.traces), "poison_percent": shares(ill), "poison_calls": sum(call.hit for call in seen.calls),
        "breakers": told(seen.breaker_events, seen.began_ms)})


def deadlines(run: Run) -> Result:
    """Questions that are stuck at an agent when their time is over."""
    traces = hangs(run.folder, {}, questions=run.sized(QUESTIONS, 30), deadline_s=DEADLINE_S)
    late_s = [((one.record.finished_ms or 0) - one.record.deadline_ms) / 1000 for one in traces]
    bound_s = ENDS_LATE_S + LOOK_S
    return Result([
        Figure("from the deadline to the end, p99", percentile(late_s, 0.99), "s", bound_s + SLACK_S),
        Figure("from the deadline to the end, the slowest", max(late_s), "s", bound_s, kind=Kind.TARGET),
        Figure("questions that ended", len(late_s), "", run.sized(QUESTIONS, 30), "higher"),
    ], {"p50_s": percentile(late_s, 0.5), "soonest_s": min(late_s), "failures": causes(traces),
        "statuses_percent": shares(traces)})


def dead_agent(run: Run) -> Result:
    """Two workers have 200 calls in flight when the agent begins to fail, and 50 questions a second go on."""
    recovery_s = 10.0 if run.scale == 1 else 4.0
    found = dead(run.folder, {"NLP_BREAKER_RECOVERY_S": str(recovery_s)}, in_flight=run.sized(IN_FLIGHT, 20),
                 per_s=PER_S, lasts_s=max(15.0, 60 * run.scale), seed=run.seed, note=run.note)
    allowed = run.sized(IN_FLIGHT, 20) + THRESHOLD + round(PER_S * VIEW_S)
    return Result([
        Figure("calls that reached it until the first probe", found.before + found.after, "", allowed),
        Figure("calls in one period between probes, at most", max(found.calls_of_a_period), "", 1),
        Figure("from one probe to the next, at least", min(found.periods_s), "s", recovery_s, "higher"),
        _answered(found.seen.traces),
        _stood_in(found.seen.traces),
        Figure("the client behind its times, at worst", found.seen.latest_s, "s", LATE_S),
    ], {"recovery_s": recovery_s, "calls_before_it_opened": found.before, "calls_after": found.after,
        "latest_of_them_s": found.latest_after_s, "calls_of_each_period": found.calls_of_a_period,
        "periods_s": found.periods_s, "statuses_percent": shares(found.seen.traces),
        "failures": causes(found.seen.traces), "breakers": told(found.seen.breaker_events, found.seen.began_ms)})


PARTS: list[Part] = [
    *(Part("outages", f"{lasts_s:g}-s", 300, partial(outage, lasts_s=lasts_s)) for lasts_s in (0.3, 1.0, 3.0, 10.0)),
    Part("outages", "random-errors", 300, partial(
        errors, shares_={"nlp": 0.05, "data": 0.02, "viz": 0.05}, reported=frozenset(), lasts_s=80.0)),
    Part("outages", "random-errors-data-5", 300, partial(
        errors, shares_={"data": 0.05}, reported=frozenset({"data"}), lasts_s=40.0)),
    Part("outages", "poison", 120, poisoned),
    Part("outages", "deadline", 120, deadlines),
    Part("outages", "dead-agent", 300, dead_agent),
]
