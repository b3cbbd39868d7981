"""The bundled nlp agent without HTTP: a question in, the reply of the standard dialect out."""

import time
from typing import Any

from agents.nlp.compiler import compile_plan
from agents.nlp.reply import answer, answer_in_parts
from agents.nlp.schema_source import schema_source
from agents.nlp.splitting import parts_of


def understand(query: str) -> dict[str, Any]:
    """The reply to `query`; raises `RefusalError`, or `SchemaUnavailableError` when nothing is known of the data."""
    began = time.perf_counter()
    known = schema_source().get()
    parts = parts_of(query, known.planner)
    if parts:
        with_sql = [(part, compile_plan(part.understood.plan, known.schema)) for part in parts]
        return answer_in_parts(with_sql, processing_time_ms=_since_ms(began))
    understood = known.planner.plan(query)
    sql = compile_plan(understood.plan, known.schema)
    return answer(understood, sql, processing_time_ms=_since_ms(began))


def _since_ms(began: float) -> float:
    return (time.perf_counter() - began) * 1000
