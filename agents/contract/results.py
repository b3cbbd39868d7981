"""What comes back, as ONE typed model per agent whatever dialect the agent speaks (see `agents.dialects`)."""

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

ColumnType = Literal["number", "integer", "string", "boolean", "date", "datetime", "time", "other"]

# How databases and data frames spell their types: the first that matches the lower-case beginning decides.
_SPELLINGS: tuple[tuple[tuple[str, ...], ColumnType], ...] = (
    (("interval",), "other"),
    (("int", "bigint", "smallint", "tinyint", "hugeint", "uint", "ubigint", "serial", "long"), "integer"),
    (("num", "decimal", "double", "float", "real", "money"), "number"),
    (("str", "varchar", "char", "text", "nvarchar", "object", "utf8", "uuid", "enum", "category"), "string"),
    (("bool",), "boolean"),
    (("datetime", "timestamp"), "datetime"),
    (("date",), "date"),
    (("time",), "time"),
)


def column_type(spelled: object) -> ColumnType:
    """Our name of a column type, however it is spelled; `other` when it is not known."""
    text = str(spelled).strip().lower()
    return next((known for starts, known in _SPELLINGS if text.startswith(starts)), "other")


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _as_object(value: object) -> object:
    return value if isinstance(value, dict) else {"given": value}


Text = Annotated[str, BeforeValidator(_as_text)]


class Column(BaseModel):
    """One column of a result; `unit` as people write it (`minutes`, `miles`, `g`)."""

    model_config = ConfigDict(extra="ignore")

    name: str
    type: Annotated[ColumnType, BeforeValidator(column_type)] = "other"
    unit: str | None = None


class Intent(BaseModel):
    """What the nlp agent understood. Unknown is `"unknown"` or `{}`, never null: some agents refuse null."""

    model_config = ConfigDict(extra="allow")

    metric_type: Text = "unknown"
    time_period: Text = "unknown"
    aggregation_level: Text = "unknown"
    filters: Annotated[dict[str, Any], BeforeValidator(_as_object)] = Field(default_factory=dict)
    visualization_hint: Text = "auto"


class SubQuery(BaseModel):
    """One of several queries an nlp agent may answer a question with; `question` is the part it answers."""

    model_config = ConfigDict(extra="ignore")

    name: str
    question: str = ""
    sql_query: str
    intent: Intent = Field(default_factory=Intent)
    interpretation: str = ""
    assumptions: list[str] = Field(default_factory=list)
    after: list[str] = Field(default_factory=list)


class NlpResult(BaseModel):
    """A question understood: one `sql_query`, or several `queries`, or both."""

    intent: Intent = Field(default_factory=Intent)
    sql_query: str = ""
    queries: list[SubQuery] = Field(default_factory=list)
    interpretation: str = ""
    assumptions: list[str] = Field(default_factory=list)
    entities: list[dict[str, Any]] = Field(default_factory=list)
    confidence: float | None = None
    processing_time_ms: float | None = None


class DataResult(BaseModel):
    """Rows as objects in the order of `columns`; `truncated` when the agent cut them."""

    rows: list[dict[str, Any]] = Field(default_factory=list)
    columns: list[Column] = Field(default_factory=list)
    row_count: int = 0
    truncated: bool = False
    sql_query: str = ""
    quality: dict[str, Any] = Field(default_factory=dict)
    cache_hit: bool = False
    processing_time_ms: float | None = None


class VizResult(BaseModel):
    """A chart. `spec` is Vega-Lite with its data inside, or None when the agent sent another kind of chart.

    `chart_data` is what the agent sent, with `chart_kind`; HTML is never trusted.
    """

    chart_type: str = "table"
    title: str = ""
    reason: str = ""
    spec: dict[str, Any] | None = None
    alt_text: str = ""
    chart_config: dict[str, Any] = Field(default_factory=dict)
    chart_data: Any = None
    chart_kind: Literal["vega-lite", "plotly", "html", "other", "none"] = "none"
    processing_time_ms: float | None = None


class FurtherResult(BaseModel):
    """What a further agent answers: any JSON object, kept as it is."""

    model_config = ConfigDict(extra="allow")


AgentResult = NlpResult | DataResult | VizResult | FurtherResult


class AgentFault(BaseModel):
    """`error` of a refusal or failure, as an agent says it."""

    model_config = ConfigDict(extra="allow")

    error_type: str = "agent_error"
    message: str = ""
    recovery_action: str = ""
    suggestions: list[str] = Field(default_factory=list)
