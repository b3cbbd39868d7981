"""What answers instead of an agent that cannot: the last good answer, the bundled rules, a chart of our own.

A stand-in is always marked: its step is DEGRADED and says where the answer came from, why, and how old it is. Rows are
never invented. A stand-in that fails is logged, and the agent's error stands.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from agents.dialects import parse_nlp
from agents.errors import AgentError
from core.clock import now_ms
from core.logging import get_logger
from pipeline.charts import own_chart
from pipeline.inputs import asked_of, data_of, nlp_of, question_of
from pipeline.ledger import Ledger, Output
from state import keys
from state.transitions import Go

log = get_logger(__name__)


def load() -> None:
    """Import what stand-ins need: when one is wanted, half a second may be too long."""
    import agents.nlp.in_process
    import agents.viz.chart  # noqa: F401


class Source(StrEnum):
    """Where a stand-in's answer came from."""

    LAST_GOOD = "last_good"
    RULES = "rules"
    OWN_CHART = "own_chart"


@dataclass(frozen=True, slots=True)
class StandIn:
    """An output, and what the record says of it: `{source, reason, age_s?}`."""

    output: Output
    degradation: dict[str, Any]


def stand_in_for(ledger: Ledger, go: Go, error: AgentError) -> StandIn | None:
    """Somebody else's answer to the step that `error` ended; None when there is none."""
    if not (error.fallback or go.agent == "viz"):  # rows without a chart are worth more than no rows
        return None
    for source, find in _SOURCES.get(go.agent, ()):
        try:
            found = find(ledger, go)
        except Exception:
            log.exception("stand_in_failed", workflow_id=go.workflow_id, step=go.step, source=source)
            continue
        if found is not None:
            output, age_s = found
            age = {} if age_s is None else {"age_s": age_s}
            return StandIn(output, {"source": source, "reason": error.message, **age})
    return None


def last_good_key(agent: str, go: Go) -> str:
    """The key under which the step's output may stand in later, for the same question or query; empty for none."""
    if agent == "nlp":
        return question_key({**go.request, "query": asked_of(go)})
    if agent == "data":
        return _key("data", asked_of(go), go.request)
    return ""


def question_key(request: dict[str, Any]) -> str:
    """The key of the last good understanding of a question; case, spaces and a closing mark make no difference."""
    return _key("nlp", " ".join(request["query"].casefold().split()).rstrip("?!. "), request)


def _key(agent: str, what: str, request: dict[str, Any]) -> str:
    text = json.dumps([what, request.get("database_context")], sort_keys=True, default=str)
    return keys.last_good(agent, hashlib.sha256(text.encode()).hexdigest()[:24])


def _last_good(ledger: Ledger, go: Go) -> tuple[Output, float | None] | None:
    found = ledger.last_good(last_good_key(go.agent, go))
    if found is None:
        return None
    output, recorded_ms = found
    return output, round(max(0, now_ms() - recorded_ms) / 1000, 1)


def _by_rules(_ledger: Ledger, go: Go) -> tuple[Output, float | None] | None:
    """The bundled planner, in this process; it knows the data agent's schema, if that agent gives one."""
    from agents.nlp.in_process import understand
    from agents.nlp.refusal import RefusalError, SchemaUnavailableError

    try:
        return parse_nlp(understand(asked_of(go))).model_dump(), None
    except (RefusalError, SchemaUnavailableError) as error:
        log.info("rules_cannot_help", workflow_id=go.workflow_id, why=str(error))
        return None


def _chart_of_rows(_ledger: Ledger, go: Go) -> tuple[Output, float | None]:
    return own_chart(question_of(go), nlp_of(go), data_of(go)).model_dump(), None


_SOURCES: dict[str, tuple[tuple[Source, Callable[[Ledger, Go], tuple[Output, float | None] | None]], ...]] = {
    "nlp": ((Source.LAST_GOOD, _last_good), (Source.RULES, _by_rules)),
    "data": ((Source.LAST_GOOD, _last_good),),
    "viz": ((Source.OWN_CHART, _chart_of_rows),),
}
