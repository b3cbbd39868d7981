"""What `/dashboard` and `/agents` show is what the API says: the same figures, read off the pages' text."""

import re

import pytest
from test_counts import begin, client, fail, finish, overdue, retry, run_to_the_end, start, store

from api.pages.board import share, took
from state import control
from state.model import Mode

__all__ = ["client", "store"]  # fixtures


@pytest.fixture
def worked(store):
    """A bit of everything that is counted."""
    for mode in (Mode.INTERACTIVE, Mode.BACKGROUND, Mode.INTERACTIVE):
        run_to_the_end(store, mode)
    (data,) = finish(store, begin(store, start(store)), {"source": "rules", "reason": "away"}).released
    finish(store, begin(store, retry(store, data)))
    fail(store, begin(store, start(store)))
    overdue(store, retry(store, start(store), called=False))
    store.run(control.cancel(start(store).workflow_id, actor="ann", reason="", ttl_s=100))
    begin(store, start(store))


def part(page, name):
    """The HTML of the page's part of that id, up to the next one's."""
    return re.split(r"</?(?:section|details|article)\b", page.split(f'id="{name}"', 1)[1])[0]


def texts(html, tag):
    """What stands in each such element."""
    return [" ".join(re.sub(r"<[^>]+>", " ", one).split()) for one in re.findall(rf"<{tag}\b[^>]*>(.*?)</{tag}>", html,
                                                                               re.DOTALL)]


def rows(html):
    """Cells by the first cell."""
    return {cells[0]: cells[1:] for row in re.findall(r"<tr>.*?</tr>", html, re.DOTALL)
            if (cells := texts(row.replace("<th", "<td").replace("</th", "</td"), "td"))}


def test_the_tiles_are_the_api_s_figures(api, worked):
    told = api.get("/api/workflow/metrics?window=1h").json()
    of, now = told["workflows"], told["now"]
    assert (of["accepted"], of["ended"]["SUCCEEDED"], of["ended"]["DEGRADED"], now["overdue"]) == (8, 3, 1, 1)
    wanted = [f"{of['accepted']} accepted"]
    wanted += [f"{mark} {of['ended'][status]} {status.lower()}" for mark, status in
               (("✓", "SUCCEEDED"), ("≈", "DEGRADED"), ("✕", "FAILED"), ("\N{EN DASH}", "CANCELLED"))]
    wanted += [f"{share(of['answered_rate'])} answered"]
    wanted += [f"{took(of['duration_ms'][at])} {words}" for at, words in
               (("p50", "half within"), ("p95", "95 % within"), ("p99", "99 % within"))]
    wanted += [f"{sum(now['open_workflows'].values())} open now", f"{now['overdue']} overdue now"]
    assert texts(part(api.get("/dashboard").text, "tiles"), "p") == wanted


def test_the_rows_of_agents_queues_and_time_are_the_api_s_figures(api, worked):
    told, page = api.get("/api/workflow/metrics?window=1h").json(), api.get("/dashboard").text
    shown = rows(part(page, "steps"))
    for agent, of in told["agents"].items():
        ended, retries = sum(of["steps"].values()), of["retry"]["retries"]
        assert shown[agent] == [
            str(ended), *(took(of["attempt_ms"][at]) for at in ("p50", "p95", "p99")), took(of["step_ms"]["p95"]),
            str(of["steps"]["FAILED"]), share(of["fallback_share"]),
            f"{retries} ({share(retries / ended)})" if ended else str(retries), str(of["retry"]["waits_for_breaker"])]
    assert told["agents"]["data"]["retry"]["retries"] == told["agents"]["nlp"]["retry"]["waits_for_breaker"] == 1
    assert {name: int(cells[0]) for name, cells in rows(part(page, "queues")).items() if cells[0].isdigit()} == {
        name: queue["depth"] for name, queue in told["now"]["queues"].items()}
    timeline = [cells for cells in rows(part(page, "timeline")).values() if cells[0].isdigit()]
    ends = [sum(int(cells[at]) for cells in timeline) for at in range(4)]
    assert ends == list(told["workflows"]["ended"].values())
    assert f"{sum(ends)} workflows ended" in page


def test_the_cards_are_the_api_s_figures(api, worked):
    told, page = api.get("/api/workflow/metrics?window=1h").json(), api.get("/agents").text
    for agent in ("nlp", "data"):
        of = told["agents"][agent]
        said = dict(zip(texts(part(page, f"facts-{agent}"), "dt"), texts(part(page, f"facts-{agent}"), "dd"),
                        strict=True))
        half, most, nearly_all = (took(of["attempt_ms"][at]) for at in ("p50", "p95", "p99"))
        assert said["Answers take"].replace("&nbsp;", " ") == f"half within {half}, 95 % {most}, 99 % {nearly_all}"
        assert said["Errors"] == (f"{share(1 - of['success_rate'])} of the last hour's steps "
                                  f"({share(of['fallback_share'])} had a stand-in)")
