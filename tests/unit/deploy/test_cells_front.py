"""deploy/nginx/cells.conf against every route there is: which cell it sends a request to."""

import re

import pytest

from api.access.roles import RULES, Rule
from core.settings import ROOT, Settings
from pipeline.cell import new_workflow_id

FRONT = (ROOT / "deploy" / "nginx" / "cells.conf").read_text()
CELL = "ca"  # of "cancel", too
SHOWN = {"{workflow_id}": new_workflow_id(CELL), "{agent}": "nlp", "{deed}": "cancel", "{file:path}": "pages.css"}
BY_ID = re.compile(re.search(r'map \$uri \$digits \{\s+"~(\S+)" \$first;', FRONT)[1])  # type: ignore[index]
PAGE = re.compile(re.search(r"location ~ (\S+) \{ return 302", FRONT)[1])  # type: ignore[index]


def asked(rule: Rule) -> str:
    """A path of the rule's route."""
    path = rule.path
    for name, shown in SHOWN.items():
        path = path.replace(name, shown)
    assert "{" not in path
    return path


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.method} {rule.path}")
def test_it_goes_by_the_id_and_by_nothing_that_looks_like_one(rule: Rule) -> None:
    found = BY_ID.match(asked(rule))
    assert (found and found["first"]) == (CELL if "{workflow_id}" in rule.path else None)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.method} {rule.path}")
def test_pages_and_nothing_else_go_to_a_cell_s_own_name(rule: Rule) -> None:
    assert bool(PAGE.search(asked(rule))) == rule.is_page


def test_every_cell_it_names_has_a_share_an_upstream_and_a_name() -> None:
    upstreams = set(re.findall(r"^upstream cell-([0-9a-f]{2}) ", FRONT, re.MULTILINE))
    shares = set(re.findall(r"^    \S+ +([0-9a-f]{2});$", FRONT, re.MULTILINE))
    known = re.search(r"^map \$digits \$cell \{ (.*) default (\S+); \}$", FRONT, re.MULTILINE)
    names = re.search(r"\(\?P<page_cell>([^)]+)\)", FRONT)
    assert known
    assert names
    assert {tuple(pair.split()) for pair in known[1].rstrip(";").split("; ")} == {(one, one) for one in upstreams}
    assert known[2] in upstreams
    assert shares == set(names[1].split("|")) == upstreams


def test_it_waits_longer_than_a_question_may_take() -> None:
    waits_s = re.search(r"proxy_read_timeout (\d+)s;", FRONT)
    assert waits_s
    assert int(waits_s[1]) > Settings.model_fields["workflow_deadline_s"].default
