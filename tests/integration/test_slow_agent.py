"""An agent that answers, but too slowly: its breaker opens, and the pages say which, since when and until when."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.floor import Floor, floor_of
from tests.processes import LocalValkey, wait_for
from tests.scripted_agent import STANDARD, Reply
from tests.served_api import served_api

# A call of more than 0.3 s is slow; three of them open the breaker.
IMPATIENT = {"DATA_TIMEOUT_S": "3", "BREAKER_SLOW_SHARE": "0.1", "BREAKER_SLOW_MIN_CALLS": "3",
             "BREAKER_FIRST_OPEN_S": "60"}
SLOW = Reply(STANDARD["/execute"], chunks=2, pause_s=0.35)
MOST_ASKED = 12
DAY_S = 86_400
TOLD = re.compile(
    r"The data agent is not called: its breaker is open, since too many of its calls were slow\. "
    r"Since (\d\d:\d\d:\d\d) UTC \( ?\d+ s ?\)\. "
    r"Meanwhile: Questions that were answered before get their earlier rows.* "
    r"Tried again: at (\d\d:\d\d:\d\d) UTC \(in [\d mins]+\), by a health check or the first call after that")


@pytest.fixture
def floor(valkey: LocalValkey, tmp_path: Path) -> Iterator[Floor]:
    with floor_of(valkey, tmp_path, **IMPATIENT) as running:
        yield running


def notices(page: str) -> str:
    """The text that says what is wrong."""
    return " ".join(re.sub(r"<[^>]+>", " ", page.split('id="notices"', 1)[1].split("</section>", 1)[0]).split())


def of_day_s(clock: str) -> int:
    hours, minutes, seconds = map(int, clock.split(":"))
    return hours * 3600 + minutes * 60 + seconds


def test_a_slow_agent_is_told_of_on_both_pages(valkey: LocalValkey, floor: Floor) -> None:
    floor.worker()
    floor.agent.script("/execute", *[SLOW] * MOST_ASKED)
    with served_api(valkey.url, **IMPATIENT) as url:
        def state() -> object:
            told = requests.get(f"{url}/api/circuit-breakers/status", timeout=10).json()
            return told["breakers"]["data"]["state"]

        began_s = time.time() % DAY_S
        asked = [floor.ask(f"how many flights in {2000 + year}") for year in range(MOST_ASKED)]
        wait_for(lambda: state() == "OPEN", "the breaker of the slow agent to open", 20)
        for path in ("/agents", "/dashboard"):
            found = TOLD.search(told := notices(requests.get(url + path, timeout=10).text))
            assert found, told
            since_s, again_s = map(of_day_s, found.groups())
            assert (since_s - began_s + 2) % DAY_S < 30
            assert (again_s - since_s) % DAY_S == pytest.approx(60, abs=2)
        for one in asked:
            floor.ended(one)
