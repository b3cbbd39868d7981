"""The transitions on a real server: what is legal, what is stale, what is repeated, what is recovered."""

import json
import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.valkey import sync_client
from state import control, keys, recovery
from state import transitions as t
from state.events import Event, EventKind
from state.listing import Listing
from state.model import Mode, NewStep, NewWorkflow, Path, StepStatus, WorkflowStatus
from state.store import Store
from state.transition import Send, new_token

LEASE_MS = 60_000
GRACE_MS = 60_000
GAP_MS = 1_000


@pytest.fixture
def store(valkey):
    client = sync_client(valkey.url)
    client.flushall()
    yield Store(client)
    client.close()


def chain_of_three(deadline_s=180.0, limit_s=30.0):
    return NewWorkflow(secrets.token_hex(16), {"query": "q", "query_id": "q"}, Mode.INTERACTIVE, deadline_s, (
        NewStep("nlp", "nlp", "agents.nlp", limit_s),
        NewStep("data", "data", "agents.data", limit_s, ("nlp",), ("nlp",)),
        NewStep("viz", "viz", "agents.viz", limit_s, ("data",), ("nlp", "data")),
    ))


def start(store, workflow, grace_ms=GRACE_MS):
    return store.run(t.start(workflow, grace_ms, "start")).sends[0]


def begin(store, send, node="n1", token=None, lease_ms=LEASE_MS):
    return store.run(t.begin(send, node=node, lease_ms=lease_ms, ttl_s=100, token=token or new_token()))


def finish(store, go, token=None):
    return store.run(t.finish(go, {"of": go.step}, ttl_s=100, grace_ms=GRACE_MS, token=token or new_token()))


def overdue(store, workflow_id, step, max_takeovers=3):
    return store.run(recovery.overdue(workflow_id, step, grace_ms=0, max_takeovers=max_takeovers, ttl_s=100))


def looked(store):
    """Somebody looked for overdue entries a moment ago, and there was no gap."""
    store.run(recovery.look(1, GAP_MS, LEASE_MS))
    store.client.hset(keys.LOOK, "quiet_until_ms", 0)


def missed(store, workflow_id, step):
    """Found to be in no queue, and found so again a moment later."""
    assert overdue(store, workflow_id, step).kind is recovery.OverdueKind.LATER
    store.client.zadd(keys.DUE, {keys.due_member(workflow_id, step): 0})
    return overdue(store, workflow_id, step)


def kinds(store, workflow_id):
    entries = store.client.xrange(keys.events(workflow_id))
    return [(event.kind, event.step) for event in (Event.of_entry(i, f) for i, f in entries)]


def run_to_the_end(store, workflow):
    send = start(store, workflow)
    while True:
        report = finish(store, begin(store, send))
        if not report.released:
            return
        (send,) = report.released


@pytest.mark.parametrize("path", Path)
def test_the_record_and_the_list_say_which_path_it_takes(store, path):
    workflow = replace(chain_of_three(), path=path)
    start(store, workflow)
    assert store.record(workflow.workflow_id).path is path
    assert [one.path for one in store.page(Listing(limit=1)).workflows] == [path]


def test_a_workflow_runs_from_step_to_step_and_leaves_nothing_due(store):
    workflow = chain_of_three()
    run_to_the_end(store, workflow)
    record = store.record(workflow.workflow_id)
    assert record.status is WorkflowStatus.SUCCEEDED
    assert [s.status for s in record.steps.values()] == [StepStatus.SUCCEEDED] * 3
    assert store.client.zcard(keys.DUE) == 0
    assert kinds(store, workflow.workflow_id) == [
        (EventKind.ACCEPTED, ""), (EventKind.BEGUN, "nlp"), (EventKind.SUCCEEDED, "nlp"), (EventKind.BEGUN, "data"),
        (EventKind.SUCCEEDED, "data"), (EventKind.BEGUN, "viz"), (EventKind.SUCCEEDED, "viz"), (EventKind.ENDED, "")]


