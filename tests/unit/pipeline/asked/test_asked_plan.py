"""Plans that somebody wrote: each rule refuses with the step's name and the cure, and good plans are wired as meant."""

from itertools import pairwise

import pytest

from agents.registry import AgentSpec, RetryPolicy, build_registry
from core.settings import Settings
from pipeline.asked.plan import BadPlan, checked_plan
from pipeline.asked.step import DEEPEST, AskedStep
from pipeline.plan import PlanTooLarge

REGISTRY = {
    **build_registry(Settings(_env_file=None)),
    "weather": AgentSpec("weather", "http://127.0.0.1:1", "/call", 5.0, RetryPolicy(1, 1, 1)),
}
SQL = {"sql_query": "SELECT 1 AS n"}


def asked(*steps):
    return [AskedStep(**step) for step in steps]


def rows(name="rows", **more):
    return {"name": name, "agent": "data", "input": SQL, **more}


def chart(name="chart", **more):
    return {"name": name, "agent": "viz", "after": ["rows"], **more}


def faults(*steps):
    with pytest.raises(BadPlan) as refused:
        checked_plan(asked(*steps), REGISTRY, 64)
    return refused.value.faults


def from_(step, **more):
    return {"$from": step, **more}


NO_NAME = ["", "1st", "a.b", "a,b", "a b", "a|b", "a@b", "a:b", "-a", "_a", "ä", "x" * 65, "a\n", "rows?"]
NO_AGENT = [
    ("dta", "data"),
    ("vis", "viz"),
    ("npl", "nlp"),
    ("wether", "weather"),
    ("compos", "compose"),
    ("mail", None),
]


@pytest.mark.parametrize("name", NO_NAME)
def test_a_name_that_cannot_name_a_step(name):
    said = faults(rows(name))
    assert any(f"'{name}' cannot name a step: use letters" in fault for fault in said)


@pytest.mark.parametrize(("agent", "meant"), NO_AGENT)
def test_an_agent_that_is_not_known(agent, meant):
    (said,) = faults({"name": "ask", "agent": agent})
    assert "Step 'ask'" in said
    assert "Known are nlp, data, viz, weather, compose" in said
    assert (f"Did you mean '{meant}'?" in said) if meant else "Did you mean" not in said


WRONG = [
    ([rows(), rows()], "Two steps are named 'rows'. Rename one."),
    (
        [rows(), chart(after=["row"])],
        "Step 'chart' waits for 'row', which is no step of this plan. Did you mean 'rows'?",
    ),
    ([rows(), chart(after=["zzz"])], "Step 'chart' waits for 'zzz', which is no step of this plan."),
    ([rows(after=["rows"])], "Step 'rows' waits for itself. Take 'rows' out of its `after` and its input."),
    ([rows(input={**SQL, "x": from_("rows")})], "Step 'rows' waits for itself."),
    ([rows(input={**SQL, "x": from_("rwos")}), rows("rows2")], "Step 'rows' waits for 'rwos', which is no step"),
    ([rows(input={**SQL, "x": from_(7)})], "Step 'rows': `$from` in its input must be a step's name"),
    ([rows(input={**SQL, "x": from_(None)})], "Step 'rows': `$from` in its input must be a step's name"),
    ([rows(input={**SQL, "x": from_(["a"])})], "Step 'rows': `$from` in its input must be a step's name"),
    ([rows("a"), rows(input={**SQL, "x": from_("a", path=3)})], "Step 'rows': `path` in its input must be a text"),
    ([rows("a"), rows(input={**SQL, "x": from_("a", paht="x")})], "Step 'rows': beside `$from` only path and default"),
    ([rows("a"), rows(input={**SQL, "x": [{"y": from_("a", as_="x")}]})], "only path and default are known, not as_"),
    ([rows("a", after=["b"]), rows("b", after=["a"])], "These steps wait for each other: "),
    ([rows("a", after=["c"]), rows("b", after=["a"]), rows("c", after=["b"])], "These steps wait for each other: "),
    ([rows("a", input={**SQL, "x": from_("b")}), rows("b", after=["a"])], "These steps wait for each other: "),
    ([rows(), rows("a", after=["b", "rows"]), rows("b", after=["a"])], "Take one out of the other's `after` or input."),
    ([rows(optional=True)], "Every step is optional, so there might be no answer at all. Make one required."),
    ([rows(optional=True), chart(optional=True)], "Every step is optional"),
    (
        [{"name": "rows", "agent": "data"}],
        "Step 'rows' has nothing to ask: name a step of the nlp agent in its `after`",
    ),
    ([{"name": "chart", "agent": "viz"}], "Step 'chart' has nothing to ask: name a step of the data agent"),
    (
        [{"name": "nlp", "agent": "nlp"}, {"name": "chart", "agent": "viz", "after": ["nlp"]}],
        "Step 'chart' has nothing to ask: name a step of the data agent in its `after`, or give `input.data`.",
    ),
    ([rows("a"), rows("b"), chart(after=["a", "b"])], "Step 'chart' cannot tell which of a, b is meant."),
    (
        [
            {"name": "q1", "agent": "nlp"},
            {"name": "q2", "agent": "nlp"},
            {"name": "rows", "agent": "data", "after": ["q1", "q2"]},
        ],
        "Step 'rows' cannot tell which of q1, q2 is meant.",
    ),
    ([{"name": "all", "agent": "compose"}], "Step 'all' composes nothing: name one data step or more in its `after`."),
    (
        [{"name": "nlp", "agent": "nlp"}, {"name": "all", "agent": "compose", "after": ["nlp"]}],
        "Step 'all' composes nothing",
    ),
    ([rows(query="first")], "Step 'rows' is about a query 'first', but no nlp step comes before it. Add one."),
    ([rows(optional=True), chart()], "Step 'chart' is required and reads 'rows', which is optional."),
    (
        [rows(optional=True), chart()],
        "Make 'chart' optional too, or 'rows' required, or give the reference a `default`.",
    ),
    ([rows("a", optional=True), rows(input={"sql_query": from_("a", path="rows.0.sql")})], "is required and reads 'a'"),
    (
        [{"name": "w", "agent": "weather", "optional": True}, rows(input={**SQL, "x": [from_("w")]})],
        "reads 'w', which is optional",
    ),
]


