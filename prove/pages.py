"""The pages with ten thousand workflows in the store: how soon they come, what they weigh, what an open one costs."""

import http.client
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import quantiles
from typing import Any
from urllib.parse import urlencode, urlsplit

import psutil
from playwright.sync_api import CDPSession, Page, sync_playwright

from prove.proof import Figure, Part, Result, Run
from prove.stocked import Stocked, stocked
from tests.browser import NO_BROWSER, chromium_path

STORED, REQUESTS, WARM_UP = 10_000, 100, 3
SERVER_MS, WEIGHT_KB, IDLE_SHARE = 300.0, 500.0, 0.01
OPEN_S, BEFORE_S, SETTLES_MS, DRAWN_MS = 60, 15, 3_000, 15_000
LIVE = ("Ask", "a question under way", "workflows", "a workflow of 2,000 events", "agents", "dashboard")
CHART_LIBRARY = "/static/vendor/vega"
NOTHING = "nobody asked for this"
A_DAY_AND_MORE_MS = 30 * 3_600_000
BROWSER_OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


def pages(here: Stocked) -> dict[str, str]:
    """Every page, by what it is called."""
    return {
        "Ask": "/",
        "an answer": f"/ask/{here.answered}",
        "a question under way": f"/ask/{here.eventful}",
        "workflows": "/workflows",
        "an answered workflow": f"/workflows/{here.answered}",
        "a workflow of 2,000 events": f"/workflows/{here.eventful}",
        "a workflow of 100 attempts": f"/workflows/{here.tried}",
        "its inspector": f"/workflows/{here.tried}?step=data&attempt=50",
        "its failures": f"/workflows/{here.tried}?only=failures",
        "agents": "/agents",
        "dashboard": "/dashboard",
        "dashboard of 7 days": "/dashboard?window=7d",
    }


def lists() -> dict[str, str]:
    """The list with each filter; the searches for `NOTHING` go through all there is."""
    wanted: dict[str, dict[str, Any]] = {
        "a status": {"status": "FAILED"},
        "several statuses": {"status": ["SUCCEEDED", "DEGRADED", "FAILED"]},
        "a text that all have": {"text": "CARRIER"},
        "a text that none has": {"text": NOTHING},
        "a text that none of a status has": {"text": NOTHING, "status": "SUCCEEDED"},
        "a failed agent": {"failed_agent": "data"},
        "an agent that never failed": {"failed_agent": "viz"},
        "a time": {"min_duration_ms": 1},
        "a time that none took": {"min_duration_ms": A_DAY_AND_MORE_MS},
        "a moment": {"created_after": "2020-01-01T00:00"},
        "all together": {"text": NOTHING, "status": "FAILED", "failed_agent": "data", "min_duration_ms": 1},
    }
    return {f"list by {name}": f"/workflows?{urlencode(filters, doseq=True)}" for name, filters in wanted.items()}


def times(run: Run) -> Result:
    """From the request to the first byte and to the last, one client on loopback."""
    with stocked(run.folder, run.sized(STORED, 1_000)) as here:
        wanted = pages(here) | lists()
        taken = {name: _taken(here, path, run.sized(REQUESTS, 10)) for name, path in wanted.items()}
    figures = [Figure(f"{name}: to the last byte, p95", round(taken[name].p95_ms, 1), "ms", SERVER_MS)
               for name in sorted(taken, key=lambda name: -taken[name].p95_ms)]
    return Result(figures, {"stored": here.stored, "requests_each": run.sized(REQUESTS, 10),
                            "first byte p50 p95 worst, last byte p50 p95 worst, ms":
                            {name: one.told() for name, one in taken.items()}})


@dataclass(frozen=True)
class Taken:
    """What the requests for one page took, each to its first and to its last byte."""

    first_ms: list[float]
    last_ms: list[float]

    @property
    def p95_ms(self) -> float:
        """Of the whole page."""
        return quantiles(self.last_ms, n=20)[18]

    def told(self) -> list[float]:
        """Half, 95 % and the worst, to the first byte and to the last."""
        return [round(ms, 1) for of in (self.first_ms, self.last_ms)
                for ms in (quantiles(of, n=20)[9], quantiles(of, n=20)[18], max(of))]


def _taken(here: Stocked, path: str, count: int) -> Taken:
    connection = http.client.HTTPConnection(urlsplit(here.system.base_url).netloc, timeout=30)
    found = [_request(connection, path) for _ in range(count + WARM_UP)][WARM_UP:]
    connection.close()
    return Taken([first for first, _ in found], [last for _, last in found])


def _request(connection: http.client.HTTPConnection, path: str) -> tuple[float, float]:
    began = time.perf_counter()
    connection.request("GET", path)
    reply = connection.getresponse()
    reply.read(1)
    first = time.perf_counter()
    body = reply.read()
    if reply.status != 200:
        raise RuntimeError(f"{path} answers {reply.status}: {body[:500]!r}")
    return (first - began) * 1000, (time.perf_counter() - began) * 1000