def test_inputs_are_the_outputs_a_step_needs(store):
    send = start(store, chain_of_three())
    seen = {}
    while True:
        go = begin(store, send)
        seen[go.step] = go.inputs
        report = finish(store, go)
        if not report.released:
            break
        (send,) = report.released
    assert seen == {"nlp": {}, "data": {"nlp": {"of": "nlp"}}, "viz": {"nlp": {"of": "nlp"}, "data": {"of": "data"}}}


def test_everything_expires_once_the_workflow_has_ended_and_nothing_before(store):
    workflow = chain_of_three()
    start(store, workflow)
    of_workflow = [keys.record(workflow.workflow_id), keys.events(workflow.workflow_id)]
    assert [store.client.ttl(key) for key in of_workflow] == [-1, -1]
    other = chain_of_three()
    run_to_the_end(store, other)
    for key in (keys.record(other.workflow_id), keys.events(other.workflow_id), keys.outputs(other.workflow_id),
                keys.META_PREFIX + other.workflow_id):
        assert 0 < store.client.ttl(key) <= 100


def test_celery_s_own_result_is_written_at_the_end(store):
    workflow = chain_of_three()
    run_to_the_end(store, workflow)
    meta = json.loads(store.client.get(keys.META_PREFIX + workflow.workflow_id))
    assert meta["status"] == "SUCCESS"
    assert meta["task_id"] == workflow.workflow_id
    assert meta["result"] == {"workflow_id": workflow.workflow_id, "status": "SUCCEEDED"}


def test_a_call_repeated_with_its_token_gets_the_same_answer_and_counts_once(store):
    workflow = chain_of_three()
    first = t.start(workflow, GRACE_MS, "start")
    assert store.run(first) == store.run(first)
    assert not store.run(t.start(workflow, GRACE_MS, "another")).fresh
    send = store.run(first).sends[0]
    go = begin(store, send, token="b")
    assert begin(store, send, token="b").fence == go.fence
    report = finish(store, go, token="f")
    assert finish(store, go, token="f") == report
    assert kinds(store, workflow.workflow_id).count((EventKind.BEGUN, "nlp")) == 1
    assert kinds(store, workflow.workflow_id).count((EventKind.SUCCEEDED, "nlp")) == 1


def test_a_doubled_message_finds_the_step_owned_then_done(store):
    send = start(store, chain_of_three())
    go = begin(store, send)
    assert begin(store, send, node="n2") is t.Verdict.OWNED
    finish(store, go)
    assert begin(store, send, node="n2") is t.Verdict.DONE
    assert begin(store, Send(send.workflow_id, "viz", 0, 1)) is t.Verdict.WAITING
    assert begin(store, Send("f" * 32, "nlp", 0, 1)) is t.Verdict.GONE
    assert begin(store, Send(send.workflow_id, "nope", 0, 1)) is t.Verdict.GONE


def test_a_retry_waits_and_then_counts_another_attempt(store):
    workflow = chain_of_three()
    send = start(store, workflow)
    go = begin(store, send)
    assert store.run(t.retry_later(go, 60, {"message": "m"}, lease_ms=LEASE_MS, token="r")).accepted
    waiting = begin(store, send)
    assert isinstance(waiting, t.NotBefore)
    assert 0 < waiting.wait_s <= 60
    assert store.record(workflow.workflow_id).steps["nlp"].status is StepStatus.RETRYING
    assert not finish(store, go).accepted
    store.client.hset(keys.record(workflow.workflow_id), "nlp:not_before_ms", 0)
    again = begin(store, send)
    assert (again.attempt, again.fence) == (2, 2)


def test_a_refusal_by_the_breaker_waits_and_spends_no_attempt(store):
    workflow = chain_of_three()
    send = start(store, workflow)
    go = begin(store, send)
    error = {"message": "The breaker is open."}
    later = t.retry_later(go, 0, error, lease_ms=LEASE_MS, token="once", called=False)
    assert store.run(later).accepted
    assert store.run(later).accepted
    assert store.record(workflow.workflow_id).steps["nlp"].attempt == 0
    assert begin(store, send).attempt == 1


