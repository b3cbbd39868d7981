"""Hostile replies through the whole system: real worker, API and browser. What comes out is clear, small and inert."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
import requests
from playwright.sync_api import Page, sync_playwright

from tests.browser import NO_BROWSER, chromium_path
from tests.chaos.arena import LocalApi
from tests.processes import LocalProcess, LocalValkey, LocalWorker, wait_for
from tests.safety.hostile_agent import HostileAgent
from tests.safety.hostile_replies import DATA, HOSTILE, SCRIPT, VIZ, Hostile

AT_ONCE = 16
GROWTH_MAX_BYTES = 400 * 1024 * 1024  # of one process, over all of them
PAGE_MAX_BYTES = 20 * 1024 * 1024
LIMIT_S = 60.0
ONE_TRY = {name: value for agent in ("NLP", "DATA", "VIZ") for name, value in (
    (f"{agent}_MAX_ATTEMPTS", "1"), (f"{agent}_TIMEOUT_S", "10"), (f"{agent}_BREAKER_THRESHOLD", "100000"))}
ENDED = {"SUCCEEDED", "DEGRADED", "FAILED"}
LOOKED_AT = [one for one in HOSTILE if one.path == VIZ or "HTML" in one.name or "JavaScript" in one.name]


@dataclass
class Place:
    """The system, and what became of each case."""

    agent: HostileAgent
    worker: LocalWorker
    api: LocalApi
    grown: dict[str, int]
    ids: dict[str, str]

    def get(self, path: str) -> requests.Response:
        return requests.get(self.api.url + path, timeout=LIMIT_S)

    def answer_of(self, name: str) -> dict[str, Any]:
        """The answer, by a reader that takes strict JSON alone."""
        found: dict[str, Any] = json.loads(self.get(f"/api/workflow/{self.ids[name]}").content, parse_constant=refused)
        return found


def refused(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


def resident(process: LocalProcess) -> int:
    """Bytes of memory of a process and those it started."""
    one = psutil.Process(process.process.pid)
    return sum(each.memory_info().rss for each in (one, *one.children(recursive=True)))


@pytest.fixture(scope="module")
def place(valkey: LocalValkey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("hostile")
    with HostileAgent().serving() as agent:
        environment = {"REDIS_URL": valkey.url, "DATA": "", **ONE_TRY,
                       **{f"{name}_AGENT_URL": agent.url for name in ("NLP", "DATA", "VIZ")}}
        worker, api = LocalWorker(folder, environment), LocalApi(folder, environment)
        try:
            worker.ready()
            api.ready()
            here = Place(agent, worker, api, {}, {})
            ask_all(here)
            yield here
        finally:
            api.teardown()
            worker.discard()


def ask_all(place: Place) -> None:
    """Every case once, a few at a time, and a good question before and after."""
    answered(place, "a good question")
    before = {"worker": resident(place.worker), "api": resident(place.api)}
    for at in range(0, len(HOSTILE), AT_ONCE):
        some = HOSTILE[at:at + AT_ONCE]
        for one in some:
            place.agent.play(one.name, one.path, one.send)
            place.ids[one.name] = asked(place, one.name)
        for one in some:
            ended(place, place.ids[one.name])
    place.grown = {"worker": resident(place.worker) - before["worker"], "api": resident(place.api) - before["api"]}


def asked(place: Place, question: str) -> str:
    reply = requests.post(f"{place.api.url}/api/query", json={"query": question}, timeout=LIMIT_S,
                          headers={"Prefer": "respond-async"})
    assert reply.status_code == 202, reply.text
    return str(reply.json()["workflow_id"])


def ended(place: Place, workflow_id: str) -> str:
    """Its final status."""
    def status() -> str:
        return str(place.get(f"/api/workflow/{workflow_id}/status").json()["status"])
    wait_for(lambda: status() in ENDED, "an end", LIMIT_S)
    return status()


def answered(place: Place, question: str) -> None:
    assert ended(place, asked(place, question)) == "SUCCEEDED"


@pytest.mark.parametrize("one", HOSTILE, ids=lambda one: one.name[:50])
def test_the_answer_is_clear(place: Place, one: Hostile) -> None:
    answer = place.answer_of(one.name)
    if one.error is None:
        assert answer["status"] in {"SUCCEEDED", "FAILED"}, answer["degradations"]
    else:  # rows of an earlier answer to the same query may stand in
        assert answer["status"] == "FAILED" or (one.path == DATA and answer["status"] == "DEGRADED")
    if answer["status"] == "FAILED":
        error = answer["error"]
        assert error["message"]
        assert error["recovery_action"]
        assert error["step"] in {"nlp", "data", "viz"}
        assert error["error_type"] != "internal_error", error
        assert len(json.dumps(error)) < 2_100_000
    assert answer["workflow_id"] == place.ids[one.name]
    page = place.get(f"/ask/{place.ids[one.name]}")
    assert page.status_code < 500 or page.status_code in {502, 503, 504}
    assert len(page.content) < PAGE_MAX_BYTES
    assert SCRIPT not in page.text
    assert place.get(f"/api/workflow/{place.ids[one.name]}/rows.csv").status_code in {200, 404}


def test_both_processes_are_up_and_small_and_answer_the_next_question(place: Place) -> None:
    assert (place.worker.status, place.api.status) == ("running", "running")
    assert max(place.grown.values()) < GROWTH_MAX_BYTES, place.grown
    answered(place, "one more good question")
    assert "step_broke" not in place.worker.logs()
    assert "request_failed" not in place.api.logs()


def test_no_line_of_a_log_is_an_agents(place: Place) -> None:
    for process in (place.worker, place.api):
        assert "\x1b[2J" not in process.logs()
        assert not [line for line in process.logs().splitlines() if line.startswith("2026-01-01T00:00:00Z")]


def test_no_cookie_of_an_agent_comes_back(place: Place) -> None:
    assert place.agent.calls
    assert not [headers for _, headers in place.agent.calls if "cookie" in headers]


@dataclass
class Watched:
    """A page, what it asked for, and what it said in a dialog."""

    page: Page
    asked: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def watched(place: Place) -> Iterator[Watched]:
    path = chromium_path()
    if not path:
        pytest.skip(NO_BROWSER)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        one = Watched(browser.new_page(base_url=place.api.url))
        one.page.on("dialog", lambda dialog: (one.said.append(dialog.message), dialog.dismiss()))
        one.page.on("request", lambda request: one.asked.append(request.url))
        yield one
        browser.close()


@pytest.mark.browser
@pytest.mark.parametrize("one", LOOKED_AT, ids=lambda one: one.name[:50])
def test_a_browser_runs_nothing_and_asks_nobody_else(place: Place, watched: Watched, one: Hostile) -> None:
    page = watched.page
    page.goto(f"/ask/{place.ids[one.name]}")
    page.wait_for_selector("#answer[data-state=done], #answer[data-state=failed]", state="attached")
    if page.locator("[data-chart]").count():
        page.wait_for_selector("[data-chart][data-drawn]", state="attached")
    links = page.evaluate("[...document.querySelectorAll('a')].map((one) => String(one.getAttribute('href') ||"
                          " one.getAttribute('xlink:href')))")
    assert watched.said == []
    ours = urlsplit(place.api.url).netloc
    assert {urlsplit(url).netloc for url in watched.asked if not url.startswith(("data:", "blob:"))} == {ours}
    assert not [link for link in links if link.lower().startswith("javascript:")]
