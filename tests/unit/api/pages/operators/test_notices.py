"""What the operators' pages say is wrong: which agent, since when, what happens meanwhile, when it is tried again."""

from dataclasses import replace

import pytest

from agents.health import Health, HealthStatus
from agents.registry import get_registry
from api.metrics.figures import agent_figures
from api.pages.operators.agent_cards import card_of
from api.pages.operators.agents_now import AgentNow
from api.pages.operators.notices import notices_of
from breakers.events import BreakerEvent
from breakers.model import CircuitState, Mode, View, Why
from breakers.settings import BreakerSettings
from breakers.status import ModeNow, RawStatus, status_of
from state.metrics import Counts

NOW_MS = 1_000_000
VIEW = View(CircuitState.CLOSED, 1, 0.0, 0, Mode.AUTO, 0, "", 10.0, NOW_MS * 1000)
HEALTHY = Health("data", "http://d", HealthStatus.HEALTHY, "", "1.2", 3, NOW_MS - 1_000, NOW_MS - 90_000)
DOWN = replace(HEALTHY, status=HealthStatus.UNHEALTHY, detail="cannot be reached (ConnectionError)", version="",
               since_ms=NOW_MS - 60_000)
SHUT = status_of("data", BreakerSettings(threshold=3), VIEW, RawStatus({}), [])
AUTO = SHUT.mode


def event(at_ms, before, after, why):
    return BreakerEvent(f"{at_ms}-0", "data", why, CircuitState(before), CircuitState(after), 1, 3.0, Mode.AUTO, "", "")


TRIP = event(NOW_MS - 50_000, "CLOSED", "OPEN", Why.FAILURES)
REOPENED = (event(NOW_MS - 10_000, "HALF_OPEN", "OPEN", Why.PROBE_FAILED),
            event(NOW_MS - 11_000, "OPEN", "HALF_OPEN", Why.RECOVERY_DUE), TRIP)
OPEN = replace(SHUT, state=CircuitState.OPEN, why=Why.PROBE_FAILED, since_ms=NOW_MS - 10_000, until_ms=NOW_MS + 20_000,
               last_events=REOPENED)


def now(breaker=SHUT, health=HEALTHY, counted=None, name="data"):
    figures = agent_figures(Counts.of(counted or {}), name)
    return AgentNow(name, get_registry().get(name), health, replace(breaker, name=name), figures)


def told(*agents):
    return notices_of(agents, NOW_MS)


def test_nothing_is_said_of_agents_that_are_well():
    assert told(now()) == []


def test_an_open_breaker_is_told_with_its_first_moment_and_its_next():
    (notice,) = told(now(OPEN))
    assert notice.what == "The data agent is not called: its breaker is open, since the last try failed."
    assert notice.since_ms == TRIP.at_ms
    assert notice.again_ms == NOW_MS + 20_000
    assert "get their earlier rows" in notice.meanwhile
    assert "Background workflows wait" in notice.meanwhile


def test_what_was_seen_before_the_breaker_opened_counts_too():
    (notice,) = told(now(OPEN, DOWN))
    assert notice.since_ms == DOWN.since_ms
    assert notice.what.startswith("The data agent cannot be reached (ConnectionError); its breaker is open")


@pytest.mark.parametrize(("breaker", "again"), [
    (replace(OPEN, until_ms=NOW_MS - 1), "within 5 s"),
    (replace(OPEN, state=CircuitState.HALF_OPEN, until_ms=None), "right now"),
])
def test_a_breaker_whose_time_has_come_is_tried_soon(breaker, again):
    (notice,) = told(now(breaker))
    assert notice.again.startswith(again)
    assert notice.again_ms is None


def test_an_agent_that_is_down_while_its_breaker_is_closed():
    (notice,) = told(now(SHUT, DOWN))
    assert "calls still go to it" in notice.what
    assert notice.meanwhile.startswith("Each step tries it up to 2 times first")
    assert notice.since_ms == DOWN.since_ms


def test_an_operators_word_is_told_with_its_reason_and_end():
    mode = ModeNow(Mode.FORCED_OPEN, "ann", "maintenance", NOW_MS + 5_000)
    (notice,) = told(now(replace(SHUT, mode=mode, since_ms=NOW_MS - 7)))
    assert "forced open by ann, who said: maintenance" in notice.what
    assert (notice.since_ms, notice.again_ms) == (NOW_MS - 7, NOW_MS + 5_000)
    (notice,) = told(now(replace(SHUT, mode=replace(mode, until_ms=None))))
    assert notice.again == "when somebody sets its breaker back to auto"


def test_the_worst_comes_first_and_says_what_it_has_cost():
    unseen = replace(HEALTHY, status=HealthStatus.UNKNOWN, checked_ms=0)
    cost = {("step", "data", "FAILED", "2"): 4, ("step", "data", "DEGRADED", "1"): 2}
    first, second = told(now(SHUT, unseen, name="nlp"), now(OPEN, counted=cost))
    assert (first.agent, second.agent) == ("data", "nlp")
    assert first.meanwhile.endswith("In the last hour 4 of its steps failed and 2 had a stand-in.")
    assert "beat" in second.again


def test_a_card_tells_why_it_last_opened_not_why_it_stayed_open():
    card = card_of(now(OPEN, counted={("step", "data", "SUCCEEDED", "1"): 3, ("step", "data", "FAILED", "2"): 1}))
    assert (card.opening, card.opening_why) == (TRIP, "its calls failed")
    assert card.error_rate == 1 / 4
    assert card.version == "1.2"
    assert [button.mode for button in card.buttons] == [Mode.FORCED_OPEN, Mode.DISABLED, Mode.METRICS_ONLY]


def test_a_mode_stands_above_the_state():
    forced = replace(SHUT, mode=ModeNow(Mode.FORCED_OPEN, "ann", "", None))
    card = card_of(now(forced))
    assert card.breaker.word.startswith("Forced open")
    assert card.mode_by == "ann"