def test_a_takeover_fences_the_old_owner_off(store):
    workflow = chain_of_three()
    send = start(store, workflow)
    old = begin(store, send, lease_ms=0)
    taken = overdue(store, workflow.workflow_id, "nlp")
    assert taken.why == "takeover"
    assert taken.send.task_id != send.task_id
    assert overdue(store, workflow.workflow_id, "data").kind is recovery.OverdueKind.LATER
    new = begin(store, taken.send, node="n2")
    assert finish(store, old).reason == "stale"
    assert not store.run(t.fail(old, {"message": "late"}, ttl_s=100, grace_ms=60_000, token="x")).accepted
    assert finish(store, new).accepted
    assert (new.attempt, new.takeovers) == (2, 1)


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_a_step_whose_workers_keep_dying_is_given_up(store, limit):
    workflow = chain_of_three()
    send = start(store, workflow)
    for _ in range(limit):
        begin(store, send, lease_ms=0)
        send = overdue(store, workflow.workflow_id, "nlp", max_takeovers=limit).send
    begin(store, send, lease_ms=0)
    taken = overdue(store, workflow.workflow_id, "nlp", max_takeovers=limit)
    assert taken.kind is recovery.OverdueKind.POISONED
    record = store.record(workflow.workflow_id)
    assert record.status is WorkflowStatus.FAILED
    assert [s.status for s in record.steps.values()] == [StepStatus.FAILED, StepStatus.SKIPPED, StepStatus.SKIPPED]
    assert record.steps["nlp"].error["recovery_action"] == "contact_support"
    assert store.client.zcard(keys.DUE) == 0


def test_a_queued_step_is_sent_again_only_when_its_message_must_be_lost(store):
    workflow = chain_of_three()
    send = start(store, workflow, grace_ms=0)
    store.client.lpush("agents.nlp", "someone else's message")
    assert overdue(store, workflow.workflow_id, "nlp").kind is recovery.OverdueKind.LATER
    store.client.delete("agents.nlp")
    taken = missed(store, workflow.workflow_id, "nlp")
    assert (taken.why, taken.send.send) == ("lost", send.send + 1)


def test_a_step_whose_message_a_worker_has_and_claims_in_a_moment_is_not_sent_again(store):
    workflow = chain_of_three()
    send = start(store, workflow, grace_ms=0)
    assert overdue(store, workflow.workflow_id, "nlp").kind is recovery.OverdueKind.LATER
    store.run(recovery.renew("n1", [(send, False)], LEASE_MS, GAP_MS))
    assert overdue(store, workflow.workflow_id, "nlp").kind is recovery.OverdueKind.LATER
    assert kinds(store, workflow.workflow_id) == [("accepted", "")]


def test_newer_messages_that_have_begun_show_that_an_older_one_is_lost(store):
    old, new = chain_of_three(), chain_of_three()
    start(store, old, grace_ms=0)
    store.client.hset(keys.record(old.workflow_id), "nlp:queued_ms", 1)
    store.client.lpush("agents.nlp", "a long queue")
    begin(store, start(store, new))
    assert missed(store, old.workflow_id, "nlp").why == "lost"


def test_an_old_message_of_a_step_that_was_sent_again_says_nothing_about_others(store):
    waiting, doubled = chain_of_three(), chain_of_three()
    start(store, waiting, grace_ms=0)
    store.client.hset(keys.record(waiting.workflow_id), "nlp:queued_ms", 1)
    old = start(store, doubled, grace_ms=0)
    missed(store, doubled.workflow_id, "nlp")
    store.client.lpush("agents.nlp", "a long queue")
    begin(store, old)
    assert overdue(store, waiting.workflow_id, "nlp").kind is recovery.OverdueKind.LATER
    store.client.zadd(keys.DUE, {keys.due_member(waiting.workflow_id, "nlp"): 0})
    assert overdue(store, waiting.workflow_id, "nlp").kind is recovery.OverdueKind.LATER


