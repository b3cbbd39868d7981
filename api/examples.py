"""Examples of the OpenAPI document."""

ANSWER: dict[str, object] = {}
PROBLEM: dict[str, object] = {}
