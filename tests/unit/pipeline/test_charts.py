"""A chart of ours beside one that cannot be drawn here."""

from steps_at_work import ROWS, UNDERSTOOD, begun

from agents.contract import DataResult, NlpResult, VizResult
from pipeline.charts import own_chart, own_chart_if_needed

GO = begun("viz", {"nlp": UNDERSTOOD, "data": ROWS})
PLOTLY = VizResult(chart_type="pie", title="Theirs", chart_data={"data": [], "layout": {}}, chart_kind="plotly",
                   chart_config={"hole": 1})


def drawn(chart: VizResult) -> set[str]:
    """Every value of the chart's data."""
    values = chart.spec["data"]["values"]
    return {str(value) for row in values for value in row.values()}


def test_the_rows_are_drawn_in_this_process():
    chart = own_chart("flights by carrier", NlpResult.model_validate(UNDERSTOOD), DataResult.model_validate(ROWS))
    assert {"UA", "DL", "3", "2"} <= drawn(chart)
    assert chart.alt_text


def test_a_chart_with_a_spec_and_other_answers_stay_as_they_are():
    for answer in (VizResult(spec={"mark": "bar"}), DataResult.model_validate(ROWS)):
        assert own_chart_if_needed(answer, GO) is answer


def test_another_kind_of_chart_is_kept_as_data_beside_one_of_ours():
    both = own_chart_if_needed(PLOTLY, GO)
    assert {"UA", "DL", "3", "2"} <= drawn(both)
    assert (both.title, both.chart_data, both.chart_kind, both.chart_config) == (
        "Theirs", PLOTLY.chart_data, "plotly", {"hole": 1})
    assert both.chart_type == own_chart("flights by carrier", NlpResult.model_validate(UNDERSTOOD),
                                        DataResult.model_validate(ROWS)).chart_type != "pie"


def test_a_chart_without_words_gets_ours():
    both = own_chart_if_needed(PLOTLY.model_copy(update={"title": "", "alt_text": ""}), GO)
    assert both.title
    assert both.alt_text
    assert own_chart_if_needed(PLOTLY.model_copy(update={"alt_text": "A pie."}), GO).alt_text == "A pie."
