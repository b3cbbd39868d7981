"""Two dialects in, one typed result out.

Agents in the field answer in the standard or in a flat dialect (docs/agents.md shows both); what fits neither raises
`InvalidResponse` naming the field, and a reported failure raises `AgentRefused`. Nothing untyped is passed on.
"""

import json
import math
from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from agents.contract import (
    AgentFault,
    AgentResult,
    Column,
    DataResult,
    FurtherResult,
    Intent,
    NlpResult,
    SubQuery,
    VizResult,
)
from agents.errors import AgentRefused, InvalidResponse

Reply = dict[str, Any]
_M = TypeVar("_M", bound=BaseModel)
MESSAGE_MAX_CHARS = 2_000
WORD_MAX_CHARS = 200
DETAILS_MAX_CHARS = 20_000
LIST_MAX = 1_000  # of what only informs; the rest is left out
COLUMNS_MAX = 10_000
WAIT_MAX_S = 86_400.0  # who asks us to wait for longer asks for ever
_OURS = frozenset({"step", "attempt", "retry_after_s", "type", "title", "status", "detail", "workflow_id", "links"})


def parse_nlp(reply: Reply) -> NlpResult:
    """An nlp agent's reply; the query is `sql_query`, or several stand in `queries`."""
    raw_intent = _first(reply, "intent", "query_intent")
    queries = _list_of(SubQuery, reply, "queries")
    sql = _text(reply, "sql_query")
    if not sql and not queries:
        raise InvalidResponse("the nlp agent's answer has neither 'sql_query' nor 'queries'")
    return _build(
        NlpResult,
        intent=_intent(raw_intent),
        sql_query=sql,
        queries=queries,
        interpretation=_cut(_text(reply, "interpretation", "explanation")),
        assumptions=_strings(reply.get("assumptions")),
        entities=_entities(_first(reply, "entities_recognized", "entities")),
        confidence=_number(reply, "confidence_score", "confidence"),
        processing_time_ms=_duration_ms(reply),
    )


def parse_data(reply: Reply) -> DataResult:
    """A data agent's reply: rows under `result.data`, or at top level as `data`, `rows` or `processed_data`."""
    nested = reply.get("result")
    body: Reply = nested if isinstance(nested, dict) else reply
    raw_rows = _first(body, "data", "rows", "processed_data")
    if not isinstance(raw_rows, list):
        raise InvalidResponse(
            "the data agent's answer has no list of rows ('result.data', 'data', 'rows', 'processed_data')"
        )
    columns = _columns(body.get("columns"), raw_rows)
    rows = [_row(row, columns, at) for at, row in enumerate(raw_rows)]
    row_count = body.get("row_count")
    quality = _first(reply, "validation", "data_quality")
    cache = reply.get("cache_metadata")
    return _build(
        DataResult,
        rows=rows,
        columns=columns,
        row_count=max(row_count, len(rows)) if isinstance(row_count, int) else len(rows),
        truncated=bool(body.get("truncated", False)),
        sql_query=_text(reply, "sql_query"),
        quality=quality if isinstance(quality, dict) else {},
        cache_hit=bool(cache.get("cache_hit")) if isinstance(cache, dict) else bool(reply.get("cache_hit", False)),
        processing_time_ms=_number(body, "processing_time_ms") or _duration_ms(reply),
    )


def parse_viz(reply: Reply) -> VizResult:
    """A viz agent's reply: a Vega-Lite spec becomes `spec`; a Plotly figure or HTML is kept as data, never trusted."""
    config = reply.get("chart_config")
    chart = _first(reply, "chart_data", "chart_json")
    html = reply.get("chart_html")
    if not isinstance(config, dict) and chart is None and html is None:
        raise InvalidResponse(
            "the viz agent's answer has none of 'chart_config', 'chart_data', 'chart_json', 'chart_html'"
        )
    config = config if isinstance(config, dict) else {}
    kind = _chart_kind(chart, html)
    return _build(
        VizResult,
        chart_type=(_text(config, "chart_type") or _text(reply, "chart_type") or "table")[:WORD_MAX_CHARS],
        title=_cut(_text(config, "title")),
        reason=_cut(_text(config, "reason")),
        spec=chart if kind == "vega-lite" else None,
        alt_text=_cut(_text(config, "alt_text")),
        chart_config=config,
        chart_data=None if kind == "vega-lite" else chart if chart is not None else html,
        chart_kind=kind,
        processing_time_ms=_duration_ms(reply),
    )


PARSERS: dict[str, Callable[[Reply], NlpResult | DataResult | VizResult]] = {
    "nlp": parse_nlp,
    "data": parse_data,
    "viz": parse_viz,
}


def parse(agent: str, reply: object) -> AgentResult:
    """The typed result of `agent`'s decoded reply; raises `AgentRefused` or `InvalidResponse`."""
    if not isinstance(reply, dict):
        raise InvalidResponse(f"the {agent} agent answered with {type(reply).__name__}, not with a JSON object")
    if _failed(reply):
        raise AgentRefused(**fault_of(reply, f"the {agent} agent reports a failure and gives no reason"))
    return PARSERS.get(agent, FurtherResult.model_validate)(reply)