def weights(run: Run) -> Result:
    """All bytes that a browser with an empty cache loads for a page, but for the chart library."""
    with stocked(run.folder, run.sized(STORED, 1_000)) as here, _browser() as new_page:
        found = {name: _weight(new_page, here.system.base_url + path) for name, path in pages(here).items()}
        found |= {name: _weight(new_page, here.system.base_url + path) for name, path in lists().items()}
    figures = [Figure(f"{name}: unpacked", round(loaded / 1000, 1), "kB", WEIGHT_KB)
               for name, (loaded, _) in sorted(found.items(), key=lambda one: -one[1][0])]
    return Result(figures, {"sent, kB": {name: round(sent / 1000, 1) for name, (_, sent) in found.items()}})


def _weight(new_page: Callable[[], Page], url: str) -> tuple[int, int]:
    """Bytes unpacked, and bytes on the wire with their headers."""
    page = new_page()
    session = page.context.new_cdp_session(page)
    urls, loaded, sent = dict[str, str](), dict[str, int](), dict[str, int]()

    def got(event: dict[str, Any]) -> None:
        loaded[event["requestId"]] = loaded.get(event["requestId"], 0) + event["dataLength"]

    session.on("Network.requestWillBeSent", lambda event: urls.update({event["requestId"]: event["request"]["url"]}))
    session.on("Network.dataReceived", got)
    session.on("Network.loadingFinished", lambda event: sent.update({event["requestId"]: event["encodedDataLength"]}))
    session.send("Network.enable")
    _open(page, url)
    counted = [one for one, path in urls.items() if not urlsplit(path).path.startswith(CHART_LIBRARY)]
    page.close()
    return sum(loaded.get(one, 0) for one in counted), sum(sent.get(one, 0) for one in counted)


def _open(page: Page, url: str) -> None:
    """Open it, until its charts are drawn."""
    reply = page.goto(url, wait_until="load")
    if reply is None or not reply.ok:
        raise RuntimeError(f"{url} answers {reply and reply.status}")
    page.wait_for_function("[...document.querySelectorAll('[data-chart]')].every((one) => one.dataset.drawn === 'yes')",
                           timeout=DRAWN_MS)


def idle(run: Run) -> Result:
    """Processor time of the API and of the browser, all of it, while a page is open and nothing happens."""
    with stocked(run.folder, run.sized(STORED, 1_000)) as here, _browser() as new_page:
        api = psutil.Process(here.system.pids()["api"])
        found = {"no page": _shares({"API": [api]}, run.sized(BEFORE_S, 5))}
        for name, path in pages(here).items():
            if name not in LIVE:
                continue
            page = new_page()
            _open(page, here.system.base_url + path)
            page.wait_for_timeout(SETTLES_MS)  # what opening it cost is not what having it open costs
            found[name] = _shares({"API": [api], "browser": _renderers(page)}, run.sized(OPEN_S, 10))
            page.close()
            run.note(f"{name}: {found[name]}")
    figures = [Figure(f"{name}, open: {who}", share, "cores", IDLE_SHARE)
               for name, shares in found.items() for who, share in shares.items()]
    return Result(figures, {"open_s": run.sized(OPEN_S, 10)})


def _renderers(page: Page) -> list[psutil.Process]:
    """The browser's processes that render and run pages."""
    session: CDPSession = page.context.browser.new_browser_cdp_session()  # type: ignore[union-attr]
    told = session.send("SystemInfo.getProcessInfo")["processInfo"]
    session.detach()
    found = [psutil.Process(one["id"]) for one in told if one["type"] == "renderer"]
    if not found:
        raise RuntimeError("the browser has no renderer")
    return found


def _shares(watched: dict[str, list[psutil.Process]], seconds: float) -> dict[str, float]:
    """How much of a core each used over so long."""
    began, before = time.monotonic(), {who: _cpu_s(of) for who, of in watched.items()}
    time.sleep(seconds)  # the time over which it is measured
    wall = time.monotonic() - began
    return {who: round((_cpu_s(of) - before[who]) / wall, 5) for who, of in watched.items()}


def _cpu_s(of: Iterable[psutil.Process]) -> float:
    return sum(sum(one.cpu_times()[:2]) for one in of)


@contextmanager
def _browser() -> Iterator[Callable[[], Page]]:
    """A Chromium; each page has a cache of its own, empty at first."""
    path = chromium_path()
    if path is None:
        raise RuntimeError(NO_BROWSER)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=BROWSER_OPTIONS)
        yield lambda: running.new_context().new_page()
        running.close()


PARTS = [Part("pages", "times", 300, times), Part("pages", "weights", 180, weights), Part("pages", "idle", 540, idle)]
