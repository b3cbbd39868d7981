"""`make check-agent URL=http://... [AGENT=nlp] [QUESTION=...]`: the contract's suite against anybody's agent.

Exit code 1 when a rule is broken.
"""

import argparse
import sys
from dataclasses import replace

import requests
from rich.console import Console

from agents.bearer import bearer
from agents.conformance import ROLES, conformance
from agents.registry import AgentSpec, get_registry
from core.finding import Level, worst
from core.http import get_session
from deploy.findings import show_findings

PROBE_S = 5.0
_ABSENT = frozenset({404, 405, 501})


def roles_of(url: str) -> list[str]:
    """The agents that `url` may be, by which of the three calls it knows; raises `requests.RequestException`."""
    known = get_registry()
    return [name for name in ROLES if _status(url + known[name].path) not in _ABSENT]


def _status(url: str) -> int:
    reply = get_session().post(url, json={}, headers=bearer(), timeout=PROBE_S, allow_redirects=False)
    return reply.status_code


def _wanted(url: str, agent: str) -> list[AgentSpec]:
    known = get_registry()
    return [replace(known[name], url=url) for name in ([agent] if agent else roles_of(url))]


def main(arguments: list[str]) -> int:
    """Ask, and tell each rule's finding."""
    parser = argparse.ArgumentParser(prog="make check-agent", description="Hold an agent against the contract.")
    parser.add_argument("url")
    parser.add_argument("--agent", choices=["", *ROLES], default="", help="which one it is; else it is found out")
    parser.add_argument("--question", default="", help="one the nlp agent can answer")
    told = parser.parse_args(arguments)
    console = Console(highlight=False)
    url = told.url.rstrip("/")
    try:
        agents = _wanted(url, told.agent)
    except requests.RequestException as error:
        console.print(f"[red]Nothing answers at {url} ({type(error).__name__}).")
        return 1
    if not agents:
        console.print(f"[red]{url} knows none of {', '.join(get_registry()[name].path for name in ROLES)}.")
        return 1
    findings = [finding for agent in agents for finding in conformance(agent, told.question)]
    show_findings(findings, console)
    return 1 if worst(findings) is Level.FAIL else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
