"""Breakers under many processes on a real server: probes, late results, killed probers, dead agents, cost."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from bench import breakers as bench
from prove.proof import Figure, Kind, Part, Result, Run
from tests.breaker_fleet import SHORT_LEASE_S, DeadAgent, Fleet, dead_agent, fleet, rush
from tests.processes import LocalValkey

PROCESSES, ROUNDS, DEATHS = 50, 1_000, 50
RECOVERY_S, PERIODS, CALL_S = 2.0, 5, 0.5
POLL_S = 0.05  # how late the next probe may be seen


@contextmanager
def crew_of(run: Run, least: int = 4) -> Iterator[Fleet]:
    """A server and the processes."""
    server = LocalValkey(run.folder)
    try:
        server.ready()
        with fleet(server.url, run.sized(PROCESSES, least)) as crew:
            yield crew
    finally:
        server.teardown()


def probes(run: Run) -> Result:
    """All ask at the moment an OPEN breaker's time has come; then all tell results that are two periods late."""
    rounds = run.sized(ROUNDS, 10)
    with crew_of(run) as crew:
        tried = rush(crew, rounds, run.seed)
    return Result([
        Figure("probes beyond the permitted ones, in the worst round", tried.most_over_permits, "", 0),
        Figure("permitted probes that nobody got, in the worst round", tried.fewest_under_permits, "", 0),
        Figure("late results that changed something", tried.stale_that_counted, "", 0),
        Figure("late results told", tried.stale, "", rounds * crew.count, "higher"),
        Figure("rounds that ended in a wrong state", tried.wrong_states, "", 0),
        Figure("rounds", tried.rounds, "", rounds, "higher"),
    ], {"processes": crew.count, "outcomes": dict(tried.outcomes)})


def deaths(run: Run) -> Result:
    """The prober is killed with -9 while all others ask."""
    wanted = run.sized(DEATHS, 3)
    with crew_of(run) as crew:
        tried = rush(crew, wanted, run.seed, deaths_every=1)
    return Result([
        Figure("from kill -9 to the next probe, the slowest", tried.slowest_after_death_s, "s", SHORT_LEASE_S + POLL_S),
        Figure("probes beyond the permitted ones", tried.most_over_permits, "", 0),
        Figure("probers killed", tried.deaths, "", wanted, "higher"),
    ], {"processes": crew.count, "lease_s": SHORT_LEASE_S})


def dead(run: Run, *, threshold: int) -> Result:
    """An agent that is down, and processes that call it one call at a time."""
    with crew_of(run) as crew:
        seen: DeadAgent = dead_agent(crew, threshold, call_s=CALL_S, recovery_s=RECOVERY_S, periods=PERIODS)
    return Result([
        Figure("calls before it was open or on their way then", seen.first, "", seen.allowed),
        Figure("probes in one recovery time, at most", seen.most_probes_per_period, "", 1),
        Figure("probes", seen.probes, "", PERIODS - 1, "higher", Kind.TARGET),
    ], {"processes": crew.count, "threshold": threshold, "periods": round(seen.periods, 1)})


def cost(run: Run) -> Result:
    """What a call costs, beside other breakers; the benchmark's page has them side by side."""
    measured = bench.measure(run.folder, run.sized(bench.ROUNDS), run.note)
    return Result([Figure(gate.what, gate.measured, "", gate.bound) for gate in measured.gates],
                  {"rounds": measured.rounds, "p50_us": {
                      f"{one.contender}, {one.situation}, {one.processes} at once": float(f"{one.p50_us:.3g}")
                      for one in measured.costs.values()}})


PARTS = [
    Part("breakers", "probes", 900, probes),
    Part("breakers", "killed-probers", 300, deaths),
    Part("breakers", "dead-agent-nlp", 120, partial(dead, threshold=5)),
    Part("breakers", "dead-agent-data", 120, partial(dead, threshold=3)),
    Part("breakers", "cost", 600, cost),
]
