"""How an agent is told beside the box for a question: the breaker's word when it refuses, else the health check's."""

import pytest

from agents.health import HealthStatus
from api.pages.beside import _look
from breakers.model import CircuitState, Mode


@pytest.mark.parametrize(("seen", "state", "mode", "word"), [
    (HealthStatus.HEALTHY, CircuitState.CLOSED, Mode.AUTO, "Healthy"),
    (HealthStatus.UNHEALTHY, CircuitState.CLOSED, Mode.AUTO, "Unhealthy"),
    (HealthStatus.HEALTHY, CircuitState.OPEN, Mode.AUTO, "Breaker open"),
    (HealthStatus.HEALTHY, CircuitState.HALF_OPEN, Mode.AUTO, "Breaker half open"),
    (HealthStatus.HEALTHY, CircuitState.CLOSED, Mode.FORCED_OPEN, "Breaker open"),
    (HealthStatus.HEALTHY, CircuitState.OPEN, Mode.DISABLED, "Healthy"),
    (HealthStatus.UNKNOWN, CircuitState.HALF_OPEN, Mode.METRICS_ONLY, "Not looked at lately"),
])
def test_an_agent_in_one_word(seen, state, mode, word):
    assert _look(seen, state, mode).word == word
