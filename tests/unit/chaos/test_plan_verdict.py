"""The verdict over a plan's run: what it must find in histories that are made up."""

from dataclasses import replace

import pytest

from pipeline.asked.step import AskedStep
from state.events import Event, EventKind
from state.model import Mode, NewWorkflow, Route, StepRecord, StepStatus, WorkflowRecord, WorkflowStatus
from tests.chaos.dags import Dag, Fails
from tests.chaos.plans import Sent, faults_of

ID = "0123456789abcdef" * 2


def step(name, *after, fails=Fails.NEVER, **more):
    told = {"delay_s": 0.1, "fails": fails, "reads": [{"$from": one} for one in more.pop("needs", ())]}
    return AskedStep(name=name, agent="north", after=list(after), input=told, **more)


DIAMOND = Dag((step("a"), step("b", "a"), step("c", "a"), step("d", "b", "c")))


def run_of(dag, told):
    """A run whose events are `told`: (kind, step), one a millisecond; each call comes with its begin."""
    fates = dag.fates
    events = [Event(f"{at}-0", kind, name, "", at, {}) for at, (kind, name) in enumerate(told, 1)]
    before = {one.name: {*one.after, *(read["$from"] for read in one.input["reads"])} for one in dag.asked}
    calls = [{"x-step": event.step, "at_ms": event.at_ms + 0.5,
              "inputs": sorted(name for name in before[event.step] if fates[name].done)}
             for event in events if event.kind is EventKind.BEGUN]
    steps = {name: StepRecord(name, "north", "agents.north", fate, (), 1, 0, 0, 1, "", 0, 1, 1, 2, None, None)
             for name, fate in fates.items()}
    workflow = NewWorkflow(ID, {}, Mode.BACKGROUND, 60.0, (), "", Route.PLAN, "")
    record = WorkflowRecord(ID, dag.fate, Mode.BACKGROUND, 0, 0, 9, 9, "", steps)
    return Sent(dag, workflow), record, events, calls


def good(*names):
    return [pair for name in names for pair in ((EventKind.BEGUN, name), (EventKind.SUCCEEDED, name))]


def test_a_run_as_it_should_be_has_no_faults():
    assert faults_of(*run_of(DIAMOND, good("a", "b", "c", "d"))) == []
    assert faults_of(*run_of(DIAMOND, good("a", "c", "b", "d"))) == []


BEGUN, SUCCEEDED = EventKind.BEGUN, EventKind.SUCCEEDED


@pytest.mark.parametrize(("told", "said"), [
    ([*good("a", "b"), (BEGUN, "d"), *good("c"), (SUCCEEDED, "d")], "d began before c had ended"),
    ([*good("a", "b", "c", "d"), (SUCCEEDED, "d")], "d was recorded 2 times"),
    (good("a", "b", "c"), "d was never called"),
    ([*good("a", "b", "c"), (BEGUN, "d")], "d was recorded 0 times"),
])
def test_a_history_that_breaks_a_rule(told, said):
    assert any(said in fault for fault in faults_of(*run_of(DIAMOND, told)))


def test_an_ending_that_should_not_be():
    sent, record, events, calls = run_of(DIAMOND, good("a", "b", "c", "d"))
    assert any("the workflow ended FAILED, not SUCCEEDED" in fault
               for fault in faults_of(sent, replace(record, status=WorkflowStatus.FAILED), events, calls))
    wrong = {**record.steps, "d": replace(record.steps["d"], status=StepStatus.SKIPPED)}
    assert any("d ended SKIPPED, not SUCCEEDED" in fault
               for fault in faults_of(sent, replace(record, steps=wrong), events, calls))


def test_what_the_agent_saw():
    sent, record, events, calls = run_of(DIAMOND, good("a", "b", "c", "d"))
    early = [*calls[:-1], {**calls[-1], "at_ms": 0.5}]
    assert any("d was called before b had ended" in fault for fault in faults_of(sent, record, events, early))
    poor = [*calls[:-1], {**calls[-1], "inputs": ["b"]}]
    assert any("d was called with ['b'], not ['b', 'c']" in fault for fault in faults_of(sent, record, events, poor))
    twice = [*calls, calls[-1]]
    assert any("d was called 2 times, and begun 1 times" in fault for fault in faults_of(sent, record, events, twice))


def test_behind_a_failure_nothing_runs_and_all_else_does():
    dag = Dag((step("a"), step("b", "a", fails=Fails.ALWAYS), step("c", "b"), step("d", "a"), step("e", "c", "d")))
    assert (dag.fate, dag.runs) == (WorkflowStatus.FAILED, {"a", "b", "d"})
    told = [*good("a"), (BEGUN, "b"), (EventKind.FAILED, "b"), *good("d")]
    assert faults_of(*run_of(dag, told)) == []
    assert any("c began, and should not have run" in fault for fault in faults_of(*run_of(dag, [*told, (BEGUN, "c")])))


def test_without_an_optional_step_all_goes_on_but_what_needs_it():
    dag = Dag((step("a"), step("b", "a", fails=Fails.ALWAYS, optional=True), step("c", needs=("b",), optional=True),
               step("d", "b", "c")))
    assert dag.fates == {"a": "SUCCEEDED", "b": "SKIPPED", "c": "SKIPPED", "d": "SUCCEEDED"}
    assert (dag.fate, dag.runs) == (WorkflowStatus.DEGRADED, {"a", "b", "d"})
    skipped = [(EventKind.SKIPPED, "b"), (EventKind.SKIPPED, "c")]
    assert faults_of(*run_of(dag, [*good("a"), (BEGUN, "b"), *skipped, *good("d")])) == []


def test_the_longest_way():
    assert DIAMOND.critical_s == pytest.approx(0.3)
