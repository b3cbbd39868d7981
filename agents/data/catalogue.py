"""`catalogue.yaml`: what people know about their data and files cannot say. Optional, beside the files it describes."""

from pathlib import Path
from typing import Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agents.contract import ForeignKey
from agents.data.errors import DataUnavailable

FILE_NAME = "catalogue.yaml"
NULL_VALUES = ["", "NA", "N/A", "NaN", "nan", "NULL", "null"]


class ColumnNotes(BaseModel):
    """What a column means, its unit, and what people call it."""

    model_config = ConfigDict(extra="forbid")

    description: str = ""
    unit: str | None = None
    synonyms: list[str] = Field(default_factory=list)


class TableNotes(BaseModel):
    """What a table holds. Keys left out are inferred; `[]` says that there are none."""

    model_config = ConfigDict(extra="forbid")

    description: str = ""
    primary_key: list[str] | None = None
    foreign_keys: list[ForeignKey] | None = None
    columns: dict[str, ColumnNotes] = Field(default_factory=dict)


class Catalogue(BaseModel):
    """Notes on all tables; `null_values` are the spellings of a missing value in CSV files."""

    model_config = ConfigDict(extra="forbid")

    title: str = ""
    null_values: list[str] = Field(default_factory=lambda: list(NULL_VALUES))
    tables: dict[str, TableNotes] = Field(default_factory=dict)

    @classmethod
    def beside(cls, folder: Path) -> Self:
        """The catalogue in `folder`, an empty one when there is none; raises `DataUnavailable` when it is malformed."""
        path = folder / FILE_NAME
        if not path.is_file():
            return cls()
        try:
            return cls.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
        except (OSError, UnicodeDecodeError, yaml.YAMLError, ValidationError) as error:
            raise DataUnavailable(f"{path} is not a usable catalogue: {error}") from error

    def notes(self, table: str) -> TableNotes:
        """What is known about a table; nothing is an answer."""
        return self.tables.get(table, TableNotes())
