"""HTTP sessions for calls of ours: pooled, never retried behind the caller's back, and blind to the environment.

Proxies and .netrc are for the way out; agents and the API are named by our own settings.
"""

from functools import cache

import requests
from requests.adapters import HTTPAdapter

MAX_CONNECTIONS = 4_000  # one per greenlet that waits for an agent; they are made when needed


@cache
def get_session() -> requests.Session:
    """The session of this process."""
    session = requests.Session()
    session.trust_env = False
    adapter = HTTPAdapter(pool_connections=16, pool_maxsize=MAX_CONNECTIONS, max_retries=0)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session
