"""The bundled nlp agent without HTTP: a question in, the reply of the standard dialect out."""

import time
from typing import Any

from agents.nlp.compiler import compile_plan
from agents.nlp.reply import answer
from agents.nlp.schema_source import schema_source


def understand(query: str) -> dict[str, Any]:
    """The reply to `query`; raises `RefusalError`, or `SchemaUnavailableError` when nothing is known of the data."""
    began = time.perf_counter()
    known = schema_source().get()
    understood = known.planner.plan(query)
    sql = compile_plan(understood.plan, known.schema)
    return answer(understood, sql, processing_time_ms=(time.perf_counter() - began) * 1000)
