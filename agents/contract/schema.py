"""The schema a data agent publishes at `GET /schema`: enough to plan queries and to make example questions."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from agents.contract.results import ColumnType


class ColumnSchema(BaseModel):
    """One column; `values` lists the distinct values of a text column that has few."""

    model_config = ConfigDict(extra="ignore")

    name: str
    type: ColumnType
    sql_type: str = ""
    unit: str | None = None
    description: str = ""
    synonyms: list[str] = Field(default_factory=list)
    distinct_count: int | None = None
    null_count: int | None = None
    values: list[str] = Field(default_factory=list)
    min: Any = None
    max: Any = None


class ForeignKey(BaseModel):
    """`columns` of this table point to `ref_columns` of `ref_table` (same length, same order)."""

    model_config = ConfigDict(extra="ignore")

    columns: list[str]
    ref_table: str
    ref_columns: list[str]


class TableSchema(BaseModel):
    """One table; `primary_key` may be empty when none was found."""

    model_config = ConfigDict(extra="ignore")

    name: str
    description: str = ""
    row_count: int = 0
    columns: list[ColumnSchema]
    primary_key: list[str] = Field(default_factory=list)
    foreign_keys: list[ForeignKey] = Field(default_factory=list)


class DataSchema(BaseModel):
    """All tables, in SQL dialect `dialect`; `version` changes whenever the data or its shape does."""

    model_config = ConfigDict(extra="ignore")

    dialect: str = "duckdb"
    version: str = ""
    title: str = ""
    tables: list[TableSchema]