def test_a_renewal_keeps_what_is_held_and_refuses_what_was_lost(store):
    workflow = chain_of_three()
    send = start(store, workflow)
    assert store.run(recovery.renew("n1", [(send, False)], LEASE_MS, GAP_MS)) == []
    assert store.record(workflow.workflow_id).steps["nlp"].status is StepStatus.HELD
    begin(store, send, lease_ms=0)
    assert store.run(recovery.renew("n1", [(send, True)], LEASE_MS, GAP_MS)) == []
    assert overdue(store, workflow.workflow_id, "nlp").kind is recovery.OverdueKind.LATER
    assert store.run(recovery.renew("n2", [(send, True)], LEASE_MS, GAP_MS)) == [send.task_id]
    store.client.zadd(keys.DUE, {keys.due_member(workflow.workflow_id, "nlp"): 0})
    overdue(store, workflow.workflow_id, "nlp")
    assert store.run(recovery.renew("n1", [(send, True)], LEASE_MS, GAP_MS)) == [send.task_id]


def test_a_claim_is_not_renewed_beyond_the_step_s_own_limit(store):
    send = start(store, chain_of_three(limit_s=0))
    begin(store, send)
    looked(store)
    assert store.run(recovery.renew("n1", [(send, True)], LEASE_MS, GAP_MS)) == [send.task_id]


def test_after_a_gap_in_the_looks_a_claim_gets_time_to_report_whatever_its_age(store):
    workflow = chain_of_three(limit_s=0)
    send = start(store, workflow)
    go = begin(store, send)
    looked(store)
    store.client.hset(keys.LOOK, "last_ms", 0)
    assert store.run(recovery.renew("n1", [(send, True)], LEASE_MS, GAP_MS)) == []
    looked(store)
    assert store.run(recovery.renew("n1", [(send, True)], LEASE_MS, GAP_MS)) == []
    assert finish(store, go).accepted


def test_the_deadline_ends_a_workflow_wherever_it_stands(store):
    workflow = chain_of_three(deadline_s=0)
    send = start(store, workflow)
    go = begin(store, send)
    ended = overdue(store, workflow.workflow_id, "")
    assert (ended.kind, ended.task_ids) == (recovery.OverdueKind.DEADLINE, (send.task_id,))
    record = store.record(workflow.workflow_id)
    assert record.status is WorkflowStatus.FAILED
    assert record.steps["nlp"].error["error_type"] == "agent_timeout"
    assert not finish(store, go).accepted
    assert store.run(recovery.renew("n1", [(send, True)], LEASE_MS, GAP_MS)) == [send.task_id]
    assert store.client.zcard(keys.DUE) == 0


def test_cancel_ends_it_once_and_late_results_change_nothing(store):
    workflow = chain_of_three()
    send = start(store, workflow)
    go = begin(store, send)
    cancel = control.cancel(workflow.workflow_id, actor="ann", reason="changed my mind", ttl_s=100)
    done = store.run(cancel)
    assert (done.done, done.task_ids) == (True, (send.task_id,))
    again = store.run(control.cancel(workflow.workflow_id, actor="bob", reason="me too", ttl_s=100))
    assert (again.done, again.status) == (False, WorkflowStatus.CANCELLED)
    assert not finish(store, go).accepted
    assert begin(store, send) is t.Verdict.FINAL
    assert store.run(control.cancel("f" * 32, actor="a", reason="r", ttl_s=1)).status is None
    assert json.loads(store.client.get(keys.META_PREFIX + workflow.workflow_id))["status"] == "REVOKED"
    assert kinds(store, workflow.workflow_id)[-2:] == [(EventKind.CANCEL_REQUESTED, ""), (EventKind.ENDED, "")]


