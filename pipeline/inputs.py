"""What each agent is asked: the request, the step's spec and the outputs of earlier steps become one payload.

The spec of a step: `{reads: {nlp|data: step}, query: name of one of the nlp agent's queries, input: {field: value}}`,
each part optional. A value in `input` may stand for another step's output: `{"$from": step, "path": "rows.0.city"}`.
"""

from typing import Any

from agents.contract import DataResult, NlpResult, VizResult
from agents.errors import MissingInput
from state.transitions import Go

Payload = dict[str, Any]
FROM = "$from"


def payload_for(agent: str, go: Go) -> Payload:
    """The body of the call of `agent` for the step that was begun; raises `MissingInput`."""
    common = {"query_id": go.request["query_id"]}
    if context := go.request.get("database_context"):
        common["database_context"] = context
    return {**_BUILDERS.get(agent, _for_further)(go), **given(go), **common}


def answered_without_call(agent: str, go: Go) -> VizResult | None:
    """The output of a step that needs no call: an empty result is an answer, and there is nothing to draw."""
    if agent == "viz" and "data" not in go.spec.get("input", {}) and not data_of(go).rows:
        return VizResult(
            chart_type="table",
            title=question_of(go),
            reason="The query gives no rows, so there is no chart.",
            alt_text="No rows.",
        )
    return None


def given(go: Go) -> Payload:
    """The fields that the step's spec gives, with what they stand for in other steps' outputs."""
    return {name: _resolved(value, go) for name, value in go.spec.get("input", {}).items()}


def nlp_of(go: Go) -> NlpResult:
    """What the question was understood as; for one part of it that part's query, as if it were all."""
    step = go.spec.get("reads", {"nlp": "nlp"}).get("nlp", "")
    if step not in go.inputs:
        return NlpResult()
    whole = NlpResult.model_validate(go.inputs[step])
    name = go.spec.get("query")
    if name is None and (whole.sql_query or not whole.queries):
        return whole
    part = next((query for query in whole.queries if name in (None, query.name)), None)
    if part is None:
        raise MissingInput(f"The nlp agent made no query '{name}', which step {go.step} is to run.")
    return whole.model_copy(
        update={
            "sql_query": part.sql_query,
            "intent": part.intent,
            "interpretation": part.interpretation or whole.interpretation,
            "assumptions": part.assumptions or whole.assumptions,
        }
    )


def question_of(go: Go) -> str:
    """The question that the step's chart answers: the whole, or its part's."""
    step = go.spec.get("reads", {"nlp": "nlp"}).get("nlp", "")
    queries = NlpResult.model_validate(go.inputs[step]).queries if step in go.inputs else []
    asked = [query.question for query in queries if query.name == go.spec.get("query")]
    return str(asked[0] if asked and asked[0] else go.request["query"])


def asked_of(go: Go) -> str:
    """What an nlp step asks, or the SQL a data step runs."""
    if go.agent == "data":
        return str(given(go).get("sql_query") or nlp_of(go).sql_query)
    return str(given(go).get("query") or go.request["query"])


def data_of(go: Go) -> DataResult:
    """The rows a chart is drawn from."""
    step = go.spec.get("reads", {"data": "data"}).get("data", "")
    if step not in go.inputs:
        raise MissingInput(f"Step {go.step} has no rows to draw: the step that was to fetch them gave none.")
    return DataResult.model_validate(go.inputs[step])


def _for_nlp(go: Go) -> Payload:
    request = go.request
    return {
        "query": request["query"],
        "user_id": request.get("user_id", ""),
        "session_id": request.get("session_id", ""),
        "context": request.get("context", {}),
    }


def _for_data(go: Go) -> Payload:
    nlp = nlp_of(go)
    return {
        "sql_query": nlp.sql_query,
        "query_context": _query_context(nlp),
        "execution_config": {"use_cache": True, "validate_result": True, "optimize_query": True},
    }


def _for_viz(go: Go) -> Payload:
    nlp = nlp_of(go)
    rows: Payload = {}
    if "data" not in go.spec.get("input", {}):
        data = data_of(go)
        rows = {"data": data.rows, "columns": [column.model_dump() for column in data.columns]}
    return {
        **rows,
        "query": question_of(go),
        "intent": nlp.intent.model_dump(),
        "query_context": _query_context(nlp),
        "session_id": go.request.get("session_id", ""),
        "visualization_config": go.request.get("visualization", {}),
    }


def _for_further(go: Go) -> Payload:
    return {**_for_nlp(go), "inputs": go.inputs}


def _query_context(nlp: NlpResult) -> Payload:
    """The intent flat, as agents in the field read it, and whole under `query_intent`."""
    intent = nlp.intent.model_dump()
    return {**intent, "query_intent": intent}


def _resolved(value: Any, go: Go) -> Any:
    """`value` with each reference replaced by what it stands for."""
    if isinstance(value, list):
        return [_resolved(item, go) for item in value]
    if not isinstance(value, dict):
        return value
    if FROM not in value:
        return {name: _resolved(item, go) for name, item in value.items()}
    found: Any = go.inputs.get(value[FROM])
    if found is None and "default" in value:
        return value["default"]
    for place in filter(None, value.get("path", "").split(".")):
        try:
            found = found[int(place) if isinstance(found, list) else place]
        except (KeyError, IndexError, ValueError, TypeError):
            if "default" in value:
                return value["default"]
            raise MissingInput(
                f"Step {go.step} reads {value['path']} of step {value[FROM]}, whose output has no '{place}' there."
            ) from None
    return found


_BUILDERS = {"nlp": _for_nlp, "data": _for_data, "viz": _for_viz}
