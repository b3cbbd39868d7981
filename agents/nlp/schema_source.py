"""Where the schema comes from: the data agent's `GET /schema`, kept for a minute, with the planner made for it."""

import gc
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import httpx
from pydantic import ValidationError

from agents.bearer import bearer
from agents.contract import DataSchema
from agents.nlp.examples import example_questions
from agents.nlp.planner import RulePlanner
from agents.nlp.refusal import SchemaUnavailableError
from core.logging import get_logger
from core.settings import get_settings

_FRESH_S = 60.0
_RETRY_S = 2.0
_log = get_logger(__name__)


@dataclass(frozen=True)
class Known:
    """One version of the schema, its planner, and questions it answers."""

    schema: DataSchema
    planner: RulePlanner
    examples: list[str]


class SchemaSource:
    """Asks the data agent at most once a minute; while it is away, the last schema known goes on serving."""

    def __init__(self, client: httpx.Client, url: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._client, self._url, self._clock = client, url, clock
        self._lock = threading.Lock()
        self._known: Known | None = None
        self._ask_again_at = float("-inf")

    def get(self) -> Known:
        """The schema of now. Raises `SchemaUnavailableError` when none was ever had."""
        with self._lock:
            if self._clock() >= self._ask_again_at:
                self._refresh()
            if self._known is None:
                raise SchemaUnavailableError(f"The data agent at {self._url} gives no schema.")
            return self._known

    def _refresh(self) -> None:
        try:
            reply = self._client.get(f"{self._url}/schema")
            reply.raise_for_status()
            schema = DataSchema.model_validate_json(reply.content)
        except (httpx.HTTPError, ValidationError) as error:
            self._ask_again_at = self._clock() + (_RETRY_S if self._known else 0.0)
            _log.warning("schema_unavailable", url=self._url, error=str(error)[:300])
            return
        self._ask_again_at = self._clock() + _FRESH_S
        if self._known is None or not schema.version or schema.version != self._known.schema.version:
            planner = RulePlanner(schema)
            self._known = Known(schema, planner, example_questions(planner))
            keep_out_of_collections()
            _log.info("schema_read", version=schema.version, tables=[table.name for table in schema.tables])


@cache
def schema_source() -> SchemaSource:
    """The process's one source of the schema: the data agent of the settings."""
    settings = get_settings()
    url = settings.data_agent_url or f"http://127.0.0.1:{settings.data_port}"
    timeout = httpx.Timeout(settings.health_timeout_s, connect=settings.connect_timeout_s)
    return SchemaSource(httpx.Client(timeout=timeout, headers=bearer(), trust_env=False), url.rstrip("/"))


def keep_out_of_collections() -> None:
    """Let the collector pass over what lives long: walking an index of many names stalls a question by 40 ms."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
