"""A chart of ours: beside what an agent sent when that is none we can draw, and instead of an agent that cannot."""

from agents.contract import AgentResult, DataResult, NlpResult, VizRequest, VizResult
from pipeline.inputs import data_of, nlp_of, question_of
from state.transitions import Go


def own_chart(query: str, nlp: NlpResult, data: DataResult) -> VizResult:
    """The chart of these rows, drawn in this process."""
    from agents.viz.chart import draw  # heavy; only workers need it (`pipeline.stand_ins.load`)

    return draw(VizRequest(data=data.rows, columns=list(data.columns), query=query, intent=nlp.intent.model_dump()))


def own_chart_if_needed(answer: AgentResult, go: Go) -> AgentResult:
    """`answer` as it is, unless it is a chart without a Vega-Lite spec: a Plotly figure or HTML is kept as data."""
    if not isinstance(answer, VizResult) or answer.spec is not None:
        return answer
    ours = own_chart(question_of(go), nlp_of(go), data_of(go))
    return answer.model_copy(
        update={
            "spec": ours.spec,
            "chart_type": ours.chart_type,
            "title": answer.title or ours.title,
            "reason": ours.reason,
            "alt_text": answer.alt_text or ours.alt_text,
        }
    )
