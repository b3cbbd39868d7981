"""Answers and refusals in the contract's standard dialect."""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from agents.contract import Intent, SubQuery
from agents.nlp.plan import Aggregate, Filter, Operator, QueryPlan
from agents.nlp.planner import Understanding
from agents.nlp.refusal import RefusalError
from agents.nlp.splitting import Part
from agents.nlp.sql_columns import SqlColumns

VERSION = "1.0.0"
_EQUAL = (Operator.EQ, Operator.IN)


def answer(understood: Understanding, sql: str, *, processing_time_ms: float) -> dict[str, Any]:
    """The reply to a question that was understood."""
    return {
        "success": True,
        "agent_metadata": _metadata(processing_time_ms, "completed"),
        "intent": intent_of(understood.plan).model_dump(),
        "sql_query": sql,
        "entities_recognized": understood.entities,
        "confidence_score": understood.confidence,
        "processing_path": "rules",
        "interpretation": understood.interpretation,
        "assumptions": understood.assumptions,
        "coverage": understood.coverage,
    }


def answer_in_parts(parts: Sequence[tuple[Part, str]], *, processing_time_ms: float) -> dict[str, Any]:
    """The reply to a question that asks for several things; each part comes with its SQL.

    `sql_query` stays empty: a reader that knows nothing of `queries` must not take one part for the whole.
    """
    understood = [part.understood for part, _ in parts]
    return {
        "success": True,
        "agent_metadata": _metadata(processing_time_ms, "completed"),
        "intent": _overall([intent_of(one.plan) for one in understood]).model_dump(),
        "sql_query": "",
        "queries": [_query(part, sql).model_dump() for part, sql in parts],
        "entities_recognized": [entity for one in understood for entity in one.entities],
        "confidence_score": min(one.confidence for one in understood),
        "processing_path": "rules",
        "interpretation": " ".join(one.interpretation for one in understood),
        "assumptions": list(dict.fromkeys(text for one in understood for text in one.assumptions)),
        "coverage": min(one.coverage for one in understood),
    }


def _query(part: Part, sql: str) -> SubQuery:
    return SubQuery(
        name=part.name,
        question=part.question,
        sql_query=sql,
        intent=intent_of(part.understood.plan),
        interpretation=part.understood.interpretation,
        assumptions=part.understood.assumptions,
    )


def _overall(intents: Sequence[Intent]) -> Intent:
    """What the parts are about, each thing once; what limits one part does not limit the others."""
    return Intent(
        metric_type=", ".join(dict.fromkeys(one.metric_type for one in intents)),
        time_period=", ".join(dict.fromkeys(one.time_period for one in intents)),
        aggregation_level=", ".join(dict.fromkeys(one.aggregation_level for one in intents)),
    )


def refusal(error: RefusalError, examples: list[str], *, processing_time_ms: float) -> dict[str, Any]:
    """The reply to a question that was not, with what the reader can do about it."""
    meant = [f"Did you mean “{word}”?" for word in error.did_you_mean]
    asked = [f"For example: {question}" for question in examples[:3]]
    return {
        "success": False,
        "agent_metadata": _metadata(processing_time_ms, "refused"),
        "error": {
            "error_type": "question_not_understood",
            "message": error.message,
            "recovery_action": "rephrase",
            "suggestions": [*error.suggestions, *meant, *asked],
            "unmatched": error.unmatched,
            "did_you_mean": error.did_you_mean,
            "examples": examples,
        },
    }


def failure(error_type: str, message: str, *, recovery_action: str, suggestions: list[str]) -> dict[str, Any]:
    """The reply when no question could be looked at."""
    return {
        "success": False,
        "error": {
            "error_type": error_type,
            "message": message,
            "recovery_action": recovery_action,
            "suggestions": suggestions,
        },
    }


def intent_of(plan: QueryPlan) -> Intent:
    """The plan in the contract's few words."""
    names = SqlColumns(plan)
    return Intent(
        metric_type=names.measure_name(plan.measures[0])
        if plan.measures[0].aggregate is not Aggregate.NONE
        else "rows",
        time_period=" and ".join(period.text for period in plan.periods) or "all",
        aggregation_level=", ".join(
            d.column.table if d.column and d.column.via else names.dimension_name(d) for d in plan.dimensions
        )
        or "overall",
        filters={f.column.name: _wanted(f) for f in plan.filters},
        visualization_hint=plan.chart.value,
    )


def _wanted(condition: Filter) -> Any:
    values = list(condition.values)
    plain = values[0] if len(values) == 1 else values
    return plain if condition.operator in _EQUAL else {condition.operator.value: plain}


def _metadata(processing_time_ms: float, status: str) -> dict[str, Any]:
    return {
        "agent_name": "nlp",
        "agent_version": VERSION,
        "processing_time_ms": round(processing_time_ms, 3),
        "operation_id": uuid4().hex,
        "status": status,
    }