def fault_of(reply: Reply, default: str) -> dict[str, Any]:
    """Constructor arguments of an `AgentError` from `error`, which may be an object, a text, or null.

    What the agent adds to the object is kept as details, except for names that are ours to fill.
    """
    raw = reply.get("error")
    if not isinstance(raw, dict):
        return {"message": _cut(str(raw)) if raw else default}
    try:
        fault = AgentFault.model_validate({k: v for k, v in raw.items() if v is not None})
    except ValidationError:
        return {"message": _cut(str(raw.get("message") or default))}
    extra = {name: value for name, value in (fault.model_extra or {}).items() if name not in _OURS}
    if len(json.dumps(extra, default=str)) > DETAILS_MAX_CHARS:
        extra = {}
    named = {"error_type": fault.error_type[:WORD_MAX_CHARS]} if "error_type" in fault.model_fields_set else {}
    wait_s = _number(raw, "retry_after_s")
    return {
        "message": _cut(fault.message) or default,
        "recovery_action": fault.recovery_action[:WORD_MAX_CHARS],
        "suggestions": [_cut(suggestion) for suggestion in fault.suggestions[:LIST_MAX]],
        "details": {**extra, **named},
        **({} if wait_s is None else {"retry_after_s": bounded_wait_s(wait_s)}),
    }


def bounded_wait_s(wait_s: float) -> float:
    """A wait that an agent asks for: not below 0, and no longer than a day."""
    return 0.0 if math.isnan(wait_s) else min(max(0.0, wait_s), WAIT_MAX_S)


def _failed(reply: Reply) -> bool:
    """A missing `success` (or null) means yes, unless an `error` says otherwise."""
    stated = reply.get("success")
    return bool(reply.get("error")) if stated is None else stated is not True


def _cut(message: str) -> str:
    return message[:MESSAGE_MAX_CHARS]


def _entities(raw: object) -> list[dict[str, Any]]:
    """Recognised entities as objects; they inform only, so what is neither a list nor an object is left out."""
    if isinstance(raw, dict):
        return [{"name": str(name), "value": value} for name, value in list(raw.items())[:LIST_MAX]]
    return [e if isinstance(e, dict) else {"name": str(e)} for e in raw[:LIST_MAX]] if isinstance(raw, list) else []


def _build(model: type[_M], /, **fields: Any) -> _M:
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InvalidResponse(f"field '{where}' of the agent's answer does not fit: {first['msg']}") from error


def _list_of(model: type[_M], reply: Reply, name: str) -> list[_M]:
    raw = reply.get(name) or []
    if not isinstance(raw, list) or not all(isinstance(item, dict) for item in raw):
        raise InvalidResponse(f"field '{name}' of the agent's answer is not a list of objects")
    if len(raw) > LIST_MAX:
        raise InvalidResponse(f"field '{name}' of the agent's answer has more than {LIST_MAX:,} entries")
    return [_build(model, **item) for item in raw]


def _intent(raw: object) -> Intent:
    if raw is None:
        return Intent()
    if not isinstance(raw, dict):
        return Intent(metric_type=str(raw))
    return _build(Intent, **{str(key): value for key, value in raw.items() if value is not None})


def _columns(raw: object, rows: list[Any]) -> list[Column]:
    if not raw:
        raw = list(next((row for row in rows if isinstance(row, dict)), {}))
    if not isinstance(raw, list):
        raise InvalidResponse("field 'columns' of the agent's answer is not a list")
    if len(raw) > COLUMNS_MAX:
        raise InvalidResponse(f"the agent's answer has more than {COLUMNS_MAX:,} columns")
    return [_build(Column, **column) if isinstance(column, dict) else Column(name=str(column)) for column in raw]


def _row(row: object, columns: list[Column], at: int) -> dict[str, Any]:
    if isinstance(row, dict):
        return row
    if isinstance(row, list) and len(row) == len(columns):
        return {column.name: value for column, value in zip(columns, row, strict=True)}
    raise InvalidResponse(f"row {at} of the agent's answer is neither an object nor a list as long as 'columns'")


def _chart_kind(chart: object, html: object) -> str:
    if isinstance(chart, dict):
        if "vega-lite" in str(chart.get("$schema", "")) or ("mark" in chart and "encoding" in chart):
            return "vega-lite"
        return "plotly" if "data" in chart and "layout" in chart else "other"
    if chart is not None:
        return "other"
    return "html" if html is not None else "none"


def _first(reply: Reply, *names: str) -> Any:
    return next((reply[name] for name in names if reply.get(name) is not None), None)


def _text(reply: Reply, *names: str) -> str:
    value = _first(reply, *names)
    return value if isinstance(value, str) else ""


def _strings(raw: object) -> list[str]:
    return [_cut(str(item)) for item in raw[:LIST_MAX]] if isinstance(raw, list) else []


def _number(reply: Reply, *names: str) -> float | None:
    value = _first(reply, *names)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _duration_ms(reply: Reply) -> float | None:
    metadata = reply.get("agent_metadata")
    if isinstance(metadata, dict) and (stated := _number(metadata, "processing_time_ms")) is not None:
        return stated
    if (stated := _number(reply, "processing_time_ms")) is not None:
        return stated
    seconds = _number(reply, "execution_time")
    return None if seconds is None else seconds * 1000
