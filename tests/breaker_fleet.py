"""Worker processes that use one breaker at the same moment, and what they find; few in the tests, many in the proof.

Everybody waits at a barrier and is released together. Each order is answered, so nothing here waits for a time.
"""

import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from threading import Barrier
from typing import Any

from breakers import BreakerSettings, CircuitBreaker, CircuitOpenError, CircuitState, Outcome, Permit
from breakers.model import Verdict
from breakers.request import Requests
from breakers.store import Store

ANSWER_LIMIT_S = 60.0
LEASE_S = 30.0  # nobody's ends by itself, unless it is what a round is about
SHORT_LEASE_S = 0.5
RECOVERY_S = 0.02


class Worker:
    """The process's side: it does what it is told and answers."""

    def __init__(self, url: str, barrier: Barrier) -> None:
        self.store, self.barrier = Store(url), barrier
        self.held: list[tuple[CircuitBreaker, Permit]] = []

    def ask(self, name: str, settings: BreakerSettings) -> str:
        """Ask as a process that knows nothing yet, together with all others."""
        breaker = CircuitBreaker(name, settings, self.store)
        self.barrier.wait(ANSWER_LIMIT_S)
        try:
            permit = breaker.ask()
        except CircuitOpenError:
            return "refused"
        self.held.append((breaker, permit))
        return "probe" if permit.token else "call"

    def report(self, outcome: Outcome) -> None:
        """The result of the last permit."""
        breaker, permit = self.held.pop()
        breaker.report(permit, outcome)

    def late(self, outcome: Outcome) -> list[str]:
        """Results of all permits still held, also of those that this process knows to be stale."""
        verdicts = []
        for breaker, permit in self.held:
            breaker.report(permit, outcome)
            request = Requests(breaker.name, breaker.settings).report(permit, outcome)
            verdicts.append(str(self.store.run(request).verdict))
        self.held.clear()
        return verdicts

    def call_dead_agent(self, name: str, settings: BreakerSettings, call_s: float, lasts_s: float) -> list[float]:
        """Call an agent that never answers well, one call after the other; when each call reached it."""
        breaker, reached = CircuitBreaker(name, settings, self.store), list[float]()
        self.barrier.wait(ANSWER_LIMIT_S)
        ends = time.monotonic() + lasts_s
        while time.monotonic() < ends:
            try:
                with breaker.calling() as span:
                    reached.append(time.monotonic())
                    time.sleep(call_s)
                    span.failed()
            except CircuitOpenError:
                time.sleep(call_s / 10)
        return reached

    def die(self) -> None:
        """Without a word."""
        os.kill(os.getpid(), signal.SIGKILL)


def serve(url: str, barrier: Barrier, pipe: Connection) -> None:
    """Do what comes down the pipe until it is closed."""
    worker = Worker(url, barrier)
    while True:
        try:
            order, arguments = pipe.recv()
        except EOFError:
            return
        pipe.send(getattr(worker, order)(*arguments))


@dataclass
class Fleet:
    """The processes, from outside."""

    url: str
    count: int
    context: Any = field(default_factory=lambda: multiprocessing.get_context("forkserver"))
    members: list[tuple[Any, Connection]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.context.set_forkserver_preload(["tests.breaker_fleet"])
        self.barrier = self.context.Barrier(self.count)
        self.members = [self._member() for _ in range(self.count)]

    def _member(self) -> tuple[Any, Connection]:
        mine, theirs = self.context.Pipe()
        process = self.context.Process(target=serve, args=(self.url, self.barrier, theirs), daemon=True)
        process.start()
        theirs.close()
        return process, mine

    def tell(self, order: str, *arguments: Any, only: list[int] | None = None) -> list[Any]:
        """Give an order to all, or to some, and collect the answers."""
        pipes = [self.members[number][1] for number in (range(self.count) if only is None else only)]
        for pipe in pipes:
            pipe.send((order, arguments))
        return [self._answer(pipe) for pipe in pipes]

    @staticmethod
    def _answer(pipe: Connection) -> Any:
        assert pipe.poll(ANSWER_LIMIT_S), "a worker does not answer"
        return pipe.recv()

    def kill(self, number: int) -> None:
        """SIGKILL, and another one in its place."""
        process, pipe = self.members[number]
        pipe.send(("die", ()))
        process.join(ANSWER_LIMIT_S)
        assert process.exitcode == -signal.SIGKILL
        pipe.close()
        self.members[number] = self._member()

    def close(self) -> None:
        """End them all."""
        for process, pipe in self.members:
            pipe.close()
            process.join(ANSWER_LIMIT_S)


@contextmanager
def fleet(url: str, count: int) -> Iterator[Fleet]:
    """`count` processes."""
    made = Fleet(url, count)
    try:
        yield made
    finally:
        made.close()


@dataclass
class Tried:
    """What rounds have shown."""

    rounds: int = 0
    most_over_permits: int = 0  # probes beyond the permitted ones, in the worst round
    fewest_under_permits: int = 0  # probes missing though nobody held them
    stale_that_counted: int = 0
    stale: int = 0
    wrong_states: int = 0
    deaths: int = 0
    slowest_after_death_s: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)


