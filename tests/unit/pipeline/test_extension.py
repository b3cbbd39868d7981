"""What the nlp agent's answer adds to a plan."""

import pytest

from agents.contract import NlpResult, SubQuery
from agents.errors import InvalidResponse
from agents.registry import build_registry
from core.settings import Settings
from pipeline.extension import extension_for
from state.model import Mode, Route
from state.transitions import Go

REGISTRY = build_registry(Settings(_env_file=None))


def go(spec=None, agent="nlp"):
    return Go(
        "a" * 32, "nlp", agent, 1, 1, 0, 0, 1e9, Mode.INTERACTIVE, spec or {}, {"query": "q", "query_id": "q"}, {}
    )


def answer(*queries):
    return NlpResult(
        queries=[SubQuery(name=name, sql_query=f"SELECT '{name}'", after=list(after)) for name, *after in queries]
    )


def extended(nlp, spec=None, most=64):
    return extension_for(go(spec), nlp, REGISTRY, most)


def test_one_query_leaves_the_ordinary_plan_as_it_is():
    assert extended(NlpResult(sql_query="SELECT 1")) is None
    assert extended(answer(("a",))) is None


def test_nothing_is_added_to_a_plan_that_somebody_wrote():
    assert extended(answer(("a",), ("b",)), {"fixed": True}) is None


def test_only_the_nlp_agents_answer_extends():
    assert extension_for(go(agent="data"), answer(("a",), ("b",)), REGISTRY, 64) is None


def test_one_query_after_all_makes_the_ordinary_plan():
    extension = extended(NlpResult(sql_query="SELECT 1"), {"extends": True})
    assert [step.name for step in extension.steps] == ["data", "viz"]
    assert extension.route is Route.SIMPLE


def test_each_query_becomes_a_part_and_compose_joins_them():
    extension = extended(answer(("United",), ("worst airports", "United")))
    steps = {step.name: step for step in extension.steps}
    assert list(steps) == ["data-united", "viz-united", "data-worst_airports", "viz-worst_airports", "compose"]
    assert steps["data-united"].after == ("nlp",)
    assert steps["data-worst_airports"].after == ("nlp", "data-united")
    assert steps["data-worst_airports"].needs == ("nlp",)
    assert steps["viz-united"].needs == ("nlp", "data-united")
    assert all(step.optional for name, step in steps.items() if name != "compose")
    assert not steps["compose"].optional
    assert steps["compose"].after == ("nlp", "data-united", "viz-united", "data-worst_airports", "viz-worst_airports")
    assert steps["compose"].queue == "agents.compose"
    assert extension.route is Route.COMPLEX
    assert "2 queries" in extension.why


def test_names_that_cannot_be_steps_names_are_made_so_and_kept_apart():
    extension = extended(answer(("Größe!",), ("gr e",), ("gr_e",), ("???",)))
    assert [step.name for step in extension.steps if step.agent == "data"] == [
        "data-gr_e",
        "data-gr_e_2",
        "data-gr_e_3",
        "data-part_4",
    ]


@pytest.mark.parametrize(
    ("nlp", "said"),
    [
        (answer(("a",), ("a",)), "same name"),
        (answer(("a", "c"), ("b",)), "waits for 'c', which it did not make"),
        (answer(("a", "b"), ("b", "a")), "wait for each other"),
        (answer(*((f"q{n}",) for n in range(40))), "too many queries"),
    ],
)
def test_queries_that_make_no_plan_are_an_invalid_response(nlp, said):
    with pytest.raises(InvalidResponse, match=said):
        extended(nlp)
