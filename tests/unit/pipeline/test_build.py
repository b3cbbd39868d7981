from itertools import pairwise

from celery import Celery
from hypothesis import given
from hypothesis import strategies as st

from agents.registry import get_registry
from pipeline.build import MAX_LINKS, chain_of, chained, linear_runs
from pipeline.plan import ordinary_plan
from state.model import NewStep
from state.transition import Send, parse_task_id


def step(name, *after):
    return NewStep(name, "nlp", "agents.nlp", 30, after)


def names(runs):
    return [[s.name for s in run] for run in runs]


def test_the_ordinary_plan_is_one_chain():
    assert names(linear_runs(ordinary_plan(get_registry()))) == [["nlp", "data", "viz"]]


def test_runs_are_cut_where_they_fork_and_meet():
    plan = [step("a"), step("b", "a"), step("c", "a"), step("d", "b"), step("e", "d", "c"), step("f", "e")]
    assert names(linear_runs(plan)) == [["a"], ["b", "d"], ["c"], ["e", "f"]]


def test_long_runs_are_cut():
    plan = [step("s0"), *(step(f"s{n}", f"s{n - 1}") for n in range(1, 40))]
    assert [len(run) for run in linear_runs(plan)] == [MAX_LINKS, MAX_LINKS, 8]


@given(st.integers(1, 30).flatmap(lambda n: st.tuples(*(st.sets(st.integers(0, max(i - 1, 0)), max_size=3 if i else 0)
                                                        for i in range(n)))))
def test_every_step_is_in_exactly_one_run_and_follows_its_predecessor(befores):
    plan = [step(f"s{i}", *(f"s{b}" for b in sorted(before))) for i, before in enumerate(befores)]
    runs = linear_runs(plan)
    assert sorted(s.name for run in runs for s in run) == sorted(s.name for s in plan)
    for run in runs:
        for before, after in pairwise(run):
            assert after.after == (before.name,)


def test_a_step_of_a_further_agent_is_done_by_the_one_task_for_all_of_them():
    app = Celery(set_as_current=False)
    message = chain_of(app, Send("a" * 32, "ask", 0, 1, "agents.weather"))
    assert (message.task, message.options["queue"]) == ("agents.call", "agents.weather")


def test_only_the_first_of_a_run_knows_what_follows():
    plan = chained([step("a"), step("b", "a"), step("c", "a"), step("d", "b"), step("e", "d", "c"), step("f", "e")])
    assert {s.name: [name for name, _ in s.tail] for s in plan if s.tail} == {"b": ["d"], "e": ["f"]}


def test_messages_carry_ids_and_nothing_else():
    app = Celery(set_as_current=False)
    head, *_ = chained(ordinary_plan(get_registry()))
    workflow_id = "a" * 32
    links = chain_of(app, Send(workflow_id, "nlp", 0, 1, head.queue, head.tail)).tasks
    assert [link.args for link in links] == [(workflow_id, name) for name in ("nlp", "data", "viz")]
    assert [link.kwargs for link in links] == [{}, {}, {}]
    assert all(link.immutable for link in links)
    assert [link.task for link in links] == ["agents.nlp", "agents.data", "agents.viz"]
    assert [parse_task_id(link.options["task_id"]) for link in links] == [
        Send(workflow_id, name, 0, 1) for name in ("nlp", "data", "viz")]
