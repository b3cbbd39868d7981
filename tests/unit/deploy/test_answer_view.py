"""What a person sees of an answer or a failure."""

from io import StringIO
from pathlib import Path
from typing import Any

from rich.console import Console

from deploy.answer_view import show, show_failure
from deploy.client import Event, parse_events

ANSWER: dict[str, Any] = {
    "interpretation": "average dep_delay by carrier", "assumptions": ["cancelled flights do not count"],
    "degradations": [{"step": "data", "source": "last good rows", "reason": "agent_timeout", "age_s": 61.0}],
    "duration_ms": 41.7, "visualization": {"title": "Delay by [carrier]"},
    "result": {"columns": [{"name": "carrier", "type": "string"}, {"name": "delay", "type": "number", "unit": "min"}],
               "data": [{"carrier": "UA", "delay": 12.345}, {"carrier": "AA", "delay": None}], "row_count": 2,
               "truncated": False, "sql_query": "SELECT 1"}}


def shown(answer: dict[str, Any], chart: Path | None = None) -> str:
    out = StringIO()
    show(answer, chart, "http://127.0.0.1:1/x.png" if chart else "", Console(file=out, width=100))
    return out.getvalue()


def test_an_answer_has_its_rows_its_reading_and_its_chart() -> None:
    text = shown(ANSWER, Path("charts/x.png"))
    for expected in ("Delay by [carrier]", "delay (min)", "12.35", " - ", "2 of 2 rows", "average dep_delay by carrier",
                     "cancelled flights do not count", "data: from last good rows, 61 s old because agent_timeout",
                     "SELECT 1", "42 ms", "charts/x.png  http://127.0.0.1:1/x.png"):
        assert expected in text


def test_many_rows_are_cut_and_counted() -> None:
    rows = [{"carrier": f"row-{number:03}", "delay": 1.0} for number in range(50)]
    text = shown({**ANSWER, "result": {**ANSWER["result"], "data": rows, "row_count": 50}})
    assert "row-019" in text
    assert "row-020" not in text
    assert "20 of 50 rows" in text


def test_no_rows_are_an_answer_too() -> None:
    assert "No rows match the question." in shown({**ANSWER, "result": {"columns": [], "data": [], "row_count": 0}})


def test_a_failure_says_what_happened_and_what_to_do() -> None:
    out = StringIO()
    show_failure({"error_type": "agent_unavailable", "message": "The data agent is away.", "step": "data",
                  "recovery_action": "wait_and_retry", "retry_after_s": 12.4, "suggestions": ["Look at [its] log."]},
                 Console(file=out, width=100))
    assert out.getvalue().splitlines() == [
        "No answer: The data agent is away.", "Kind         agent_unavailable, step data",
        "What to do   Wait a moment, then ask again. (12 s)", "  - Look at [its] log."]


def test_events_are_read_as_the_standard_says() -> None:
    lines = iter([": ping", "", "id: 1-0", "event: step", 'data: {"step": "nlp",', 'data: "status": "RUNNING"}', "",
                  "event:end", "data:{}", "", "event: step", "data: {}"])
    assert list(parse_events(lines)) == [
        Event("1-0", "step", {"step": "nlp", "status": "RUNNING"}), Event("", "end", {})]
