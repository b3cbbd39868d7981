"""The pictures of the docs, of everything that `make run` starts: `make screenshots [ARGS="--minutes 1"]`.

For some minutes questions are asked; one fails, one is answered with a stand-in, one asks for two things. Then the data
agent is stopped until its breaker opens, and each page is shot in light, in dark and on a phone.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import BytesIO
from itertools import cycle
from pathlib import Path
from typing import Any, Final

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from core.settings import ROOT
from tests.browser import chromium_path
from tests.processes import LocalSystem, wait_for
from tests.running_system import QUESTION, asked, breaker, held, opened, stopped

FOLDER: Final = ROOT / "docs" / "images"
COLOURS: Final = 256
MOST_BYTES: Final = 150_000
HIGHEST: Final = 1_500  # of what a picture shows, in CSS pixels
PAUSE_S: Final = 4.0
LOOKS: Final[dict[str, dict[str, Any]]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1200, "height": 800}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1200, "height": 800}},
    "phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}, "device_scale_factor": 1.5},
}
COMPLEX: Final = "average delay by carrier and also the number of flights by month"
REFUSED: Final = "average departure delya by carrier"
QUESTIONS: Final = (
    QUESTION,
    "flights per month",
    "top 5 destinations by number of flights",
    COMPLEX,
    "how many flights are there",
    REFUSED,
    "arrival delay versus departure delay",
    "average arrival delay by month and origin",
)


@dataclass(frozen=True)
class Shot:
    """One page, what to wait for, and what of it is shot."""

    name: str
    path: str
    ready: str
    part: str = "body"  # from its top on
    looks: tuple[str, ...] = ("light", "dark", "phone")


def keep_asking(system: LocalSystem, minutes: float) -> None:
    """Questions, one after the other, and now and then without the viz agent."""
    until = time.monotonic() + 60 * minutes
    for number, question in enumerate(cycle(QUESTIONS)):
        if time.monotonic() > until and number >= len(QUESTIONS):
            return
        asked(system, question)
        time.sleep(PAUSE_S)
        if number % len(QUESTIONS) == 1:
            with opened(system, "viz"):
                asked(system, f"flights per day in {('March', 'April', 'May')[number // len(QUESTIONS) % 3]}")
            time.sleep(PAUSE_S)


@contextmanager
def outage(system: LocalSystem) -> Iterator[None]:
    """The data agent is away, and its breaker has opened because of calls that were under way."""
    with ExitStack() as stack:
        with held(system, "nlp"):
            for month in ("June", "July", "August", "October"):
                asked(system, f"flights per day in {month}", wait=False)
            stack.enter_context(stopped(system, "data"))
        wait_for(lambda: breaker(system, "data")["state"] == "OPEN", "the breaker to open")
        yield


def shoot(browser: Browser, base_url: str, shots: Sequence[Shot]) -> None:
    """Every shot in every look."""
    for look, options in LOOKS.items():
        context = browser.new_context(base_url=base_url, **options)
        page = context.new_page()
        for shot in (shot for shot in shots if look in shot.looks):
            page.goto(shot.path)
            page.wait_for_selector(shot.ready)
            page.evaluate("document.activeElement.blur()")
            save(page, shot.part, FOLDER / f"{shot.name}-{look}.png")
        context.close()


def save(page: Page, part: str, file: Path) -> None:
    """The page from the top of this part on, `HIGHEST` at most, in few colours."""
    top = max(0, page.locator(part).evaluate("part => part.getBoundingClientRect().top + window.scrollY") - 16)
    width, end = page.evaluate("[document.documentElement.clientWidth, document.documentElement.scrollHeight]")
    clip = {"x": 0, "y": top, "width": width, "height": min(end - top, HIGHEST)}
    raw = Image.open(BytesIO(page.screenshot(full_page=True, clip=clip)))  # type: ignore[arg-type]
    # By coverage: the few pixels of a status keep their colour.
    few = raw.convert("RGB").quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.save(file, optimize=True)
    print(f"{file.relative_to(ROOT)}: {file.stat().st_size / 1000:.0f} kB", flush=True)
    assert file.stat().st_size < MOST_BYTES, file


def main() -> None:
    """Start the system, ask, and shoot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=4.0, help="how long questions are asked before (4)")
    minutes = parser.parse_args().minutes
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        system = LocalSystem(Path(folder), {"BREAKER_FIRST_OPEN_S": "120"})
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox"])
        try:
            system.ready()
            everything(system, browser, minutes)
        finally:
            browser.close()
            system.teardown()


def everything(system: LocalSystem, browser: Browser, minutes: float) -> None:
    """All pictures: what is well first, then the outage."""
    drawn = "[data-chart][data-drawn=yes] svg"
    keep_asking(system, minutes)
    refused, parts, answered = (asked(system, query) for query in (REFUSED, COMPLEX, QUESTION))
    with held(system, "data"):
        asked(system, "flights per carrier", wait=False)
        shoot(browser, system.base_url, [
            Shot("ask", f"/ask/{answered}", drawn),
            Shot("refused", f"/ask/{refused}", "[role=alert]", looks=("light",)),
            Shot("workflows", "/workflows", "#news .badge"),
            Shot("workflow", f"/workflows/{parts}", drawn),
            Shot("attempt", f"/workflows/{parts}?step=nlp&attempt=1", drawn, "#progress", looks=("light",)),
        ])
    with outage(system):
        shoot(browser, system.base_url, [
            Shot("agents", "/agents", "#notices [data-agent=data]:has-text('cannot be reached')"),
            Shot("dashboard", "/dashboard?window=15m", drawn),
        ])


if __name__ == "__main__":
    main()
