"""What each agent is asked: the request and the outputs of earlier steps become one payload."""

from typing import Any

from agents.contract import DataResult, NlpResult, VizResult
from state.transitions import Go

Payload = dict[str, Any]


def payload_for(agent: str, go: Go) -> Payload:
    """The body of the call of `agent` for the step that was begun."""
    common = {"query_id": go.request["query_id"]}
    if context := go.request.get("database_context"):
        common["database_context"] = context
    return {**_BUILDERS[agent](go), **common}


def answered_without_call(agent: str, go: Go) -> VizResult | None:
    """The output of a step that needs no call: an empty result is an answer, and there is nothing to draw."""
    if agent == "viz" and not _data(go).rows:
        return VizResult(
            chart_type="table",
            title=go.request["query"],
            reason="The query gives no rows, so there is no chart.",
            alt_text="No rows.",
        )
    return None


def _for_nlp(go: Go) -> Payload:
    request = go.request
    return {
        "query": request["query"],
        "user_id": request.get("user_id", ""),
        "session_id": request.get("session_id", ""),
        "context": request.get("context", {}),
    }


def _for_data(go: Go) -> Payload:
    nlp = _nlp(go)
    return {
        "sql_query": nlp.sql_query,
        "query_context": _query_context(nlp),
        "execution_config": {"use_cache": True, "validate_result": True, "optimize_query": True},
    }


def _for_viz(go: Go) -> Payload:
    nlp, data = _nlp(go), _data(go)
    return {
        "data": data.rows,
        "columns": [column.model_dump() for column in data.columns],
        "query": go.request["query"],
        "intent": nlp.intent.model_dump(),
        "query_context": _query_context(nlp),
        "session_id": go.request.get("session_id", ""),
        "visualization_config": go.request.get("visualization", {}),
    }


def _query_context(nlp: NlpResult) -> Payload:
    """The intent flat, as agents in the field read it, and whole under `query_intent`."""
    intent = nlp.intent.model_dump()
    return {**intent, "query_intent": intent}


def _nlp(go: Go) -> NlpResult:
    return NlpResult.model_validate(go.inputs["nlp"])


def _data(go: Go) -> DataResult:
    return DataResult.model_validate(go.inputs["data"])


_BUILDERS = {"nlp": _for_nlp, "data": _for_data, "viz": _for_viz}
