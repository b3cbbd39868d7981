"""The ledger in memory and the one in Valkey are told the same; they must answer the same, whatever the plan."""

import secrets
import time
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.valkey import sync_client
from pipeline.direct.memory_ledger import MemoryLedger
from pipeline.ledger import Ledger, StoreLedger
from pipeline.question import accept
from state.errors import OutputTooLarge
from state.model import Mode, NewStep, NewWorkflow, Path, Route, StepStatus, WorkflowStatus
from state.store import Store
from state.transition import Send, new_token
from state.transitions import Extension, Go, NotBefore, Verdict
from tests.here import settings_here

ERROR = {"error_type": "agent_error", "message": "the agent fell over", "recovery_action": "retry", "suggestions": []}
STAND_IN = {"source": "rules", "reason": "it is away"}
NAMES = tuple("abcdef")


@pytest.fixture(scope="module")
def store(valkey):
    with settings_here(valkey.url):
        client = sync_client(valkey.url)
        yield Store(client)
        client.close()


def a_step(name: str, after: Sequence[str] = (), needs: Sequence[str] = (), *, optional: bool = False) -> NewStep:
    wants = tuple(before for before in after if before not in needs)
    return NewStep(name, "nlp", "agents.nlp", 3600, tuple(after), tuple(needs), wants, optional=optional)


@st.composite
def plans(draw, names=NAMES, before=()):
    """Plans as they are accepted: a required step needs no optional one (`pipeline.asked.plan`)."""
    steps: list[NewStep] = []
    for name in names[:draw(st.integers(1, len(names)))]:
        known = [*before, *(step.name for step in steps)]
        after = draw(st.lists(st.sampled_from(known), unique=True, max_size=3)) if known else []
        after = after or list(before)
        optional = draw(st.booleans())
        may_miss = {step.name for step in steps if step.optional}
        needs = [one for one in after if draw(st.booleans()) and (optional or one not in may_miss)]
        steps.append(a_step(name, after, needs, optional=optional))
    return tuple(steps)


TOLD = st.tuples(st.integers(0, 7), st.sampled_from(["good", "stand_in", "fail", "again", "not_called", "stale"]))


class Both:
    """One workflow in both ledgers; each verb goes to both, and their answers are compared."""

    def __init__(self, store: Store, steps: Sequence[NewStep]) -> None:
        workflow = NewWorkflow(secrets.token_hex(16), {"query": "q", "query_id": "q"}, Mode.INTERACTIVE, 600.0,
                               tuple(steps), route_why="why", path=Path.DIRECT)
        self.workflow_id, self._store = workflow.workflow_id, store
        self._memory = MemoryLedger(workflow)
        self._ledgers: tuple[Ledger, Ledger] = (self._memory, StoreLedger(store, "api-1", Path.DIRECT))
        first = store.run(accept(workflow, new_token())).sends
        assert self._memory.start() == first
        self.open = list(first)
        self.same()

    def tell(self, send: Send, what: str, extension: Extension | None = None) -> None:
        here, there = (ledger.begin(send) for ledger in self._ledgers)
        if not (isinstance(here, Go) and isinstance(there, Go)):
            assert here == there
            return
        assert (here.attempt, here.fence, here.inputs, here.spec, here.mode, here.takeovers, here.round) == (
            there.attempt, there.fence, there.inputs, there.spec, there.mode, there.takeovers, there.round)
        assert [ledger.begin(send) for ledger in self._ledgers] == [Verdict.OWNED, Verdict.OWNED]
        reports = [self._report(ledger, go, what, extension)
                   for ledger, go in zip(self._ledgers, (here, there), strict=True)]
        assert reports[0] == reports[1]
        self.open += reports[0].released
        if what not in ("again", "not_called"):
            self.open.remove(send)
        self.same()

    @staticmethod
    def _report(ledger: Ledger, go: Go, what: str, extension: Extension | None):
        if what in {"again", "not_called"}:
            return ledger.retry_later(go, 0.0, ERROR, called=what == "again")
        if what == "fail":
            return ledger.fail(go, ERROR)
        done = ledger.finish(go, {"of": go.step, "text": "x" * 9000}, extension=extension,
                             degradation=STAND_IN if what == "stand_in" else None)
        if what == "stale":
            assert not ledger.finish(go, {"of": "nobody"}).accepted
            assert not ledger.fail(go, ERROR).accepted
            assert not ledger.retry_later(go, 0.0, ERROR, called=True).accepted
        return done

    def same(self) -> None:
        here, there = self._memory.record(), self._store.record(self.workflow_id)
        assert there is not None
        assert (here.status, here.message, here.route, here.route_why, here.path, list(here.steps)) == (
            there.status, there.message, there.route, there.route_why, there.path, list(there.steps))
        for name, step in here.steps.items():
            other = there.steps[name]
            for field in ("agent", "queue", "status", "after", "attempt", "send", "error", "degradation", "optional",
                          "spec"):
                assert getattr(step, field) == getattr(other, field), (name, field)
            for field in ("queued_ms", "started_ms", "first_started_ms", "finished_ms"):
                assert (getattr(step, field) is None) == (getattr(other, field) is None), (name, field)
        self.status = here.status


