"""The vocabulary of the log: every line of ours begins with one of these words. The type checker holds calls to it.

`docs/signals.md` says what each means.
"""

from typing import Literal

Action = Literal[
    # questions and their steps
    "workflow_accepted",
    "workflow_unrecorded",
    "send_failed",
    "step_begun",
    "step_succeeded",
    "step_degraded",
    "step_retrying",
    "step_failed",
    "step_stale",
    "step_broke",
    "chart_unsafe",
    "stand_in_failed",
    "stand_in_unfit",
    "rules_cannot_help",
    # workers of several releases
    "worker_started",
    "left_to_newer",
    # recovery
    "step_sent",
    "step_lost",
    "step_lost_unrecorded",
    "given_up",
    "call_stopped",
    "message_unreadable",
    "revoke_unrecorded",
    "workers_not_told",
    "direct_left",
    "direct_broke",
    "direct_refused",
    "upkeep_waits",
    "upkeep_failed",
    # agents and breakers
    "call_answered",
    "statement_answered",
    "statement_refused",
    "data_opened",
    "engine_failed",
    "schema_read",
    "schema_unavailable",
    "agent_health_changed",
    "agent_started",
    "breaker_on_its_own",
    "breaker_shared_again",
    "key_unreadable",
    # the API
    "request_failed",
    "store_away",
    "metrics_without_store",
    "stream_failed",
    "reader_too_slow",
    "watch_interrupted",
    "watch_failed",
    "admin_action",
    "audit_entry_only_here",
    "keys_read_again",
    "keys_not_read_again",
    "requests_not_counted",
    "rollout_changed",
    "rollout_not_looked_at",
    "rollout_look_failed",
    "rollout_unreadable",
    # beat
    "beat_leads_again",
    "beat_waits",
    "beat_lock_not_released",
]
