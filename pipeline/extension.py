"""A plan grows: the nlp agent's answer names several queries, and each becomes a part with rows and a chart of its own.

The new steps take the place of those that waited for the nlp step, in the same transition as its finish:
`data-<part>` and `viz-<part>` for each query, and a `compose` step over all of them. A part may be missing in the end;
the answer then says so.
"""

import re
from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from agents.contract import NlpResult, SubQuery
from agents.errors import InvalidResponse
from agents.registry import AgentSpec
from pipeline.build import chained
from pipeline.plan import EXTENDS, PlanTooLarge, compose_step, ordinary_plan, step_of, within_limit
from state.model import NewStep, Route
from state.transitions import Extension, Go

FIXED = "fixed"  # in the spec of an nlp step of a plan that somebody wrote: nothing is added to it


def extension_for(go: Go, nlp: NlpResult, registry: Mapping[str, AgentSpec], most: int) -> Extension | None:
    """What the answer of the nlp step `go` adds to the plan; None when the plan is complete as it is.

    Raises `InvalidResponse` when the queries make no plan.
    """
    if go.agent != "nlp" or go.spec.get(FIXED):
        return None
    if len(nlp.queries) < 2:
        if not go.spec.get(EXTENDS):
            return None
        return Extension(chained(ordinary_plan(dict(registry)))[1:], Route.SIMPLE, "one query answers all of it")
    parts = _named(nlp.queries)
    _check_order(parts)
    try:
        steps = within_limit(_steps(go.step, parts, registry), most)
    except PlanTooLarge as error:
        raise InvalidResponse(f"the nlp agent made too many queries: {error}", agent="nlp") from error
    return Extension(chained(steps), Route.COMPLEX, f"the nlp agent made {len(parts)} queries of it")


def _steps(nlp: str, parts: Mapping[str, SubQuery], registry: Mapping[str, AgentSpec]) -> tuple[NewStep, ...]:
    step_of_query = {query.name: f"data-{name}" for name, query in parts.items()}
    steps: list[NewStep] = []
    told = []
    for name, query in parts.items():
        data, viz = f"data-{name}", f"viz-{name}"
        spec = {"query": query.name, "reads": {"nlp": nlp, "data": data}}
        before = [step_of_query[earlier] for earlier in query.after]
        steps += [
            step_of(registry["data"], data, after=(nlp, *before), needs=(nlp,), optional=True, spec=spec),
            step_of(registry["viz"], viz, after=(data,), needs=(nlp, data), optional=True, spec=spec),
        ]
        told.append({"name": name, "query": query.name, "data": data, "viz": viz})
    return (*steps, compose_step("compose", told, nlp=nlp))


def _named(queries: Sequence[SubQuery]) -> dict[str, SubQuery]:
    """Each query under a name that can be part of a step's."""
    if len({query.name for query in queries}) < len(queries):
        raise InvalidResponse("two of the nlp agent's 'queries' have the same name", agent="nlp")
    named: dict[str, SubQuery] = {}
    for number, query in enumerate(queries, 1):
        name = re.sub(r"[^a-z0-9_]+", "_", query.name.lower()).strip("_")[:40] or f"part_{number}"
        named[f"{name}_{number}" if name in named else name] = query
    return named


def _check_order(parts: Mapping[str, SubQuery]) -> None:
    known = {query.name for query in parts.values()}
    order: TopologicalSorter[str] = TopologicalSorter()
    for query in parts.values():
        if unknown := [name for name in query.after if name not in known]:
            raise InvalidResponse(
                f"the nlp agent's query '{query.name}' waits for '{unknown[0]}', which it did not make", agent="nlp"
            )
        order.add(query.name, *query.after)
    try:
        order.prepare()
    except CycleError as error:
        circle = " -> ".join(error.args[1])
        raise InvalidResponse(f"the nlp agent's queries wait for each other: {circle}", agent="nlp") from error