def play(both: Both, told, extension: Extension | None = None) -> None:
    """Tell it all, then let what is open end well."""
    for number, (which, what) in enumerate(told):
        if both.open:
            both.tell(both.open[which % len(both.open)], what, extension if number == 0 else None)
    for _ in range(20):
        if both.open:
            both.tell(both.open[0], "good")
    assert both.open == []
    assert both.status.final


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plan=plans(), told=st.lists(TOLD, max_size=12))
def test_any_plan_with_any_outcomes(store, plan, told):
    play(Both(store, plan), told)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(more=plans(before=("nlp",)), told=st.lists(TOLD, max_size=10), first=st.sampled_from(["good", "stand_in"]))
def test_any_plan_that_grows(store, more, told, first):
    both = Both(store, [a_step("nlp"), a_step("a", ["nlp"], ["nlp"])])
    play(both, [(0, first), *told], Extension(more, Route.COMPLEX, "three queries"))


def test_what_the_plans_reach(store):
    """The interesting ends, by hand: the drawn ones are not to be trusted to find them."""
    optional = [a_step("a"), a_step("b", ["a"], ["a"], optional=True), a_step("c", ["b"], ["b"], optional=True),
                a_step("d", ["a", "b", "c"], ["a"])]
    both = Both(store, optional)
    both.tell(both.open[0], "good")
    both.tell(both.open[0], "fail")  # c needs it and is skipped, d goes on
    assert [send.step for send in both.open] == ["d"]
    both.tell(both.open[0], "good")
    assert both.status is WorkflowStatus.DEGRADED
    failing = Both(store, [a_step("a"), a_step("b", ["a"], ["a"]), a_step("c", ["b"])])
    failing.tell(failing.open[0], "fail")
    assert failing.status is WorkflowStatus.FAILED


def memory(*steps: NewStep) -> tuple[MemoryLedger, Send]:
    ledger = MemoryLedger(NewWorkflow(secrets.token_hex(16), {"query": "q"}, Mode.INTERACTIVE, 600.0, steps))
    return ledger, ledger.start()[0]


def go_of(ledger: MemoryLedger, send: Send) -> Go:
    claim = ledger.begin(send)
    assert isinstance(claim, Go)
    return claim


def test_a_retry_in_memory_waits_for_its_time():
    ledger, send = memory(a_step("a"))
    ledger.retry_later(go_of(ledger, send), 0.2, ERROR, called=True)
    waits = ledger.begin(send)
    assert isinstance(waits, NotBefore)
    assert 0 < waits.wait_s <= 0.2
    time.sleep(waits.wait_s)  # the wait itself is what is tested
    assert go_of(ledger, send).attempt == 2


def test_memory_takes_no_larger_output_than_the_record(store, valkey):
    ledger, send = memory(a_step("a"))
    with settings_here(valkey.url, OUTPUT_LIMIT_BYTES="1000"):
        go = go_of(ledger, send)
        with pytest.raises(OutputTooLarge):
            ledger.finish(go, {"text": "x" * 1000})
    assert ledger.record().steps["a"].status is StepStatus.RUNNING
