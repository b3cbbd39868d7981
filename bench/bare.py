"""The yardstick: a bare Celery chain over the same agents, as the manual shows it, and the calls without Celery.

`celery -A bench.bare:default` leaves every setting alone that matters here; `bench.bare:thread_safe` sets the one that
gevent needs (`result_backend_thread_safe`). Task events are sent as Baton sends them. No record, retries, leases,
validation or log lines.
"""

from functools import cache
from typing import Any, Final

import requests
from celery import Celery, chain
from requests.adapters import HTTPAdapter

from agents.registry import get_registry
from core.settings import get_settings

Answer = dict[str, Any]
QUESTION: Final = "flights and their average delay by month"


@cache
def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", HTTPAdapter(pool_maxsize=4_000))
    return session


def _ask(agent: str, body: Answer) -> Answer:
    spec = get_registry()[agent]
    response = _session().post(spec.url + spec.path, json=body, timeout=spec.timeout_s)
    response.raise_for_status()
    answer: Answer = response.json()
    return answer


def ask_nlp(question: str) -> Answer:
    """Question -> query."""
    return _ask("nlp", {"query": question})


def ask_data(understood: Answer) -> Answer:
    """Query -> rows."""
    return _ask("data", {"sql_query": understood["sql_query"], "query_context": understood["intent"]})


def ask_viz(found: Answer) -> Answer:
    """Rows -> chart."""
    return _ask("viz", {"data": found["result"]["data"], "columns": found["result"]["columns"], "query": QUESTION})


def ask_directly(question: str) -> Answer:
    """The three calls, one after the other, in this process."""
    return ask_viz(ask_data(ask_nlp(question)))


def _bare_app(name: str, **settings: object) -> Celery:
    url = get_settings().store_url
    app = Celery(name, broker=url, backend=url, set_as_current=False)
    app.conf.update(
        worker_send_task_events=True,
        task_send_sent_event=True,
        broker_connection_retry_on_startup=True,
        broker_transport_options={"max_connections": 5_000},  # with kombu's 10, many greenlets fail to acknowledge
        redis_max_connections=5_000,
        worker_hijack_root_logger=False,
        **settings,
    )
    for agent, step in (("nlp", ask_nlp), ("data", ask_data), ("viz", ask_viz)):
        app.task(step, name=agent)
    return app


default: Final = _bare_app("default")
thread_safe: Final = _bare_app("thread_safe", result_backend_thread_safe=True)


def three_steps(app: Celery) -> Any:
    """The chain of one workflow."""
    return chain(*(app.signature(agent, args) for agent, args in (("nlp", (QUESTION,)), ("data", ()), ("viz", ()))))
