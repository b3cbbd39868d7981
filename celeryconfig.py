"""Celery's options: the one home of all of them. `docs/decisions/` says why where it is not plain."""

from datetime import timedelta

from kombu import Queue

from agents.registry import get_registry
from core.addresses import without_access
from core.beat import KEY_PREFIX
from core.sentinel import ASK_WITHIN_S, Watched
from core.settings import get_settings
from core.tls import tls_options

_settings = get_settings()
_watched = Watched.of(_settings.store_url)  # by sentinels, or None

# --- broker: Redis/Valkey -------------------------------------------------------------------------------------------
broker_url = _watched.broker_url if _watched else _settings.store_url
_tls = tls_options(_settings.store_url, _settings.redis_ca_file)
broker_use_ssl = redis_backend_use_ssl = redbeat_redis_use_ssl = _tls or False
broker_connection_retry_on_startup = True
broker_connection_max_retries = None  # Valkey may be away for long; nothing exits for good
broker_channel_error_retry = True  # nor when it takes no writes, which is no error of the connection
broker_transport_options = {
    "ack_emulation": False,  # a message is only a hint: what is taken from a queue and lost, the record brings back
    "max_connections": 5_000,  # kombu's default of 10 a channel fails acks under many greenlets
    "socket_connect_timeout": 1.0,
    "socket_timeout": 3.0,  # a peer that vanished without a word; BRPOP itself answers every second
    "health_check_interval": 3,  # as above, for the connections that only listen: given up after 4 to 7 s
    **(_watched.broker_options if _watched else {}),
}
broker_pool_limit = 20
task_publish_retry_policy = {"max_retries": 30, "interval_start": 0, "interval_step": 0.2, "interval_max": 2.0}

# --- messages: ids only, JSON only ----------------------------------------------------------------------------------
task_serializer = result_serializer = "json"
accept_content = result_accept_content = ["json"]
task_default_queue = "baton"
task_queues = [Queue(name) for name in ("baton", "agents.compose", *(agent.queue for agent in get_registry().values()))]
task_ignore_result = True
task_acks_late = False  # the record recovers what a worker loses; late acks cost commands and kill stock workers
task_track_started = False

# --- result backend: the workflow record ----------------------------------------------------------------------------
result_backend = f"state.backend:WorkflowBackend+{_settings.store_url}"
result_backend_thread_safe = True  # else every greenlet builds its own backend and connections
result_expires = _settings.workflow_ttl_s
redis_max_connections = 5_000
redis_socket_connect_timeout = 1.0

# --- workers --------------------------------------------------------------------------------------------------------
worker_consumer = "tasks.consumer:Consumer"
worker_prefetch_multiplier = 1
worker_hijack_root_logger = False
worker_redirect_stdouts = False
worker_send_task_events = task_send_sent_event = _settings.task_events
worker_enable_remote_control = True
worker_cancel_long_running_tasks_on_connection_loss = False
worker_eta_task_limit = 10_000

# --- beat (redbeat: several may run, one holds the lock) --------------------------------------------------------------
beat_scheduler = "tasks.scheduler:Scheduler"
beat_max_loop_interval = 2
# `celery report`, `inspect conf` and Flower show every option as it is, those named like a password apart.
if _watched:
    redbeat_redis_url = f"redis-sentinel://{_watched.name}"
    redbeat_redis_options = {
        "sentinels": _watched.sentinels,
        "service_name": _watched.name,
        "sentinel_kwargs": {"socket_timeout": ASK_WITHIN_S},
        **_watched.access,
    }
else:
    redbeat_redis_url, redbeat_redis_options = without_access(_settings.store_url)
redbeat_key_prefix = KEY_PREFIX
redbeat_lock_timeout = 8
beat_schedule = {
    f"health-{name}": {
        "task": "health.check",
        "schedule": timedelta(seconds=_settings.health_interval_s),
        "args": (name,),
        # The next one comes soon: trying again for a minute would keep beat from noticing that Valkey is away.
        "options": {"expires": _settings.health_interval_s, "queue": "baton", "retry": False},
    }
    for name in get_registry()
}