@pytest.mark.parametrize(("steps", "said"), WRONG, ids=range(len(WRONG)))
def test_a_plan_that_cannot_be_carried_out(steps, said):
    assert any(said in fault for fault in faults(*steps)), faults(*steps)


def test_fifty_bad_plans_are_tried():
    assert len(NO_NAME) + len(NO_AGENT) + len(WRONG) >= 50


def test_a_circle_is_told_in_the_order_in_which_it_waits():
    (said,) = faults(rows("a", after=["c"]), rows("b", after=["a"]), rows("c", after=["b"]))
    around = said.split(": ")[1].split(". ")[0].split(" -> ")
    assert around[0] == around[-1]
    assert set(around) == {"a", "b", "c"}
    waits = {"a": "c", "b": "a", "c": "b"}
    assert all(waits[one] == other for one, other in pairwise(around))


def test_all_that_is_wrong_is_told_at_once():
    assert len(faults(rows("1st"), rows("a", after=["b"]), {"name": "c", "agent": "?"})) == 3


def test_more_steps_than_the_limit_are_refused():
    with pytest.raises(PlanTooLarge, match="MAX_STEPS"):
        checked_plan(asked(*(rows(f"s{n}") for n in range(4))), REGISTRY, 3)


def test_an_input_nested_too_deep_is_refused():
    deep = {}
    for _ in range(DEEPEST + 1):
        deep = {"x": deep}
    with pytest.raises(ValueError, match="nested more than"):
        AskedStep(name="a", agent="data", input=deep)


def test_a_reference_makes_a_step_wait_and_the_plan_is_put_in_order():
    plan = checked_plan(
        asked(
            {"name": "chart", "agent": "viz", "after": ["rows"]},
            rows(input={**SQL, "limit": from_("where", path="n", default=5)}),
            {"name": "where", "agent": "weather", "optional": True},
        ),
        REGISTRY,
        64,
    )
    assert [step.name for step in plan] == ["where", "rows", "chart"]
    where, data, viz = plan
    assert (data.after, data.needs, data.wants) == (("where",), (), ("where",))
    assert (viz.needs, viz.spec) == (("rows",), {"reads": {"data": "rows"}})
    assert (where.queue, where.optional) == ("agents.weather", True)


def test_a_step_reads_the_nearest_agent_before_it():
    plan = checked_plan(
        asked(
            {"name": "ask", "agent": "nlp"},
            {"name": "rows", "agent": "data", "after": ["ask"], "query": "first"},
            {"name": "chart", "agent": "viz", "after": ["rows"], "query": "first"},
            {"name": "all", "agent": "compose", "after": ["chart"]},
        ),
        REGISTRY,
        64,
    )
    ask, data, viz, all_ = plan
    assert ask.spec == {"reads": {}, "fixed": True}
    assert data.spec == {"reads": {"nlp": "ask"}, "query": "first"}
    assert viz.spec == {"reads": {"nlp": "ask", "data": "rows"}, "query": "first"}
    assert all_.spec == {"parts": [{"name": "rows", "query": "first", "data": "rows", "viz": "chart"}], "nlp": "ask"}
    assert (all_.after, all_.needs, all_.wants) == (("ask", "rows", "chart"), ("ask",), ("rows", "chart"))


def test_a_further_agent_is_handed_all_that_came_before_it():
    plan = checked_plan(asked(rows(), {"name": "w", "agent": "weather", "after": ["rows"]}), REGISTRY, 64)
    assert plan[1].wants == ("rows",)
