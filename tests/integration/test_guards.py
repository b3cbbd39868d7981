"""What the breakers' benchmark compares does what it is measured for, on a real Valkey."""

import pytest

from bench.guards import guarded
from bench.situations import Contender, Situation

SECONDS = 0.1
OTHERS_TRIPS = {Situation.CLEAN: 2, Situation.FAILING: 3, Situation.REFUSING: 2}


def measured(valkey, contender, situation):
    with guarded(contender, situation, valkey.url) as calls:
        before = valkey.client.info("stats")["total_reads_processed"]
        took = calls(SECONDS)
        trips = valkey.client.info("stats")["total_reads_processed"] - before - 1
    assert all(one > 0 for one in took)
    return len(took), trips


def test_baton_alone_pays_for_failures_only(valkey):
    calls, trips = measured(valkey, Contender.BATON, Situation.CLEAN)
    assert trips <= 1
    assert calls > 100
    calls, trips = measured(valkey, Contender.BATON, Situation.FAILING)
    assert trips == calls > 10
    calls, trips = measured(valkey, Contender.BATON, Situation.REFUSING)
    assert trips <= 1
    assert calls > 100


@pytest.mark.parametrize("contender", [Contender.PYBREAKER, Contender.PURGATORY])
@pytest.mark.parametrize("situation", list(Situation))
def test_others_pay_for_every_call(valkey, contender, situation):
    calls, trips = measured(valkey, contender, situation)
    assert trips == OTHERS_TRIPS[situation] * calls > 10


@pytest.mark.parametrize("situation", list(Situation))
def test_interlock_pays_in_the_background(valkey, situation):
    calls, trips = measured(valkey, Contender.INTERLOCK, situation)
    assert trips < 20 < calls
