from agents.registry import build_registry
from core.settings import Settings
from pipeline.question import Question, plan_workflow


def test_a_question_has_the_usual_time_unless_it_asks_for_another():
    assert plan_workflow(Question("q")).deadline_s == 180.0
    assert plan_workflow(Question("q", deadline_s=7.5)).deadline_s == 7.5


def test_retries_are_as_the_settings_say():
    policy = build_registry(Settings(data_max_attempts=5, data_retry_base_s=0.5, data_retry_cap_s=4))["data"].retry
    assert (policy.max_attempts, policy.base_s, policy.cap_s) == (5, 0.5, 4)
