"""What the OpenAPI document says about each operation, as far as a request is made of it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

METHODS = frozenset({"get", "put", "post", "delete", "patch"})
Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Operation:
    """One method on one path. `example` is a good body, None where none is taken; `strict`: no further fields."""

    method: str
    path: str
    siblings: frozenset[str] = frozenset()  # all methods of the path, in small letters
    path_parameters: Mapping[str, Schema] = field(default_factory=dict)
    query_parameters: Mapping[str, Schema] = field(default_factory=dict)
    example: Mapping[str, Any] | None = None
    strict: bool = False

    def target(self, **values: str) -> str:
        """The path with good values, or those given."""
        return re.sub(r"\{(\w+)\}", lambda name: values.get(name[1]) or good_value(self.path_parameters[name[1]]),
                      self.path)


def operations_of(document: Mapping[str, Any]) -> list[Operation]:
    """All operations of the document, in its order."""
    return [_operation(document, path, method, frozenset(METHODS & item.keys()))
            for path, item in document["paths"].items() for method in item if method in METHODS]


def _operation(document: Mapping[str, Any], path: str, method: str, siblings: frozenset[str]) -> Operation:
    described = document["paths"][path][method]
    by_place: dict[str, dict[str, Schema]] = {"path": {}, "query": {}}
    for parameter in described.get("parameters", []):
        by_place.setdefault(parameter["in"], {})[parameter["name"]] = _resolved(document, parameter["schema"])
    body = described.get("requestBody", {}).get("content", {}).get("application/json")
    schema = _resolved(document, body["schema"]) if body else None
    example: Schema | None = None
    if body and schema is not None:
        example = body.get("example") or schema.get("example") or next(iter(schema.get("examples", [])), {})
    return Operation(method.upper(), path, siblings, by_place["path"], by_place["query"], example,
                     schema is not None and schema.get("additionalProperties") is False)


def _resolved(document: Mapping[str, Any], schema: Schema) -> Schema:
    """Behind references; of a body that may be left out, the body."""
    for _ in range(5):
        if "$ref" in schema:
            schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        elif len(schema.get("allOf", [])) == 1:
            schema = schema["allOf"][0]
        else:
            break
    return schema


def good_value(schema: Schema) -> str:
    """A value that the schema of a path's parameter takes."""
    if "enum" in schema:
        return quote(str(schema["enum"][0]))
    return "0" * 32 if "0-9a-f" in schema.get("pattern", "") else "nlp"
