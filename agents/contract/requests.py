"""What we send. Field names are fixed by the contract; agents ignore fields they do not know."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from agents.contract.results import Column


class _Request(BaseModel):
    model_config = ConfigDict(extra="ignore")

    query_id: str = ""
    database_context: dict[str, Any] | None = None


class NlpRequest(_Request):
    """`POST /process`: a question in plain English."""

    query: str = Field(min_length=1, max_length=10_000)
    user_id: str = ""
    session_id: str = ""
    context: dict[str, Any] = Field(default_factory=dict)


class ExecutionConfig(BaseModel):
    """How the data agent is asked to run a statement."""

    model_config = ConfigDict(extra="ignore")

    use_cache: bool = True
    validate_result: bool = True
    optimize_query: bool = True


class DataRequest(_Request):
    """`POST /execute`: one SQL statement with the question's intent beside it."""

    sql_query: str = Field(min_length=1, max_length=100_000)
    query_context: dict[str, Any] = Field(default_factory=dict)
    execution_config: ExecutionConfig = Field(default_factory=ExecutionConfig)


class VizRequest(_Request):
    """`POST /visualize`: rows as objects; `columns` may be names or `{name, type, unit}`."""

    data: list[dict[str, Any]] = Field(default_factory=list)
    columns: list[Column | str] = Field(default_factory=list)
    query: str = ""
    intent: dict[str, Any] = Field(default_factory=dict)
    query_context: dict[str, Any] = Field(default_factory=dict)
    session_id: str = ""
    visualization_config: dict[str, Any] = Field(default_factory=dict)
