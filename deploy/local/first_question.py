"""The question `make run` asks when nobody named one: it must fit the data at hand."""

import requests

from agents.bearer import bearer
from core.http import get_session
from core.settings import Settings
from deploy.local.children import local_url

ABOUT_FLIGHTS = "average departure delay by carrier"
TIMEOUT_S = 5.0


def first_question(settings: Settings) -> str:
    """A fixed one for the vendored flights; about other data the first that the bundled nlp agent suggests."""
    if not settings.data and not settings.data_agent_url:
        return ABOUT_FLIGHTS
    nlp = settings.nlp_agent_url or local_url(settings, settings.nlp_port)
    try:
        reply = get_session().get(f"{nlp.rstrip('/')}/examples", headers=bearer(), timeout=TIMEOUT_S)
        suggested = reply.json() if reply.ok else []
    except (requests.RequestException, requests.JSONDecodeError):
        suggested = []
    # An agent of another make suggests nothing; then the question is still a fair try.
    return str(suggested[0]) if suggested else ABOUT_FLIGHTS