def test_a_failed_step_skips_what_depends_on_it_and_spares_the_rest(store):
    workflow = NewWorkflow(secrets.token_hex(16), {"query": "q", "query_id": "q"}, Mode.BACKGROUND, 180, (
        NewStep("a", "nlp", "agents.nlp", 30), NewStep("b", "nlp", "agents.nlp", 30),
        NewStep("a2", "data", "agents.data", 30, ("a",)), NewStep("join", "viz", "agents.viz", 30, ("a2", "b"))))
    a, b = store.run(t.start(workflow, GRACE_MS, "s")).sends
    assert store.run(t.fail(begin(store, a), {"message": "broken"}, ttl_s=100, grace_ms=60_000, token="x")).accepted
    assert store.record(workflow.workflow_id).status is WorkflowStatus.RUNNING
    assert finish(store, begin(store, b)).released == ()
    record = store.record(workflow.workflow_id)
    assert record.status is WorkflowStatus.FAILED
    assert record.message == "broken"
    assert {s.name: s.status for s in record.steps.values()} == {
        "a": "FAILED", "b": "SUCCEEDED", "a2": "SKIPPED", "join": "SKIPPED"}


def test_a_join_is_released_once_by_whoever_is_last(store):
    workflow = NewWorkflow(secrets.token_hex(16), {"query": "q", "query_id": "q"}, Mode.BACKGROUND, 180, (
        NewStep("a", "nlp", "agents.nlp", 30), NewStep("b", "nlp", "agents.nlp", 30),
        NewStep("join", "viz", "agents.viz", 30, ("a", "b"), ("a", "b"))))
    a, b = store.run(t.start(workflow, GRACE_MS, "s")).sends
    assert finish(store, begin(store, a)).released == ()
    (join,) = finish(store, begin(store, b)).released
    assert begin(store, join).inputs == {"a": {"of": "a"}, "b": {"of": "b"}}


def test_after_a_gap_in_the_looks_only_deadlines_count_for_one_lease(store):
    waiting, late = chain_of_three(), chain_of_three(deadline_s=0)
    for workflow in (waiting, late):
        begin(store, start(store, workflow), lease_ms=0)
    everything = {(waiting.workflow_id, "nlp"), (late.workflow_id, "nlp"), (late.workflow_id, "")}
    assert set(store.run(recovery.look(10, GAP_MS, LEASE_MS))) == everything
    store.client.hset(keys.LOOK, "last_ms", 1)
    assert store.run(recovery.look(10, GAP_MS, LEASE_MS)) == [(late.workflow_id, "")]
    store.client.hset(keys.LOOK, "quiet_until_ms", 0)
    assert set(store.run(recovery.look(10, GAP_MS, LEASE_MS))) == everything


def paused(store, workflow):
    return store.run(control.pause(workflow.workflow_id, actor="ann", reason="lunch", at_most_s=600))


def resumed(store, workflow):
    return store.run(control.resume(workflow.workflow_id, actor="ann", reason="back", grace_ms=GRACE_MS))


def reset(store, workflow, step=""):
    return store.run(control.reset_from(workflow.workflow_id, step, actor="ann", reason="again", grace_ms=GRACE_MS,
                                        token=new_token()))


def test_a_pause_lets_running_calls_end_and_begins_nothing_more(store):
    workflow = chain_of_three()
    go = begin(store, start(store, workflow))
    assert paused(store, workflow).done
    assert not paused(store, workflow).done
    assert finish(store, go).released == ()
    record = store.record(workflow.workflow_id)
    assert (record.status, record.steps["data"].status) == (WorkflowStatus.PAUSED, StepStatus.WAITING)
    assert store.client.zcard(keys.DUE) == 1
    assert [send.step for send in resumed(store, workflow).sends] == ["data"]
    assert not resumed(store, workflow).done


def test_paused_time_is_not_the_workflow_s(store):
    workflow = chain_of_three(deadline_s=100)
    send = start(store, workflow)
    assert paused(store, workflow).task_ids == (send.task_id,)
    before = store.record(workflow.workflow_id).deadline_ms
    store.client.hincrby(keys.record(workflow.workflow_id), "paused_ms", -500_000)
    (again,) = resumed(store, workflow).sends
    assert again.send == send.send + 1
    assert store.record(workflow.workflow_id).deadline_ms >= before + 500_000
    assert begin(store, again).time_left_s > 90


