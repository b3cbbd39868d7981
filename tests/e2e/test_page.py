"""The web page in a real browser, against everything that `make run` starts."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.running_system import QUESTION, held, opened

pytestmark = pytest.mark.browser

ANSWERED = "#answer[data-state=done]"
REFUSED = "#answer[data-state=failed]"
# Keeps every text the list of steps ever showed: the steps are too quick to be caught by looking.
WATCH_STEPS = """
window.shown = [];
document.addEventListener("htmx:sseMessage", () => {
  window.shown.push([...document.querySelectorAll(".live .step .status")].map((one) => one.innerText.trim()));
});
"""


def ask(page: Page, question: str = QUESTION) -> None:
    page.get_by_label("Your question").fill(question)
    page.get_by_role("button", name="Ask", exact=True).click()


def drawn(page: Page) -> int:
    """Wait for the chart; how many marks have been drawn with a size."""
    page.wait_for_selector("[data-chart][data-drawn=yes] svg")
    return page.locator(".chart svg :is(.mark-rect, .mark-line) path").evaluate_all(
        "marks => marks.filter((mark) => mark.getBoundingClientRect().width > 1).length")


def test_a_question_goes_through_three_live_steps_to_a_chart(visit, system):
    page = visit().page
    page.evaluate(WATCH_STEPS)
    with held(system, "viz"):  # else all may be done before the page has looked once
        ask(page)
        page.wait_for_function("() => window.shown.some((words) => words.some((word) => word.includes('Working')))")
    page.wait_for_selector(ANSWERED)
    assert drawn(page) >= 16
    expect(page.get_by_role("heading", level=1)).to_have_text("Average departure delay (minutes) by carrier")
    expect(page.get_by_role("img", name=re.compile("16 values; highest F9 with 20.2"))).to_be_visible()
    expect(page.locator("tbody tr")).to_have_count(16)
    expect(page.locator("#said")).to_contain_text("The answer is there")
    assert re.fullmatch(rf"{system.base_url}/ask/[0-9a-f]{{32}}", page.url)
    shown = page.evaluate("window.shown")
    assert len(shown) >= 2, shown
    assert all(len(words) == 3 for words in shown)
    assert any("Working" in words for words in shown), shown
    assert [word.split("\n")[0].split(" (")[0] for word in shown[-1]] == ["Done"] * 3


def test_each_chart_is_drawn_without_a_complaint(visit):
    page = visit().page
    for question in ("how many flights are there", "flights per day", "distribution of departure delay",
                     "average departure delay by month and origin", "arrival delay versus departure delay"):
        ask(page, question)
        page.wait_for_url("**/ask/*")
        page.wait_for_selector(f"{ANSWERED} [data-drawn=yes] svg")
        expect(page).to_have_title(re.compile(question))


def test_an_example_is_filled_in_asked_and_answered_by_keyboard_alone(visit):
    page = visit().page
    examples = page.locator("[data-fill]")
    assert examples.count() >= 3
    wanted = examples.nth(2).inner_text()
    expect(page.get_by_label("Your question")).to_be_focused()
    for _ in range(4):
        page.keyboard.press("Tab")
    expect(examples.nth(2)).to_be_focused()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineWidth") == "3px"
    page.keyboard.press("Enter")
    expect(page.get_by_label("Your question")).to_have_value(wanted)
    expect(page.get_by_label("Your question")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_selector(ANSWERED)
    page.locator("details.sql summary").focus()
    page.keyboard.press("Enter")
    expect(page.locator("details.sql code")).to_contain_text("SELECT")


def test_a_refusal_says_what_to_do_and_its_button_fills_the_box(visit):
    page = visit().page
    ask(page, "average departure delya by carrier")
    page.wait_for_selector(REFUSED)
    refusal = page.get_by_role("alert")
    expect(refusal).to_contain_text("delya")
    expect(refusal).to_contain_text("What to do")
    page.locator(".meant").get_by_role("button", name="delay", exact=True).click()
    expect(page.get_by_label("Your question")).to_have_value(QUESTION)
    page.keyboard.press("Enter")
    page.wait_for_selector(ANSWERED)


def test_the_way_back_leads_to_the_answer_before(visit):
    page = visit().page
    ask(page)
    page.wait_for_selector(ANSWERED)
    first = page.url
    ask(page, "how many flights are there")
    page.wait_for_url(lambda url: url not in (first, "/"))
    page.wait_for_selector(f"{ANSWERED} [data-drawn=yes]")
    page.go_back()
    page.wait_for_url(first)
    assert drawn(page) >= 16
    expect(page.get_by_role("heading", level=1)).to_contain_text("by carrier")


def test_a_phone_shows_everything_without_scrolling_sideways(visit):
    page = visit(viewport={"width": 390, "height": 844}).page
    for question in (QUESTION, "flights by hour and carrier", "average departure delya by carrier"):
        ask(page, question)
        page.wait_for_selector(REFUSED if "delya" in question else f"{ANSWERED} [data-drawn=yes]")
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        assert page.evaluate("document.querySelector('main').getBoundingClientRect().right") <= 390


def test_charts_side_by_side_stand_below_each_other_on_a_phone(visit):
    page = visit(viewport={"width": 390, "height": 844}).page
    ask(page, "average delay by carrier and also the number of flights by month")
    page.wait_for_selector(f"{ANSWERED} [data-drawn=yes] svg")
    tops = page.locator(".chart svg .role-axis-title").evaluate_all(
        "all => all.map((one) => one.getBoundingClientRect().top)")
    letters = page.locator(".chart svg .role-axis-label text").first.bounding_box()
    assert max(tops) - min(tops) > 300
    assert letters is not None
    assert letters["height"] > 9  # px: not shrunk
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def luminance(colour: str) -> float:
    red, green, blue = (int(part) for part in re.findall(r"\d+", colour)[:3])
    return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_follows_the_colour_scheme(visit, scheme):
    page = visit(color_scheme=scheme).page
    ask(page)
    page.wait_for_selector(ANSWERED)
    assert drawn(page) >= 16
    paper = luminance(page.evaluate("getComputedStyle(document.querySelector('.chart-box')).backgroundColor"))
    axis = luminance(page.evaluate("getComputedStyle(document.querySelector('.role-axis-label text')).fill"))
    assert (paper < 0.3) == (scheme == "dark")
    assert abs(paper - axis) > 0.4


def test_without_javascript_the_answer_is_there_all_the_same(visit):
    page = visit(java_script_enabled=False).page
    page.locator("[data-fill]").first.click()
    assert page.get_by_label("Your question").input_value() != ""
    ask(page)
    page.wait_for_selector(ANSWERED)  # the page renews itself until then
    picture = page.get_by_role("img", name=re.compile("16 values"))
    expect(picture.and_(page.locator("img"))).to_be_visible()
    box = picture.and_(page.locator("img")).bounding_box()
    assert box is not None
    assert box["height"] > 200
    expect(page.locator("tbody tr")).to_have_count(16)


@pytest.mark.parametrize(("kind", "start"), [
    ("CSV", b"carrier,avg_dep_delay\r\nF9,20.2"), ("JSON", b"{"), ("PNG", b"\x89PNG"), ("SVG", b"<svg"),
])
def test_the_answer_can_be_taken_away(visit, kind, start):
    page = visit(accept_downloads=True).page
    ask(page)
    page.wait_for_selector(ANSWERED)
    with page.expect_download() as download:
        page.get_by_role("link", name=kind, exact=True).click()
    assert download.value.path().read_bytes().startswith(start)


def test_beside_the_box_stand_the_last_questions_and_each_agent_in_a_word(visit, system):
    page = visit().page
    beside = page.locator("#beside")
    ask(page, "flights per month")
    page.wait_for_selector(ANSWERED)
    newest = beside.locator(".asked li").first
    with opened(system, "viz"):
        expect(beside.locator(".dot").filter(has_text="viz")).to_contain_text("Breaker open", timeout=20_000)
        expect(newest).to_contain_text(re.compile(r"✓ Succeeded\s+flights per month"))
        assert beside.locator(".asked li").count() <= 5
        beside.get_by_role("link", name="flights per month").first.click()
        page.wait_for_selector(ANSWERED)
    expect(beside.locator(".dot")).to_contain_text(["nlp", "data", "viz"])
    beside.get_by_role("link", name="Agents").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Agents")
    page.go_back()
    beside.get_by_role("link", name="All workflows").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Workflows")
