import time

import pytest

from agents.registry import AgentSpec, RetryPolicy
from pipeline.asked.plan import checked_plan
from pipeline.build import MAX_LINKS, chained
from tests.chaos.large_plans import AGENTS, chain, fan, woven

STEPS = 1_000
REGISTRY = {name: AgentSpec(name, "http://127.0.0.1:1", "/call", 5.0, RetryPolicy(1, 1, 1)) for name in AGENTS}


@pytest.mark.parametrize("plan", [chain(STEPS), fan(STEPS), woven(STEPS, 1)], ids=["chain", "fan", "woven"])
def test_a_plan_of_a_thousand_steps_is_taken_at_once(plan):
    took_s = []
    for _ in range(3):
        began = time.process_time()
        steps = chained(checked_plan(plan.asked, REGISTRY, STEPS))
        took_s.append(time.process_time() - began)
    assert min(took_s) < 0.25
    assert len(steps) == STEPS
    assert max(len(step.tail) for step in steps) < MAX_LINKS
