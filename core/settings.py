"""Settings: the only reader of the environment.

Every setting is an environment variable of the same name in capitals (`REDIS_URL`, `NLP_TIMEOUT_S`, ...); a file
`.env` in the working directory is read first, the environment wins. What neither sets may stand in a file of the
setting's name in `/run/secrets` (`/run/secrets/redis_url`), where containers get their secrets: whatever inspects a
container shows its environment, and no file. Units stand in the names; `docs/configuration.md` lists all.
"""

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    StringConstraints,
    model_validator,
)
from pydantic_settings import BaseSettings, DotEnvSettingsSource, SettingsConfigDict

from core.addresses import AgentUrl, Networks, StoreUrl, listed
from core.tls import CaFile

ROOT = Path(__file__).resolve().parent.parent
SECRETS = Path("/run/secrets")
Port = int


BUILT_IN: Final = frozenset({"nlp", "data", "viz", "compose", "call"})


def _not_built_in(name: str) -> str:
    if name in BUILT_IN:
        raise ValueError(f"{name} is a name of ours; a further agent needs one of its own")
    return name


AgentName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$"), AfterValidator(_not_built_in)]


class FurtherAgent(BaseModel):
    """An agent beside nlp, data and viz: its one call is `POST <url><path>`, and it answers with a JSON object."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: AgentUrl = Field(pattern=r"^https?://[^\s]+$")
    path: str = Field("/call", pattern=r"^/[^\s]*$")
    timeout_s: PositiveFloat = 60.0
    max_attempts: PositiveInt = 3
    retry_base_s: PositiveFloat = 1.0
    retry_cap_s: PositiveFloat = 30.0
    breaker_threshold: PositiveInt | None = None  # None: as BREAKER_THRESHOLD and BREAKER_RECOVERY_S say
    breaker_recovery_s: PositiveFloat | None = None


class Settings(BaseSettings):
    """Everything that may differ between two installations; immutable once read."""

    model_config = SettingsConfigDict(
        env_file=".env",
        secrets_dir=SECRETS if SECRETS.is_dir() else None,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,  # a setting may hold a password
    )

    bind_host: str = Field("127.0.0.1", description="Address every bundled server listens on.")
    api_port: Port = Field(8000, ge=1, le=65535, description="API and web pages.")
    nlp_port: Port = Field(8001, ge=1, le=65535, description="Bundled nlp agent.")
    data_port: Port = Field(8002, ge=1, le=65535, description="Bundled data agent.")
    viz_port: Port = Field(8003, ge=1, le=65535, description="Bundled viz agent.")
    flower_port: Port = Field(5555, ge=1, le=65535, description="Flower.")
    valkey_port: Port = Field(6390, ge=1, le=65535, description="Embedded Valkey server.")
    faults_port: Port = Field(
        8090, ge=1, le=65532, description="Control port of `make faults`; the three after it stand for nlp, data, viz."
    )
    baton_dir: Path = Field(ROOT / ".baton", description="Folder for the embedded server's data and the logs.")

    api_keys_file: str = Field(
        "",
        description="File of the API keys (`make key`). Empty: nobody is asked for one, and only this machine served.",
    )
    allowed_hosts: str = Field(
        "",
        description="Names under which the API answers, separated by commas; `make run` and `make ask` use the first. "
        "Empty: with keys any, without them `localhost` and this machine's own addresses.",
    )
    trusted_proxies: Networks = Field(
        "127.0.0.1,::1",
        description="Proxies before the API, addresses or networks separated by commas: they are believed from whom a "
        "request comes, and that it came over TLS (`X-Forwarded-For`, `X-Forwarded-Proto`).",
    )
    api_key: str = Field("", repr=False, description="Key that `make ask` and `make run` show the API.")
    agent_key: str = Field(
        "", repr=False, description="Sent to every agent as a bearer token; the bundled ones answer nobody without it."
    )
    flower_basic_auth: str = Field("", repr=False, description="`user:password` that Flower asks for.")

    redis_url: StoreUrl = Field(
        "",
        repr=False,
        description="Redis/Valkey primary, or its sentinels: `sentinel://host:26379,host:26379/<name of the primary>`. "
        "`rediss://`: over TLS. Empty: the embedded server of `make run`.",
    )
    redis_ca_file: CaFile = Field(
        "",
        description="File of authorities (PEM) that vouch for Valkey's certificate, beside the system's.",
    )
    nlp_agent_url: AgentUrl = Field("", description="nlp agent. Empty: the bundled one.")
    data_agent_url: AgentUrl = Field("", description="data agent. Empty: the bundled one.")
    viz_agent_url: AgentUrl = Field("", description="viz agent. Empty: the bundled one.")

    data: str = Field(
        "",
        description="Data of the bundled data agent: CSV, Parquet, folder of them, or DuckDB file. "
        "Empty: the vendored flights of 2013.",
    )
    data_max_rows: PositiveInt = Field(10_000, description="Rows an answer may have; more are cut and marked.")
    data_statement_timeout_s: PositiveFloat = Field(20.0, description="Time limit of one statement in the data agent.")
    data_memory_limit_mb: PositiveInt = Field(1024, description="Memory DuckDB may use.")
    data_threads: PositiveInt = Field(2, description="Threads DuckDB may use.")

    connect_timeout_s: PositiveFloat = Field(3.0, description="Time to connect to an agent.")
    nlp_timeout_s: PositiveFloat = Field(30.0, description="Longest single call of the nlp agent.")
    data_timeout_s: PositiveFloat = Field(120.0, description="Longest single call of the data agent.")
    viz_timeout_s: PositiveFloat = Field(45.0, description="Longest single call of the viz agent.")
    nlp_max_attempts: PositiveInt = Field(3, description="Calls of the nlp agent for one step.")
    nlp_retry_base_s: PositiveFloat = Field(1.0, description="First wait before the nlp agent is called again.")
    nlp_retry_cap_s: PositiveFloat = Field(30.0, description="Longest such wait.")
    data_max_attempts: PositiveInt = Field(2, description="Calls of the data agent for one step.")
    data_retry_base_s: PositiveFloat = Field(2.0, description="First wait before the data agent is called again.")
    data_retry_cap_s: PositiveFloat = Field(60.0, description="Longest such wait.")
    viz_max_attempts: PositiveInt = Field(3, description="Calls of the viz agent for one step.")
    viz_retry_base_s: PositiveFloat = Field(1.0, description="First wait before the viz agent is called again.")
    viz_retry_cap_s: PositiveFloat = Field(30.0, description="Longest such wait.")
    agents: dict[AgentName, FurtherAgent] = Field(
        {},
        description="Further agents for plans of one's own, as JSON: "
        '{"weather": {"url": "http://host:9000", "path": "/ask", "timeout_s": 20}}.',
    )
    health_timeout_s: PositiveFloat = Field(5.0, description="Longest health check.")
    health_interval_s: PositiveFloat = Field(5.0, description="Time between beat's health checks.")
    agent_reply_limit_bytes: PositiveInt = Field(16 * 1024 * 1024, description="Largest reply accepted from an agent.")

    nlp_breaker_threshold: PositiveInt = Field(5, description="Score of failures that opens the nlp agent's breaker.")
    nlp_breaker_recovery_s: PositiveFloat = Field(60.0, description="Time the nlp agent's breaker stays open.")
    data_breaker_threshold: PositiveInt = Field(3, description="Score of failures that opens the data agent's breaker.")
    data_breaker_recovery_s: PositiveFloat = Field(120.0, description="Time the data agent's breaker stays open.")
    viz_breaker_threshold: PositiveInt = Field(5, description="Score of failures that opens the viz agent's breaker.")
    viz_breaker_recovery_s: PositiveFloat = Field(60.0, description="Time the viz agent's breaker stays open.")
    breaker_threshold: PositiveInt = Field(5, description="Score of failures that opens a further agent's breaker.")
    breaker_recovery_s: PositiveFloat = Field(60.0, description="Time a further agent's breaker stays open.")
    breaker_first_open_s: NonNegativeFloat = Field(
        0.0, description="First open time of every breaker; it doubles with each failed probe. 0: the recovery time."
    )
    breaker_max_open_s: NonNegativeFloat = Field(
        0.0, description="Where the doubling of the open time ends. 0: at the recovery time."
    )
    breaker_spread_s: NonNegativeFloat = Field(
        10.0, description="Steps that wait for one breaker come back spread over this time."
    )
    breaker_permits: PositiveInt = Field(
        1, description="Probes at once in a half-open breaker, and successes needed to close it."
    )
    breaker_slow_share: PositiveFloat = Field(
        0.8, description="A call longer than this share of its agent's longest single call is slow."
    )
    breaker_slow_rate: float = Field(0.8, gt=0, le=1, description="Share of slow calls that opens a breaker.")
    breaker_slow_min_calls: PositiveInt = Field(20, description="Calls in the window before slow ones may open.")
    breaker_slow_window_s: PositiveFloat = Field(60.0, description="Window in which slow calls are counted.")
    retry_budget_ratio: float = Field(0.2, ge=0, le=1, description="Retries an agent may get per call, fleet-wide.")
    retry_budget_reserve: NonNegativeFloat = Field(
        10.0, description="Retries an agent may get beyond its share; one minute refills them."
    )
    retry_budget_max: NonNegativeFloat = Field(100.0, description="Most retries an agent can save up.")

    workflow_deadline_s: PositiveFloat = Field(180.0, description="Time a question has, from the door to the answer.")
    workflow_deadline_max_s: PositiveFloat = Field(3_600.0, description="Longest time a question may ask for.")
    workflow_ttl_s: PositiveInt = Field(86_400, description="How long a finished workflow is kept.")
    lease_s: PositiveFloat = Field(6.0, description="A worker's claim on a step lasts this long without renewal.")
    renew_interval_s: PositiveFloat = Field(2.0, description="Time between renewals of leases.")
    overdue_interval_s: PositiveFloat = Field(0.25, description="Time between looks for overdue steps.")
    resend_grace_s: PositiveFloat = Field(
        10.0, description="A queued step older than the newest begun send by this much counts as lost."
    )
    max_takeovers: PositiveInt = Field(3, description="A step taken over more often than this ends with an error.")
    output_limit_bytes: PositiveInt = Field(32 * 1024 * 1024, description="Largest output of one step in the record.")
    compress_above_bytes: PositiveInt = Field(4096, description="Outputs larger than this are stored compressed.")

    accept_fsync: bool = Field(
        False, description="A question counts as accepted once it is synced to disk: survives a power loss, costs 1 s."
    )

    idempotency_ttl_s: PositiveInt = Field(
        86_400, description="How long an `Idempotency-Key` leads to what it began."
    )
    sse_heartbeat_s: PositiveFloat = Field(15.0, description="Time between the heartbeats of a stream of events.")
    query_max_chars: PositiveInt = Field(2_000, description="Longest question accepted.")
    body_max_bytes: PositiveInt = Field(1024 * 1024, description="Largest request body accepted.")
    max_steps: int = Field(64, ge=3, description="Most steps a plan may have.")
    max_open_per_key: NonNegativeInt = Field(
        0, description="Workflows an API key may have open at a time. 0: as many as it likes."
    )
    queue_max: NonNegativeInt = Field(
        10_000,
        description="Celery is given nothing more while this many messages wait in its first queue. 0: no bound.",
    )
    rate_limit: str = Field(
        "",
        pattern=r"^([1-9]\d{0,6}/(second|minute|hour|day))?$",
        description="Requests of one API key (without keys: of one address): `600/minute`. Empty: as many as it likes.",
    )
    audit_keep: PositiveInt = Field(10_000, description="Admins' actions that are remembered; as many refused ones.")
    login_s: PositiveInt = Field(43_200, description="How long a browser stays logged in.")
    rollout_auto: bool = Field(
        True, description="Celery is rolled back by itself when it answers clearly worse than the direct path."
    )
    rollout_cool_down_s: PositiveFloat = Field(
        600.0, description="Time from a rollback to the first stage of the return; it doubles with each, up to a day."
    )
    rollout_stage_s: PositiveFloat = Field(120.0, description="Shortest stage of the return.")
    rollout_stage_asked: PositiveInt = Field(50, description="Questions each path must have answered in a stage.")
    local_handoff: bool = Field(
        True, description="A gevent worker begins the step it released itself, without the broker in between."
    )
    cell: str = Field(
        "",
        pattern=r"^([0-9a-f]{2})?$",
        description="This installation among several (docs/scale.md): two hexadecimal digits, with which ids of its "
        "workflows begin. Empty: there is one.",
    )
    direct_concurrency: PositiveInt = Field(
        64,
        description="Questions an API process answers itself at a time; as many again while Valkey is away. "
        "Five threads for each four of them, both times.",
    )
    task_events: bool = Field(True, description="Task events are told, which Flower lives on. Off: it shows no tasks.")
    worker_concurrency: PositiveInt = Field(200, description="Calls in flight per worker process (gevent).")
    otlp_endpoint: str = Field(
        "",
        pattern=r"^(https?://[^\s]+)?$",
        description="Where traces go (OTLP over HTTP): `http://127.0.0.1:4318`. Needs `requirements-otel.txt`. "
        "Empty: none are made.",
    )
    log_format: Literal["pretty", "json"] = Field("pretty", description="Form of the log lines.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Lowest level logged.")

    @property
    def embedded_valkey(self) -> bool:
        """Whether `make run` starts a Valkey of its own."""
        return not self.redis_url

    @property
    def host_names(self) -> tuple[str, ...]:
        """`allowed_hosts`, one by one; tools on this machine call the API by the first."""
        return listed(self.allowed_hosts.lower())

    @property
    def store_url(self) -> str:
        """URL of the primary: the one given, else the embedded server's."""
        return self.redis_url or f"redis://127.0.0.1:{self.valkey_port}/0"

    @model_validator(mode="after")
    def _lease_outlives_renewal(self) -> Self:
        if self.lease_s < 2 * self.renew_interval_s:
            raise ValueError("LEASE_S must be at least twice RENEW_INTERVAL_S, or a late renewal loses a healthy step")
        return self


@cache
def get_settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()


def variables() -> Mapping[str, str]:
    """Every variable that is set in the environment or in `.env`, settings or not."""
    return {**{name: value or "" for name, value in DotEnvSettingsSource(Settings).env_vars.items()}, **os.environ}
