"""Every route has its role, and the table names no route that is not there."""

import re

import pytest

from api.access.roles import RULES, Role, rule_of
from api.app import create_app
from core.settings import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text()


def routes(of):
    for route in of:
        if hasattr(route, "original_router"):
            yield from routes(route.original_router.routes)
        elif getattr(route, "methods", None):
            yield from ((method, route.path) for method in route.methods - {"HEAD"})
        else:
            yield "GET", f"{route.path}/{{file:path}}"


def test_every_route_has_exactly_one_rule_and_every_rule_its_route():
    known = [(rule.method, rule.path) for rule in RULES]
    assert sorted(known) == sorted(set(routes(create_app().routes)))


@pytest.mark.parametrize(("method", "path", "role"), [
    ("POST", "/api/query", Role.ASK),
    ("POST", f"/api/workflow/{'0' * 32}/cancel", Role.ASK),
    ("POST", f"/api/workflow/{'0' * 32}/retry", Role.ASK),
    ("POST", "/api/workflow/cancel", Role.ADMIN),
    ("PUT", "/api/circuit-breakers/data/settings", Role.ADMIN),
    ("GET", "/api/audit", Role.ADMIN),
    ("GET", "/api/workflow/metrics", Role.READ),
    ("HEAD", "/metrics", Role.READ),
    ("GET", "/static/vendor/htmx.min.js", None),
])
def test_a_request_finds_its_rule(method, path, role):
    assert rule_of(method, path).role is role


@pytest.mark.parametrize(("method", "path"), [
    ("DELETE", "/api/workflow"), ("GET", "/api/query"), ("GET", "/nothing"), ("POST", "/api/workflow/cancel/"),
    ("GET", "//api/workflow"), ("POST", "/API/query"), ("GET", "/login/"), ("GET", "/health/live/more"),
])
def test_what_is_not_in_the_table_has_no_rule(method, path):
    assert rule_of(method, path) is None


def test_each_role_allows_what_those_below_it_allow():
    assert [[one.covers(other) for other in Role] for one in Role] == [
        [True, False, False], [True, True, False], [True, True, True]]


def test_the_page_about_keys_names_every_route_for_admins_and_none_of_theirs_elsewhere():
    rows = re.findall(r"^\| `(\w+)` \| .*$", PAGE, re.MULTILINE)
    row = {name: line for name in rows for line in PAGE.splitlines() if line.startswith(f"| `{name}` |")}
    for rule in RULES:
        named = f"`{rule.method} {rule.path}`"
        assert (named in row["admin"]) == (rule.role is Role.ADMIN), named
    assert all(f"`{rule.path.partition('/{')[0]}`" in PAGE for rule in RULES if rule.role is None)
