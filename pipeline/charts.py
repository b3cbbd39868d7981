"""A chart of ours beside what an agent sent: a Plotly figure or HTML is kept as data, and drawn from the rows by us."""

from agents.contract import DataResult, NlpResult, VizRequest, VizResult
from state.transitions import Go


def own_chart_if_needed(answer: NlpResult | DataResult | VizResult, go: Go) -> NlpResult | DataResult | VizResult:
    """`answer` as it is, unless it is a chart without a Vega-Lite spec."""
    if not isinstance(answer, VizResult) or answer.spec is not None:
        return answer
    from agents.viz.chart import draw  # heavy, and seldom needed

    data = DataResult.model_validate(go.inputs["data"])
    nlp = NlpResult.model_validate(go.inputs["nlp"])
    ours = draw(
        VizRequest(
            data=data.rows, columns=list(data.columns), query=go.request["query"], intent=nlp.intent.model_dump()
        )
    )
    return answer.model_copy(
        update={
            "spec": ours.spec,
            "chart_type": ours.chart_type,
            "title": answer.title or ours.title,
            "reason": ours.reason,
            "alt_text": answer.alt_text or ours.alt_text,
        }
    )
