"""The agents this installation knows: where they are, how long they may take, how often they are tried again."""

from dataclasses import dataclass
from functools import cache

from core.settings import FurtherAgent, Settings, get_settings


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """At most `max_attempts` calls; the n-th wait is drawn from `base_s * 2**n`, never above `cap_s`."""

    max_attempts: int
    base_s: float
    cap_s: float


@dataclass(frozen=True, slots=True)
class AgentSpec:
    """One agent: `url` without a trailing slash, `path` of its one call, `timeout_s` of a single attempt."""

    name: str
    url: str
    path: str
    timeout_s: float
    retry: RetryPolicy

    @property
    def queue(self) -> str:
        """The agent's own queue: a bulkhead, and the name of its Celery task."""
        return f"agents.{self.name}"


def build_registry(settings: Settings) -> dict[str, AgentSpec]:
    """The three agents and any further ones, as the settings describe them; an empty URL means the bundled one."""

    def url(given: str, port: int) -> str:
        return (given or f"http://127.0.0.1:{port}").rstrip("/")

    return {
        "nlp": AgentSpec(
            "nlp",
            url(settings.nlp_agent_url, settings.nlp_port),
            "/process",
            settings.nlp_timeout_s,
            RetryPolicy(settings.nlp_max_attempts, settings.nlp_retry_base_s, settings.nlp_retry_cap_s),
        ),
        "data": AgentSpec(
            "data",
            url(settings.data_agent_url, settings.data_port),
            "/execute",
            settings.data_timeout_s,
            RetryPolicy(settings.data_max_attempts, settings.data_retry_base_s, settings.data_retry_cap_s),
        ),
        "viz": AgentSpec(
            "viz",
            url(settings.viz_agent_url, settings.viz_port),
            "/visualize",
            settings.viz_timeout_s,
            RetryPolicy(settings.viz_max_attempts, settings.viz_retry_base_s, settings.viz_retry_cap_s),
        ),
        **{name: _further(name, agent) for name, agent in settings.agents.items()},
    }


def _further(name: str, agent: FurtherAgent) -> AgentSpec:
    policy = RetryPolicy(agent.max_attempts, agent.retry_base_s, agent.retry_cap_s)
    return AgentSpec(name, agent.url.rstrip("/"), agent.path, agent.timeout_s, policy)


ONCE = RetryPolicy(1, 1.0, 1.0)  # for what is done in the worker itself


def retry_policy(agent: str) -> RetryPolicy:
    """How often a step of `agent` is tried; once when that is no registered agent."""
    found = get_registry().get(agent)
    return found.retry if found else ONCE


@cache
def get_registry() -> dict[str, AgentSpec]:
    """The registry of this process."""
    return build_registry(get_settings())
