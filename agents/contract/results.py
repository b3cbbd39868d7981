"""What comes back, as ONE typed model per agent whatever dialect the agent speaks (see `agents.dialects`)."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

ColumnType = Literal["number", "integer", "string", "boolean", "date", "datetime", "time", "other"]


class Column(BaseModel):
    """One column of a result; `unit` as people write it (`minutes`, `miles`, `g`)."""

    model_config = ConfigDict(extra="ignore")

    name: str
    type: ColumnType = "other"
    unit: str | None = None


class Intent(BaseModel):
    """What the nlp agent understood. Unknown is `"unknown"` or `{}`, never null: some agents refuse null."""

    model_config = ConfigDict(extra="allow")

    metric_type: str = "unknown"
    time_period: str = "unknown"
    aggregation_level: str = "unknown"
    filters: dict[str, Any] = Field(default_factory=dict)
    visualization_hint: str = "auto"


class SubQuery(BaseModel):
    """One of several queries an nlp agent may answer a question with."""

    model_config = ConfigDict(extra="ignore")

    name: str
    sql_query: str
    intent: Intent = Field(default_factory=Intent)
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


class AgentFault(BaseModel):
    """`error` of a refusal or failure, as an agent says it."""

    model_config = ConfigDict(extra="allow")

    error_type: str = "agent_error"
    message: str = ""
    recovery_action: str = ""
    suggestions: list[str] = Field(default_factory=list)
