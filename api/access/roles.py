"""Roles, and the one table of which route needs which: a route that is not in it is for admins.

`read` sees, `ask` also asks and controls single workflows, `admin` also controls many at once and changes how all of it
works.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from starlette.routing import compile_path


class Role(StrEnum):
    """What a key allows; each allows what those before it do."""

    READ = "read"
    ASK = "ask"
    ADMIN = "admin"

    def covers(self, needed: "Role") -> bool:
        """Whether who has this role may do what needs `needed`."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True)
class Rule:
    """One route and the role it needs; None: it is open to all."""

    method: str
    path: str
    role: Role | None

    @property
    def is_page(self) -> bool:
        """Whether a person in a browser gets it."""
        return self.path == "/" or self.path.startswith(_PAGES)


_PAGES: Final = ("/ask", "/workflows", "/login", "/logout", "/agents", "/dashboard")
_WORKFLOW = "/api/workflow/{workflow_id}"
_TABLE: Final[dict[Role | None, tuple[str, ...]]] = {
    None: (
        "GET /health/live",
        "GET /api/openapi.json",
        "GET /static/{file:path}",
        "GET /login",
        "POST /login",
        "POST /logout",
    ),
    Role.READ: (
        "GET /",
        "GET /ask",
        "GET /ask/{workflow_id}",
        "GET /ask/{workflow_id}/live",
        "GET /workflows",
        "GET /workflows/news",
        "GET /workflows/{workflow_id}",
        "GET /workflows/{workflow_id}/history",
        "GET /workflows/{workflow_id}/live",
        "GET /agents",
        "GET /dashboard",
        "GET /api/workflow",
        "GET /api/workflow/metrics",
        f"GET {_WORKFLOW}",
        f"GET {_WORKFLOW}/status",
        f"GET {_WORKFLOW}/events",
        f"GET {_WORKFLOW}/plan.svg",
        f"GET {_WORKFLOW}/chart.png",
        f"GET {_WORKFLOW}/chart.svg",
        f"GET {_WORKFLOW}/rows.csv",
        f"GET {_WORKFLOW}/answer.json",
        "GET /api/circuit-breakers/status",
        "GET /api/circuit-breakers/events",
        "GET /api/health/agents",
        "GET /api/rollout",
        "GET /health/ready",
        "GET /metrics",
    ),
    Role.ASK: (
        "POST /ask",
        "POST /workflows/{workflow_id}/cancel",
        "POST /workflows/{workflow_id}/pause",
        "POST /workflows/{workflow_id}/resume",
        "POST /workflows/{workflow_id}/retry",
        "POST /api/query",
        "POST /api/workflow",
        f"POST {_WORKFLOW}/retry",
        f"POST {_WORKFLOW}/cancel",
        f"POST {_WORKFLOW}/pause",
        f"POST {_WORKFLOW}/resume",
    ),
    Role.ADMIN: (
        "POST /api/workflow/cancel",
        "POST /api/workflow/pause",
        "POST /api/workflow/resume",
        "POST /api/workflow/retry",
        "POST /api/circuit-breakers/{agent}/mode",
        "PUT /api/circuit-breakers/{agent}/settings",
        "GET /api/audit",
        "PUT /api/rollout",
        "POST /workflows/cancel",
        "POST /workflows/retry",
        "GET /workflows/{deed}/all",
        "POST /workflows/{deed}/all",
        "GET /agents/{agent}/mode",
        "POST /agents/{agent}/mode",
        "GET /dashboard/retry",
        "POST /dashboard/retry",
    ),
}
RULES: Final = tuple(
    Rule(method, path, role)
    for role, routes in _TABLE.items()
    for method, path in (route.split(" ") for route in routes)
)
_PLAIN: Final = {(rule.method, rule.path): rule for rule in RULES if "{" not in rule.path}
_PATTERNS: Final[tuple[tuple[re.Pattern[str], Rule], ...]] = tuple(
    (compile_path(rule.path)[0], rule) for rule in RULES if "{" in rule.path
)


def rule_of(method: str, path: str) -> Rule | None:
    """The rule of a request, None when no rule names its route. HEAD is a GET."""
    method = "GET" if method == "HEAD" else method
    if found := _PLAIN.get((method, path)):
        return found
    matching = (rule for pattern, rule in _PATTERNS if rule.method == method and pattern.match(path))
    return next(matching, None)


def methods_of(path: str) -> list[str]:
    """What may be asked of a path, by whatever rules fit it."""
    plain = {method for method, known in _PLAIN if known == path}
    return sorted(plain | {rule.method for pattern, rule in _PATTERNS if pattern.match(path)})
