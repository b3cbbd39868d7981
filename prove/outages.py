"""Outages: agents that are away, fail at random, hang or are dead, under 50 questions a second and real workers."""

from functools import partial

from agents.registry import get_registry
from breakers.events import BreakerEvent
from prove.proof import Figure, Kind, Part, Result, Run
from state.model import Mode, StepStatus
from tests.chaos.aftermath import Aftermath
from tests.chaos.ailments import dead, hangs, poison, random_errors
from tests.chaos.asking import Asker
from tests.chaos.outage import ORDER, Size, run_outages
from tests.chaos.stage import stage_of
from tests.chaos.traces import Trace, causes, percentile, seconds, shares, step_statuses, touched

PER_S = 50.0
CALLS_PER_STEP = 1.3
BY_RETRY = 99.0  # % of the steps that an outage of 1 s touched
RETRIED = 95.0  # % of the steps whose first call met a random error
QUESTIONS, DEADLINE_S, ENDS_LATE_S, LOOK_S, SLACK_S = 200, 4.0, 0.5, 0.25, 0.25
IN_FLIGHT, THRESHOLD, VIEW_S, DEAD_CALL_S = 200, 5, 0.25, 3.0
LATE_S = 1.0  # how far behind its times the client may be: else it was no open loop


def rests(run: Run) -> dict[str, str]:
    """The defaults at full size; below it breakers rest for less."""
    recovery_s = {"NLP": 60, "DATA": 120, "VIZ": 60}
    return {} if run.scale == 1 else {f"{agent}_BREAKER_RECOVERY_S": str(max(2.0, run.scale * full))
                                      for agent, full in recovery_s.items()}


def outage(run: Run, *, lasts_s: float) -> Result:
    """Each agent is away once for so long, one after the other."""
    size = Size(lasts_s, PER_S, apart_s=4.0 if run.scale == 1 else 2.0)
    with stage_of(run.folder, rests(run)) as stage:
        after, outages = run_outages(stage, size, run.seed, run.note)
    return Result([
        _answered(after), _stood_in(after), *(_by_retry(after, agent, lasts_s) for agent in ORDER),
        *(Figure(f"calls of {one.agent} per step while it was away", one.calls_per_step(after), "", CALLS_PER_STEP)
          for one in outages), _on_time(after),
    ], {**_described(after), "outages": [f"{one.agent}: {dict(one.fault)}" for one in outages],
        "touched": {agent: dict(after.steps_touched(agent)) for agent in ORDER},
        "hit": {agent: dict(after.steps_hit(agent)) for agent in ORDER},
        "steps_that_were_hit_took_s": {agent: after.waits_s(agent) for agent in ORDER}})


def errors(run: Run, *, of_calls: dict[str, float], kind: Kind, lasts_s: float) -> Result:
    """A share of the calls is reset: how many of the steps that needed a retry succeed by it."""
    with stage_of(run.folder, rests(run)) as stage:
        after = random_errors(stage, Asker(stage, PER_S, run.seed), of_calls, max(5.0, lasts_s * run.scale), run.seed)
    figures, details = list[Figure](), dict[str, object]()
    for agent, share in of_calls.items():
        ended, attempts = step_statuses(after.traces, touched(after.calls, agent)), _attempts(agent)
        figures.append(Figure(f"{agent} at {share:.0%}: of the steps that needed a retry, succeeded",
                              100 * ended[StepStatus.SUCCEEDED] / max(1, ended.total()), "%", RETRIED, "higher", kind))
        details[agent] = {"steps": dict(ended), "attempts": attempts,
                          "expected_percent": round(100 * expected(share, attempts), 3),
                          "attempts_that_reach_95_percent": attempts_for(share)}
    return Result([*figures, _on_time(after)], {**details, **_described(after)})


def expected(share: float, attempts: int) -> float:
    """Of the steps whose first call failed, those of which one of the further `attempts - 1` does not."""
    return 1 - share ** (attempts - 1)


def attempts_for(share: float, wanted: float = RETRIED / 100) -> int:
    """The fewest attempts whose expectation is above `wanted`: at it, every second sample would miss it."""
    return next(attempts for attempts in range(2, 20) if expected(share, attempts) > wanted + 1e-9)


def poisoned(run: Run) -> Result:
    """Questions that make nlp answer 500 each time, one a second among 50."""
    with stage_of(run.folder, rests(run)) as stage:
        after, ill = poison(stage, Asker(stage, PER_S, run.seed), run.sized(30, 8))
    return Result([
        Figure("times the nlp agent's breaker opened", len(after.opened("nlp")), "", 0),
        Figure("other questions that did not succeed",
               sum(one.record.status != "SUCCEEDED" for one in after.traces), "", 0),
        Figure("poison questions that neither failed nor were degraded",
               sum(one.record.status not in {"FAILED", "DEGRADED"} for one in ill), "", 0),
        _on_time(after),
    ], {**_described(after), "poison_percent": shares(ill), "poison_calls": sum(call.hit for call in after.calls)})


