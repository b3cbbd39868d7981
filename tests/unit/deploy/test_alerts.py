"""The alert rules against the metrics, labels, routes, settings and commands there are."""

import re
from collections.abc import Iterator
from itertools import product
from typing import Any

import promql_parser
import pytest
import yaml

from agents.registry import get_registry
from api.access.roles import rule_of
from api.metrics.families import FAMILIES
from api.metrics.family import Kind, Reading, Values
from api.metrics.figures import Spent
from api.routes.prometheus import STORE_UP
from breakers.model import CircuitState
from breakers.status import RawStatus
from core.settings import ROOT, Settings
from pipeline.rollout.comparison import Measure
from state.backlog import Backlog
from state.metrics import Counts
from state.model import Mode, WorkflowStatus
from state.rollout import Move

(GROUP,) = yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yml").read_text())["groups"]
RULES = GROUP["rules"]
PARTS = ("lhs", "rhs", "expr", "vector_selector")


def selectors(node: Any) -> Iterator[promql_parser.VectorSelector]:
    """Every series that an expression names."""
    if isinstance(node, promql_parser.VectorSelector):
        yield node
    below = [getattr(node, part, None) for part in PARTS] + list(getattr(node, "args", None) or [])
    for part in below:
        if part is not None:
            yield from selectors(part)


SELECTORS = {rule["alert"]: list(selectors(promql_parser.parse(rule["expr"]))) for rule in RULES}


def series() -> dict[str, dict[str, set[str]]]:
    """Each name that can be asked for: its labels, with the values known before anything is counted."""
    reading = Reading(Counts(), Backlog({}, {}, 0, 0, 0), {"nlp": RawStatus({})})
    found: dict[str, dict[str, set[str]]] = {STORE_UP: {}}
    for family in FAMILIES:
        labels = {name: {values[at] for values, _ in family.samples(reading)} for at, name in enumerate(family.labels)}
        ends = ("_bucket", "_sum", "_count") if family.kind is Kind.HISTOGRAM else ("",)
        found |= {family.name + end: labels for end in ends}
    return found


@pytest.mark.parametrize("alert", SELECTORS)
def test_it_asks_for_series_there_are(alert: str) -> None:
    known = series()
    assert SELECTORS[alert]
    for selector in SELECTORS[alert]:
        labels = known[selector.name]
        for matcher in selector.matchers.matchers:
            assert set(str(matcher.value).split("|")) <= labels[matcher.name], matcher


def counted_samples(counts: Counts) -> dict[str, set[Values]]:
    """Every counter's series."""
    reading = Reading(counts, Backlog({}, {}, 0, 0, 0), {"nlp": RawStatus({})})
    counters = [family for family in FAMILIES if family.kind is Kind.COUNTER]
    return {family.name: {values for values, _ in family.samples(reading)} for family in counters}


EVERYTHING = [
    *product(["rollout"], Move, ["none", *Measure]),
    *product(["ended"], Mode, [status for status in WorkflowStatus if status.final]),
    *product(["out_of_time"], Spent),
    *product(["poisoned", "taken_over", "resent"], get_registry()),
]


def test_the_first_time_is_seen_as_a_rise() -> None:
    """A series that begins with 1 has not risen: what an alert asks about stands there with 0 before."""
    before, after = counted_samples(Counts()), counted_samples(Counts.of(dict.fromkeys(EVERYTHING, 1)))
    asked = {selector.name for found in SELECTORS.values() for selector in found} & set(before)
    played = {"baton_rollout_changes_total", "baton_workflows_ended_total", "baton_workflows_out_of_time_total",
              "baton_steps_poisoned_total", "baton_step_takeovers_total"}
    assert asked == played, "play what a new alert asks about, too"
    for name in asked:
        assert before[name], name
        assert after[name] == before[name], name


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_it_says_what_is_wrong_and_what_to_do(rule: dict[str, Any]) -> None:
    notes = rule["annotations"]
    assert set(notes) == {"summary", "description", "action"}
    assert rule["labels"]["severity"] in ("critical", "warning")
    text = " ".join(notes.values())
    for path in re.findall(r"`GET ([^`?]+)", text):
        assert rule_of("GET", path), path
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(re.findall(r"`make ([a-z-]+)", text)) <= set(targets)
    settings = {name.upper() for name in Settings.model_fields}
    assert set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", text)) <= settings
    grouped = re.search(r"by \((\w+)\)", rule["expr"])
    assert set(re.findall(r"\$labels\.(\w+)", text)) <= {grouped[1] if grouped else None}


def test_what_must_be_watched_is_watched() -> None:
    names = {selector.name for found in SELECTORS.values() for selector in found}
    assert {STORE_UP, "baton_breaker_state", "baton_overdue", "baton_queue_oldest_age_seconds", "baton_workers",
            "baton_workflows_ended_total", "baton_store_writable", "baton_store_memory_bytes"} <= names
    assert len(SELECTORS) == len(RULES)


def test_an_open_breaker_is_the_state_that_alerts() -> None:
    (selector,) = SELECTORS["BatonBreakerOpen"]
    assert selector.matchers.matchers[0].value == CircuitState.OPEN
