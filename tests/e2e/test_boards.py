"""`/agents` and `/dashboard` in a real browser: an outage is told, a breaker's mode is set, failures are run again."""

import re
import threading
import time

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
ALL_WELL = "All agents are up"


def ask(system, question):
    return requests.post(f"{system.base_url}/api/query", json={"query": question}, timeout=60)


def test_an_outage_is_told_within_ten_seconds_and_so_is_its_end(visit, system):
    page = visit().page
    page.goto("/agents")
    notices = page.locator("#notices")
    expect(notices).to_contain_text(ALL_WELL, timeout=LIMIT_MS)
    with stopped(system, "data"):
        months = ("January", "February", "March", "April")
        asking = [threading.Thread(target=ask, args=(system, f"flights per day in {month}")) for month in months]
        for one in asking:
            one.start()
        wait_for(lambda: breaker(system, "data")["state"] != "CLOSED", "the breaker to open", 30)
        since = time.monotonic()
        for path in ("/agents", "/dashboard"):
            page.goto(path)
            notice = notices.locator("[data-agent=data]")
            expect(notice).to_contain_text(re.compile("The data agent .* its breaker is (half )?open"))
            expect(notice).to_contain_text(re.compile(r"Since .*\d:\d\d.* \(\d+ s"))
            expect(notice).to_contain_text("Meanwhile: Questions that were answered before get their earlier rows")
            expect(notice).to_contain_text(re.compile(r"Tried again: (at .* \(in \d+ s\)|right now|within \d+ s)"))
        assert time.monotonic() - since < TOLD_WITHIN_S
        for one in asking:
            one.join()
    expect(notices).to_contain_text(ALL_WELL, timeout=LIMIT_MS)  # the page is live: nobody touched it
    expect(page.locator("#said")).to_contain_text(ALL_WELL)
    page.goto("/agents")
    card = page.locator("#agent-data")
    expect(card).to_contain_text(re.compile("Last opened.* ago, since its calls failed"))
    card.get_by_text("Health history").click()
    expect(card.locator(".history li").first).to_contain_text("healthy")


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
    page = visit(color_scheme="dark", viewport={"width": 390, "height": 844}).page
    page.goto("/dashboard?window=15m")
    expect(page.locator("[data-chart][data-drawn=yes] svg")).to_have_count(2)
    assert page.locator("[data-chart=throughput] svg .mark-rect path").evaluate_all(BARS_SEEN) >= 1
    assert page.locator("[data-chart=latency] svg .mark-symbol path").count() >= 3
    expect(page.locator("#steps tbody th")).to_contain_text(["data", "nlp", "viz"])
    expect(page.locator("#workers tbody")).to_contain_text("now")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert int(page.locator("#tiles p").filter(has_text="succeeded").locator("b").inner_text().split()[-1]) >= 1
    group = page.locator("#errors tr").filter(has_text="question_not_understood").first
    many = int(group.locator("td").nth(1).inner_text())
    group.get_by_role("link", name="Run again").click()
    page.get_by_label("Who you are").fill("ann")
    page.get_by_label("Why").fill("sandwiches are in")
    page.get_by_role("button", name="Run again").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{many} of {many} run again")
