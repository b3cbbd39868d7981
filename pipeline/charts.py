"""A chart of ours: beside what an agent sent when that is none we can draw, and instead of an agent that cannot."""

from agents.contract import AgentResult, DataResult, NlpResult, VizRequest, VizResult
from agents.viz.safety import UnsafeSpec, require_safe
from core.logging import get_logger
from pipeline.inputs import data_of, nlp_of, question_of
from state.transitions import Go

log = get_logger(__name__)


def own_chart(query: str, nlp: NlpResult, data: DataResult) -> VizResult:
    """The chart of these rows, drawn in this process."""
    from agents.viz.chart import draw  # heavy; only workers need it (`pipeline.stand_ins.load`)

    return draw(VizRequest(data=data.rows, columns=list(data.columns), query=query, intent=nlp.intent.model_dump()))


def own_chart_if_needed(answer: AgentResult, go: Go) -> AgentResult:
    """`answer` as it is, unless it is a chart without a Vega-Lite spec that may be drawn.

    A Plotly figure or HTML is kept as data; a spec that reaches outside or asks for endless work is not kept.
    """
    if not isinstance(answer, VizResult):
        return answer
    fault = _fault_of(answer)
    if answer.spec is not None and not fault:
        return answer
    ours = own_chart(question_of(go), nlp_of(go), data_of(go))
    if fault:
        log.warning("chart_unsafe", why=fault)
    return answer.model_copy(
        update={
            "spec": ours.spec,
            "chart_type": ours.chart_type,
            "title": answer.title or ours.title,
            "reason": f"{ours.reason} The agent's own chart {fault}, so this one was drawn." if fault else ours.reason,
            "alt_text": answer.alt_text or ours.alt_text,
        }
    )


def _fault_of(answer: VizResult) -> str:
    """Why the agent's spec may not be drawn; empty when there is none, or none is wrong with it."""
    try:
        require_safe(answer.spec or {})
    except UnsafeSpec as error:
        return str(error)
    return ""
