"""The manual's examples are rules, and no kind of fault is missing from it."""

import json
import re

import pytest

from core.settings import ROOT
from faults.control import RULES
from faults.rules import BaseRule, FaultKind

PAGE = (ROOT / "docs" / "faults.md").read_text()
EXAMPLES = re.findall(r"^curl -X PUT \S+/faults/(\w+) -d '(.*)'$", PAGE, re.MULTILINE)


@pytest.mark.parametrize(("agent", "rules"), EXAMPLES)
def test_an_example_is_taken(agent, rules) -> None:
    assert agent in {"nlp", "data", "viz"}
    assert RULES.dump_python(RULES.validate_json(rules), mode="json", exclude_unset=True) == json.loads(rules)


def test_every_fault_has_its_row_and_an_example() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
    assert set(rows) == {kind.value for kind in FaultKind} | set(BaseRule.model_fields)
    assert {rule["fault"] for _, rules in EXAMPLES for rule in json.loads(rules)} == {kind.value for kind in FaultKind}