def rush(crew: Fleet, rounds: int, seed: int, deaths_every: int = 0) -> Tried:
    """Rounds in which all ask an OPEN breaker at the moment its time has come."""
    rng, store, tried = random.Random(seed), Store(crew.url), Tried()
    try:
        for number in range(rounds):
            dies = bool(deaths_every) and number % deaths_every == 0
            _round(crew, store, f"rush:{seed}:{number}", rng, tried, dies=dies)
            tried.rounds += 1
    finally:
        store.close()
    return tried


def _round(crew: Fleet, store: Store, name: str, rng: random.Random, tried: Tried, *, dies: bool) -> None:
    permits = rng.choice((1, 1, 2, 3))
    settings = BreakerSettings(threshold=1, recovery_s=RECOVERY_S, permits=permits,
                               probe_lease_s=SHORT_LEASE_S if dies else LEASE_S)
    assert crew.tell("ask", name, settings) == ["call"] * crew.count
    requests = Requests(name, settings)
    first = store.run(requests.look()).view
    store.run(requests.report(Permit(first.generation), Outcome.FAILURE))
    _until_due(store, requests)
    answers = crew.tell("ask", name, settings)
    probers = [number for number, answer in enumerate(answers) if answer == "probe"]
    tried.most_over_permits = max(tried.most_over_permits, len(probers) - permits)
    tried.fewest_under_permits = max(tried.fewest_under_permits, permits - len(probers))
    if "call" in answers:
        tried.wrong_states += 1
    if dies:
        _die(crew, store, requests, probers.pop(), tried)
        crew.tell("late", Outcome.FAILURE)
        return
    outcome = rng.choice((Outcome.SUCCESS, Outcome.FAILURE))
    tried.outcomes[outcome] += 1
    crew.tell("report", outcome, only=probers)
    expected = CircuitState.CLOSED if outcome is Outcome.SUCCESS else CircuitState.OPEN
    before = store.run(requests.look()).view
    tried.wrong_states += before.state is not expected
    # Everybody still holds a permit of the first period: results that come two periods late.
    late = [verdict for verdicts in crew.tell("late", Outcome.FAILURE) for verdict in verdicts]
    tried.stale += late.count(Verdict.STALE)
    after = store.run(requests.look()).view
    changed = (after.generation, after.state, after.score) != (before.generation, before.state, before.score)
    tried.stale_that_counted += len(late) - late.count(Verdict.STALE) + changed


def _until_due(store: Store, requests: Requests) -> None:
    while (view := store.run(requests.look()).view).wait_us:
        time.sleep(view.wait_us / 1e6)


def _die(crew: Fleet, store: Store, requests: Requests, prober: int, tried: Tried) -> None:
    """A prober is killed; how long until somebody else may probe."""
    crew.kill(prober)
    died = time.monotonic()
    while store.run(requests.ask(f"after-{prober}")).verdict is not Verdict.PROBE:
        assert time.monotonic() - died < ANSWER_LIMIT_S, "nobody may probe any more"
        time.sleep(0.005)
    tried.deaths += 1
    tried.slowest_after_death_s = max(tried.slowest_after_death_s, time.monotonic() - died)


@dataclass
class DeadAgent:
    """Calls that reached an agent that is down."""

    first: int  # those before the breaker was open and those still on their way
    allowed: int
    probes: int
    most_probes_per_period: int
    periods: float


def dead_agent(crew: Fleet, threshold: int, *, call_s: float, recovery_s: float, periods: int) -> DeadAgent:
    """All call it, one call each at a time, for some OPEN periods."""
    name = f"dead:{random.Random().getrandbits(32):08x}"
    settings = BreakerSettings(threshold=threshold, recovery_s=recovery_s, probe_lease_s=recovery_s)
    calls = sorted(stamp for stamps in crew.tell(
        "call_dead_agent", name, settings, call_s, recovery_s * (periods + 0.5)) for stamp in stamps)
    # Who was let in before it opened has called within the first OPEN period; probes come after it.
    first = sum(stamp < calls[0] + recovery_s for stamp in calls)
    probes = calls[first:]
    closest = [sum(start <= other < start + recovery_s for other in probes) for start in probes]
    return DeadAgent(first, crew.count + threshold - 1, len(probes), max(closest, default=0),
                     (calls[-1] - calls[0]) / recovery_s)