def test_a_workflow_runs_again_from_what_has_no_good_output_as_a_new_round(store):
    workflow = chain_of_three()
    report = finish(store, begin(store, start(store, workflow)))
    old = begin(store, report.released[0])
    store.run(t.fail(old, {"message": "broken"}, ttl_s=100, grace_ms=60_000, token=new_token()))
    (send,) = reset(store, workflow).sends
    assert (send.step, send.round, send.send) == ("data", 1, 1)
    record = store.record(workflow.workflow_id)
    assert record.status is WorkflowStatus.QUEUED
    assert [step.status for step in record.steps.values()] == ["SUCCEEDED", "QUEUED", "WAITING"]
    assert store.client.ttl(keys.record(workflow.workflow_id)) == -1
    assert not store.client.exists(keys.META_PREFIX + workflow.workflow_id)
    assert not finish(store, old).accepted
    go = begin(store, send)
    assert (go.round, go.attempt, go.inputs) == (1, 1, {"nlp": {"of": "nlp"}})
    finish(store, begin(store, finish(store, go).released[0]))
    assert store.record(workflow.workflow_id).status is WorkflowStatus.SUCCEEDED
    assert reset(store, workflow).refusal == "nothing"


def test_what_succeeded_runs_again_only_when_it_is_named(store):
    workflow = chain_of_three()
    run_to_the_end(store, workflow)
    assert reset(store, workflow, "nobody").refusal == "unknown"
    assert [send.step for send in reset(store, workflow, "data").sends] == ["data"]
    assert reset(store, workflow, "data").refusal == "open"
    assert set(store.client.hkeys(keys.outputs(workflow.workflow_id))) == {b"", b"?", b"nlp"}


def test_a_cancelled_workflow_runs_again_from_where_it_was(store):
    workflow = chain_of_three()
    finish(store, begin(store, start(store, workflow)))
    store.run(control.cancel(workflow.workflow_id, actor="ann", reason="no", ttl_s=100))
    assert [(send.step, send.round) for send in reset(store, workflow).sends] == [("data", 1)]


def test_a_due_entry_without_a_record_is_dropped(store):
    store.client.zadd(keys.DUE, {"f" * 32 + "|nlp": 0})
    assert overdue(store, "f" * 32, "nlp").kind is recovery.OverdueKind.DROPPED
    assert store.client.zcard(keys.DUE) == 0


def test_a_lost_script_is_loaded_again(store):
    workflow = chain_of_three()
    send = start(store, workflow)
    store.client.script_flush()
    assert isinstance(begin(store, send), t.Go)


def test_a_history_that_grows_without_end_ends_the_workflow(store):
    workflow = chain_of_three()
    send = start(store, workflow)
    with store.client.pipeline() as pipe:
        for _ in range(5_000):
            pipe.xadd(keys.events(workflow.workflow_id), {"kind": "resent", "step": "nlp", "at": "0"})
        pipe.execute()
    assert begin(store, send) is t.Verdict.FINAL
    record = store.record(workflow.workflow_id)
    assert record.status is WorkflowStatus.FAILED
    assert record.steps["nlp"].error["error_type"] == "too_many_events"
    assert store.client.zcard(keys.DUE) == 0


def test_indexes_forget_what_expired_long_ago_and_nothing_else(store):
    old, new, running = chain_of_three(), chain_of_three(), chain_of_three()
    for workflow in (old, new):
        run_to_the_end(store, workflow)
    start(store, running)
    for key in (keys.BY_TIME, f"{keys.BY_STATUS}:SUCCEEDED"):
        store.client.zadd(key, {old.workflow_id: 1}, xx=True)
    assert store.run(recovery.trim(3600)) == 2
    assert set(store.client.zrange(keys.BY_TIME, 0, -1)) == {new.workflow_id.encode(), running.workflow_id.encode()}


def test_celery_s_result_carries_the_moment_it_ended(store):
    before = datetime.now(UTC) - timedelta(seconds=1)
    workflow = chain_of_three()
    run_to_the_end(store, workflow)
    meta = json.loads(store.client.get(keys.META_PREFIX + workflow.workflow_id))
    assert before <= datetime.fromisoformat(meta["date_done"]) <= datetime.now(UTC) + timedelta(seconds=1)