def deadlines(run: Run) -> Result:
    """Questions that are stuck at an agent when their time is over."""
    wanted = run.sized(QUESTIONS, 30)
    with stage_of(run.folder, {}) as stage:
        traces = hangs(stage, wanted, DEADLINE_S)
    late_s = [((one.record.finished_ms or 0) - one.record.deadline_ms) / 1000 for one in traces]
    return Result([
        Figure("from the deadline to the end, p99", percentile(late_s, 0.99), "s", ENDS_LATE_S + LOOK_S + SLACK_S),
        Figure("from the deadline to the end, the slowest", max(late_s), "s", ENDS_LATE_S + LOOK_S, kind=Kind.TARGET),
        Figure("questions that ended", len(late_s), "", wanted, "higher"),
    ], {"p50_s": percentile(late_s, 0.5), "soonest_s": min(late_s), "failures": causes(traces),
        "statuses_percent": shares(traces)})


def dead_agent(run: Run) -> Result:
    """Two workers have 200 calls in flight when the agent begins to fail, and 50 questions a second go on."""
    recovery_s, in_flight = (10.0 if run.scale == 1 else 4.0), run.sized(IN_FLIGHT, 20)
    with stage_of(run.folder, {"NLP_BREAKER_RECOVERY_S": str(recovery_s)}, in_flight // 2) as stage:
        found = dead(stage, Asker(stage, PER_S, run.seed), in_flight=in_flight, call_s=DEAD_CALL_S,
                     lasts_s=max(15.0, 60 * run.scale))
    return Result([
        Figure("calls that reached it until the first probe", found.calls_before + found.calls_late, "",
               in_flight + THRESHOLD + round(PER_S * VIEW_S)),
        Figure("of them, in flight when it opened or before", found.calls_before, "", in_flight * 0.9, "higher"),
        Figure("calls from one probe to the next, at most", max(found.calls_of_each_period), "", 1),
        Figure("from one probe to the next, at least", min(found.periods_s), "s", recovery_s, "higher"),
        _answered(found.after), _stood_in(found.after), _on_time(found.after),
    ], {**_described(found.after), "recovery_s": recovery_s, "calls_after_it_opened": found.calls_late,
        "the_latest_of_them_s": found.latest_s, "calls_of_each_period": found.calls_of_each_period,
        "periods_s": found.periods_s})


def _answered(after: Aftermath) -> Figure:
    answered = [trace.answered for trace in after.traces if trace.asked.mode is Mode.BACKGROUND]
    return Figure("questions nobody waits for, ended SUCCEEDED or DEGRADED", 100 * sum(answered) / len(answered), "%",
                  100, "higher")


def _stood_in(after: Aftermath) -> Figure:
    failed: list[Trace] = [trace for trace in after.traces if trace.failed_though_known]
    return Figure("questions somebody waits for, FAILED though answered before", len(failed), "", 0)


def _by_retry(after: Aftermath, agent: str, lasts_s: float) -> Figure:
    ended = after.steps_touched(agent)
    return Figure(f"touched {agent} steps nobody waits for, succeeded by retry",
                  100 * ended[StepStatus.SUCCEEDED] / max(1, ended.total()), "%", BY_RETRY, "higher",
                  Kind.GATE if lasts_s == 1 and agent != "data" else Kind.TARGET)


def _on_time(after: Aftermath) -> Figure:
    return Figure("the client behind its times, at worst", after.latest_s, "s", LATE_S)


def _described(after: Aftermath) -> dict[str, object]:
    return {"questions": len(after.traces), "statuses_percent": shares(after.traces), "took": seconds(after.traces),
            "why_steps_failed": causes(after.traces), "breakers": told(after.breaker_events, after.began_ms)}


def told(events: list[BreakerEvent], began_ms: int) -> list[str]:
    """Breakers' events as lines: seconds since the load began, whose, and what."""
    return [f"{(event.at_ms - began_ms) / 1000:.1f} {event.breaker} {event.before} -> {event.after}: {event.why}"
            for event in events]


def _attempts(agent: str) -> int:
    return get_registry()[agent].retry.max_attempts


PARTS: list[Part] = [
    *(Part("outages", f"{lasts_s:g}-s", 300, partial(outage, lasts_s=lasts_s)) for lasts_s in (0.3, 1.0, 3.0, 10.0)),
    Part("outages", "random-errors", 300, partial(
        errors, of_calls={"nlp": 0.05, "data": 0.02, "viz": 0.05}, kind=Kind.GATE, lasts_s=80.0)),
    Part("outages", "random-errors-data-5", 300, partial(
        errors, of_calls={"data": 0.05}, kind=Kind.TARGET, lasts_s=40.0)),
    Part("outages", "poison", 120, poisoned),
    Part("outages", "deadline", 120, deadlines),
    Part("outages", "dead-agent", 300, dead_agent),
]
