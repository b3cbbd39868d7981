"""`/agents` and `/dashboard` in a real browser: an outage is told, a breaker's mode is set, failures are run again."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import requests
from playwright.sync_api import expect
from watched import LIMIT_MS

from tests.processes import wait_for
from tests.running_system import breaker, stopped

pytestmark = pytest.mark.browser

TOLD_WITHIN_S = 10.0
# A bar counts when it has a size and stands within the chart.
BARS_SEEN = """bars => bars.filter((bar) => {
  const box = bar.getBoundingClientRect(), chart = bar.ownerSVGElement.getBoundingClientRect();
  return box.width > 1 && box.height > 5 && box.left >= chart.left && box.right <= chart.right;
}).length"""
WINDOWS_DRAWN = "boxes => boxes.map((box) => box.view.scale('x').domain().map(Number))"
ALL_WELL = "All agents are up"


def ask(system, question):
    return requests.post(f"{system.base_url}/api/query", json={"query": question}, timeout=60)


# A clock of one form, in the zone in which the API tells moments: what is read can be held against what is so.
CLOCK = {"locale": "en-GB", "timezone_id": "UTC"}
MOMENT = r"(\d\d:\d\d:\d\d)"
OPEN_DATA = re.compile(
    r"The data agent [^.]*its breaker is open[^.]*\.\s+Since " + MOMENT + r" \([^)]+\)\.\s+"
    r"Meanwhile: Questions that were answered before get their earlier rows, marked as degraded; all others are "
    r"refused or fail at once[^\n]*\s+Tried again: at " + MOMENT + r" \(in \d+ s\)")


def read(page, wanted):
    """What a person sees who looks at the page, once it fits `wanted`, within ten seconds."""
    expect(page.locator("main")).to_contain_text(re.compile(r"\S"))
    found = []

    def reads() -> bool:
        found[:] = filter(None, [wanted.search(page.inner_text("main"))])
        return bool(found)

    wait_for(reads, f"{wanted.pattern} on {page.url}", TOLD_WITHIN_S)
    return found[0]


def apart_s(told, at):
    """From a moment to a time of day that a page tells."""
    hours, minutes, seconds = map(int, told.split(":"))
    of_day = at.hour * 3600 + at.minute * 60 + at.second
    return (hours * 3600 + minutes * 60 + seconds - of_day + 43_200) % 86_400 - 43_200


def test_an_outage_is_told_within_ten_seconds_and_so_is_its_end(visit, system):
    watched = visit(**CLOCK)
    page = watched.page
    page.goto("/agents")
    notices = page.locator("#notices")
    expect(notices).to_contain_text(ALL_WELL, timeout=LIMIT_MS)
    stopped_at = datetime.now(UTC)
    with stopped(system, "data"):
        for month in ("January", "February", "March", "April"):  # nobody waits for these: none is refused at the door
            body = {"query": f"flights per day in {month}"}
            assert requests.post(f"{system.base_url}/api/workflow", json=body, timeout=60).status_code == 202
        wait_for(lambda: breaker(system, "data")["state"] != "CLOSED", "the breaker to open", 30)
        for path in ("/agents", "/dashboard"):
            page.goto(path)
            since, again = read(page, OPEN_DATA).groups()
            assert -1 <= apart_s(since, stopped_at) <= 30
            assert 0 <= apart_s(again, datetime.now(UTC)) + 2 <= 60
            assert ALL_WELL not in page.inner_text("main")
    expect(notices).to_contain_text(ALL_WELL, timeout=LIMIT_MS)  # the page is live: nobody touched it
    assert "The data agent" not in notices.inner_text()
    expect(page.locator("#said")).to_contain_text(ALL_WELL)
    page.goto("/agents")
    card = page.locator("#agent-data")
    expect(card).to_contain_text(re.compile("Last opened.* ago, since its calls failed"))
    card.get_by_text("Health history").click()
    expect(card.locator(".history li").first).to_contain_text("healthy")


def test_an_agent_that_was_forced_open_says_by_whom_and_until_when(visit, system):
    page = visit(**CLOCK).page
    place = f"{system.base_url}/api/circuit-breakers/data/mode"
    forced = {"mode": "forced_open", "actor": "ann", "reason": "its tables move", "lasts_s": 3_600}
    began = datetime.now(UTC)
    assert requests.post(place, json=forced, timeout=10).ok
    wanted = re.compile(
        r"The data agent is called no more: its breaker was forced open by ann, who said: its tables move\.\s+"
        r"Since " + MOMENT + r".*\s+Meanwhile: Questions that were answered before.*\s+"
        r"Tried again: at " + MOMENT + r" \(in (?:1 h|59 min)[^)]*\), when that ends")
    for path in ("/dashboard", "/agents"):
        page.goto(path)
        since, again = read(page, wanted).groups()
        assert 0 <= apart_s(since, began) + 1 <= 12
        assert abs(apart_s(again, began + timedelta(hours=1))) <= 12
    assert requests.post(place, json={"mode": "auto", "actor": "ann", "reason": "they are there"}, timeout=10).ok
    expect(page.locator("#notices")).to_contain_text(ALL_WELL, timeout=LIMIT_MS)


def test_a_mode_is_confirmed_with_who_and_why(visit, system):
    page = visit().page
    page.goto("/agents")
    card = page.locator("#agent-viz")
    card.get_by_role("button", name="Only watch").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Only watch: the breaker of viz?")
    page.get_by_role("button", name="Only watch").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Only watch: the breaker of viz?")  # who?
    page.get_by_label("Who you are").fill("ann")
    page.get_by_label("Why").fill("a new version")
    page.get_by_label("For how long").select_option("1 hour")
    page.get_by_label("Why").press("Enter")
    expect(card).to_contain_text("Only watching: it says when it would have opened (ann: a new version), for 59 min")
    mode = breaker(system, "viz")["mode"]
    assert (mode["mode"], mode["actor"], mode["reason"]) == ("metrics_only", "ann", "a new version")
    done = requests.get(f"{system.base_url}/api/audit", timeout=10).json()["entries"][0]
    assert (done["target"], done["actor"], done["reason"]) == ("/agents/viz/mode", "ann", "a new version")
    card.get_by_role("button", name="Back to automatic").click()
    page.get_by_label("Who you are").fill("ann")
    page.get_by_label("Why").fill("it is well")
    page.get_by_role("button", name="Back to automatic").click()
    expect(card).to_contain_text("Automatic")
    assert breaker(system, "viz")["mode"]["mode"] == "auto"


def test_the_dashboard_draws_counts_and_runs_again_on_a_phone_in_the_dark(visit, system):
    assert ask(system, "flights per month").ok
    assert ask(system, "how many sandwiches were eaten").status_code == 422
    page = visit(color_scheme="dark", viewport={"width": 390, "height": 844}, timezone_id="Asia/Kolkata").page
    page.goto("/dashboard?window=15m")
    expect(page.locator("[data-chart][data-drawn=yes] svg")).to_have_count(2)
    expect(page.get_by_role("img", name="Time of answers by agent")).to_have_accessible_description(
        re.compile(r"At its slowest, \w+, 99 % of the answers came within [\d,]+ ms"))
    assert page.locator("[data-chart=throughput] svg .mark-rect path").evaluate_all(BARS_SEEN) >= 1
    assert page.locator("[data-chart=latency] svg .mark-symbol path").count() >= 3
    first, second = page.locator("[data-chart]").evaluate_all(WINDOWS_DRAWN)
    assert first == second  # the same time stands at the same place in both
    assert first[1] - first[0] == 16 * 60_000
    assert first[0] < datetime.now(UTC).timestamp() * 1000 < first[1] + 60_000
    expect(page.locator("#steps tbody th")).to_contain_text(["data", "nlp", "viz"])
    expect(page.locator("#workers tbody")).to_contain_text("now")
    page.get_by_text("These figures as a table").click()
    timeline = page.get_by_role("region", name="Figures over time")
    expect(timeline.locator("thead th")).to_contain_text(["From", "Succeeded", "data, half", "data, 99 %", "nlp, half"])
    expect(timeline.locator("tbody tr")).not_to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert int(page.locator("#tiles p").filter(has_text="succeeded").locator("b").inner_text().split()[-1]) >= 1
    group = page.locator("#errors tr").filter(has_text="question_not_understood").first
    many = int(group.locator("td").nth(1).inner_text())
    group.get_by_role("link", name="Run again").click()
    page.get_by_label("Who you are").fill("ann")
    page.get_by_label("Why").fill("sandwiches are in")
    page.get_by_role("button", name="Run again").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{many} of {many} run again")
