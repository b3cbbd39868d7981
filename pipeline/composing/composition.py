"""A compose step: the parts of a question, each with rows and perhaps a chart, become one answer, in this process."""

from typing import Any

from agents.contract import DataResult, NlpResult, SubQuery, VizResult
from agents.errors import NothingToCompose
from pipeline.composing import compose as composing
from state.transitions import Go


def composed(go: Go) -> dict[str, Any]:
    """The output of a compose step: `pipeline.composing.compose.Composed` as JSON. Raises `NothingToCompose`."""
    queries = _queries(go)
    parts = [_part(go, told, queries.get(told.get("query", ""))) for told in go.spec["parts"]]
    try:
        output: dict[str, Any] = composing.compose(go.request["query"], parts).model_dump(mode="json")
    except composing.NothingToCompose as error:
        raise NothingToCompose(str(error)) from error
    return output


def _queries(go: Go) -> dict[str, SubQuery]:
    step = go.spec.get("nlp", "")
    if step not in go.inputs:
        return {}
    return {query.name: query for query in NlpResult.model_validate(go.inputs[step]).queries}


def _part(go: Go, told: dict[str, str], query: SubQuery | None) -> composing.Part:
    rows, chart = go.inputs.get(told["data"]), go.inputs.get(told.get("viz", ""))
    return composing.Part(
        name=told["name"],
        question=query.question if query else told["name"],
        interpretation=query.interpretation if query else "",
        data=DataResult.model_validate(rows) if rows else None,
        chart=VizResult.model_validate(chart) if chart else None,
        missing="" if rows else "its rows could not be fetched",
    )
