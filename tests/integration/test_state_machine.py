"""The transitions against a model: doubled, late and reordered calls, lost replies, expired leases, in any order.

Time does not pass by itself here: `time_passes` makes one entry overdue, so every outcome is the model's to predict.
"""

import secrets
from collections import Counter
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from core.valkey import sync_client
from state import control, keys, recovery
from state import transitions as t
from state.events import Event
from state.metrics import less, read_counts
from state.model import Mode, NewStep, NewWorkflow, Route
from state.store import Store
from state.transition import Send, Transition, new_token

LONG_MS = 3_600_000
MAX_TAKEOVERS = 2


def a_step(name, *after, needs=(), optional=False):
    wants = tuple(before for before in after if before not in needs)
    return NewStep(name, "nlp", "", 3600, after, needs, wants, optional=optional)


# The plan at first, and the one that the finish of `a` may put in its place.
PLAN = (a_step("a"), a_step("b", "a", needs=("a",)), a_step("c", "a", optional=True),
        a_step("d", "b", "c", needs=("b",)))
LONGER = (PLAN[0], PLAN[1], PLAN[2], a_step("e", "c", needs=("c",), optional=True), a_step("f", "b", "e", needs=("b",)))
NAMES = ("a", "b", "c", "d", "e", "f")
OPEN = {"QUEUED", "HELD", "RUNNING", "RETRYING"}
DONE = {"SUCCEEDED"}
ENDED = {"SUCCEEDED", "FAILED", "CANCELLED", "SKIPPED"}
nodes_drawn = st.sampled_from(["n1", "n2"])


def overdue(workflow_id: str, step: str) -> Transition[recovery.Overdue]:
    return recovery.overdue(workflow_id, step, grace_ms=LONG_MS, max_takeovers=MAX_TAKEOVERS, ttl_s=600)


@dataclass
class Step:
    status: str = "WAITING"
    fence: int = 0
    attempt: int = 0
    takeovers: int = 0
    send: int = 0
    missed: int = 0
    owner: str = ""
    waits: bool = False
    overdue: bool = False
    lost: bool = False
    token: str = ""
    claims: list = field(default_factory=list)
    sends: list = field(default_factory=list)


class Transitions(RuleBasedStateMachine):
    store: Store
    reached: Counter

    def __init__(self):
        super().__init__()
        self.id = secrets.token_hex(16)
        self.status = "QUEUED"
        self.round, self.begun = 0, False
        self.plan = {step.name: step for step in PLAN}
        self.steps = {name: Step() for name in self.plan}
        self.dropped = {}
        self.counts = Counter()
        self.seen, self.ends = {}, Counter()
        self.counted_before = self.counted()
        self.queue_is_empty = True
        self.last_report = None
        workflow = NewWorkflow(self.id, {"query_id": "q"}, Mode.BACKGROUND, 3600, self.in_my_queue(PLAN))
        started = self.store.run(t.start(workflow, LONG_MS, "start"))
        assert [send.step for send in started.sends] == ["a"]
        assert self.store.run(t.start(workflow, LONG_MS, "start")) == started
        self.queued("a", started.sends[0])

    def in_my_queue(self, steps):
        return tuple(replace(step, queue=f"q-{self.id}") for step in steps)

    # --- the model's own moves ---------------------------------------------------------------------------------------

    @property
    def final(self):
        return self.status in {"SUCCEEDED", "DEGRADED", "FAILED", "CANCELLED"}

    def queued(self, name, send):
        step = self.steps[name]
        step.status, step.owner, step.overdue, step.waits = "QUEUED", "", False, False
        step.send += 1
        assert send.send == step.send
        step.sends.append(send)

    def ready(self):
        return [name for name, step in self.plan.items()
                if self.steps[name].status == "WAITING" and all(self.lets_on(before) for before in step.after)]

    def lets_on(self, name):
        return self.steps[name].status in DONE or (self.steps[name].status == "SKIPPED" and self.plan[name].optional)

    def released(self, names, sends):
        assert sorted(send.step for send in sends) == sorted(names)
        for send in sends:
            self.queued(send.step, send)

    def skip_after(self, name):
        for other, step in self.plan.items():
            if name in step.after and self.steps[other].status == "WAITING":
                self.steps[other].status = "SKIPPED"
                self.skip_after(other)

    def end_without_output(self, name, sends):
        """A step fails, or is skipped when it is optional: then only what needs it is skipped with it."""
        before = set(self.ready())
        if self.plan[name].optional:
            self.steps[name].status = "SKIPPED"
            self.skip_what_needs(name)
            ready = [] if self.status == "PAUSED" else sorted(set(self.ready()) - before)
            self.reached["went on without an optional step"] += bool(ready)
            self.released(ready, sends)
        else:
            self.steps[name].status = "FAILED"
            self.skip_after(name)

    def skip_what_needs(self, name):
        for other, step in self.plan.items():
            if name in step.needs and self.steps[other].status == "WAITING":
                self.steps[other].status = "SKIPPED"
                self.reached["skipped with what it needs"] += 1
                self.skip_what_needs(other)

    def extend(self):
        """The steps that waited are replaced by those of LONGER; a name that comes back keeps its fence."""
        waited = {name: step for name, step in self.steps.items() if step.status == "WAITING"}
        self.dropped |= waited
        kept = {name: step for name, step in self.steps.items() if name not in waited}
        self.plan = {step.name: step for step in LONGER}
        self.steps = {name: kept.get(name) or self.back(name) for name in self.plan}
        self.reached["extended"] += 1

    def back(self, name):
        old = self.dropped.get(name, Step())
        return Step(fence=old.fence, claims=old.claims)

    def close_if_done(self):
        statuses = {step.status for step in self.steps.values()}
        if statuses <= ENDED:
            self.status = "FAILED" if "FAILED" in statuses else "DEGRADED" if "SKIPPED" in statuses else "SUCCEEDED"

    def current(self, claim):
        step = self.steps[claim.step]
        return not self.final and step.status == "RUNNING" and step.fence == claim.fence

    @property
    def can_begin(self):
        """Steps a worker may begin now."""
        if self.final or self.status == "PAUSED":
            return []
        return [name for name, step in self.steps.items()
                if step.status in {"QUEUED", "HELD", "RETRYING"} and not step.waits]

    @property
    def running_claims(self):
        return [claim for step in self.steps.values() for claim in step.claims if self.current(claim)]

    def aimed(self, data):
        """A step, mostly one that is open: most calls concern those."""
        still_open = [name for name, step in self.steps.items() if step.status in OPEN]
        return data.draw(st.sampled_from(still_open * 4 + sorted(self.plan)))

    # --- calls --------------------------------------------------------------------------------------------------------

    @rule(data=st.data(), node=nodes_drawn)
    def begin(self, data, node):
        self.begin_it(self.aimed(data), node)

    def begin_it(self, name, node):
        step = self.steps[name]
        send = step.sends[-1] if step.sends else Send(self.id, name, 0, 1)
        token = new_token()
        call = t.begin(send, node=node, lease_ms=LONG_MS, ttl_s=600, token=token)
        answer = self.store.run(call)
        if self.final:
            assert answer is t.Verdict.FINAL
        elif self.status == "PAUSED":
            assert answer is t.Verdict.PAUSED
            self.reached["begin while paused"] += 1
        elif step.status in ENDED:
            assert answer is t.Verdict.DONE
        elif step.status == "WAITING":
            assert answer is t.Verdict.WAITING
        elif step.status == "RUNNING":
            assert answer is t.Verdict.OWNED
            self.reached["doubled message"] += 1
        elif step.waits:
            assert isinstance(answer, t.NotBefore)
            self.reached["retry waits"] += 1
        else:
            step.status, step.overdue, step.token = "RUNNING", False, token
            step.owner = f"{node}/{send.round}.{send.send}"
            step.fence += 1
            step.attempt += 1
            self.status, self.begun = "RUNNING", True
            assert isinstance(answer, t.Go)
            assert (answer.fence, answer.attempt, answer.takeovers) == (step.fence, step.attempt, step.takeovers)
            step.claims.append(answer)
            self.counts["begun", name] += 1
            again = self.store.run(call)  # as after a lost reply
            assert (again.fence, again.attempt, again.inputs) == (answer.fence, answer.attempt, answer.inputs)
            self.reached["reply of begin lost"] += 1

    @precondition(lambda self: any(step.claims for step in self.steps.values()))
    @rule(data=st.data(), what=st.sampled_from(["finish", "finish", "finish", "finish", "retry", "retry now", "fail"]))
    def report(self, data, what):
        claims = [claim for step in self.steps.values() for claim in step.claims]
        self.tell(data.draw(st.sampled_from(self.running_claims * 4 + claims)), what)

    def tell(self, claim, what):
        token = new_token()
        longer = t.Extension(self.in_my_queue(LONGER[1:]), Route.COMPLEX, "of several parts") if (
            what == "finish" and claim.step == "a" and self.counts["calls"] % 3 == 0) else None
        call = {
            "finish": t.finish(claim, {"of": claim.step}, ttl_s=600, grace_ms=LONG_MS, token=token, extension=longer),
            "fail": t.fail(claim, {"message": "broken"}, ttl_s=600, grace_ms=LONG_MS, token=token),
            "retry": t.retry_later(claim, LONG_MS / 1000, {"message": "again"}, lease_ms=LONG_MS, token=token),
            "retry now": t.retry_later(claim, 0, {"message": "again"}, lease_ms=LONG_MS, token=token),
        }[what]
        expected = self.current(claim)
        answer = self.store.run(call)
        assert answer.accepted is expected
        if not expected:
            assert answer.reason == "stale"
            self.reached[f"stale {what}"] += 1
            return
        if longer:
            self.extend()
        self.apply(claim, what, answer)
        assert self.store.run(call) == answer  # as after a lost reply
        self.reached[f"reply of {what} lost"] += 1

    def apply(self, claim, what, answer):
        step = self.steps[claim.step]
        step.overdue = False
        if what == "finish":
            step.status = "SUCCEEDED"
            self.counts["succeeded", claim.step] += 1
            follows = [name for name in self.ready() if claim.step in self.plan[name].after]
            ready = [] if self.status == "PAUSED" else follows
            self.released(ready, answer.released)
        elif what == "fail":
            self.end_without_output(claim.step, answer.released)
        else:
            paused = self.status == "PAUSED"
            step.status, step.waits, step.owner = "WAITING" if paused else "RETRYING", what == "retry", ""
            self.reached["retry while paused"] += paused
        if what in ("finish", "fail"):
            self.close_if_done()

    @rule(data=st.data())
    def time_passes(self, data):
        """One entry becomes overdue; a retry's wait is over with it."""
        self.make_overdue(self.aimed(data))

    def make_overdue(self, name):
        step = self.steps[name]
        if self.store.client.zadd(keys.DUE, {keys.due_member(self.id, name): 0}, xx=True, ch=True):
            step.overdue = True
        if step.status == "RETRYING":
            self.store.client.hset(keys.record(self.id), f"{name}:not_before_ms", 0)
            step.waits = False

    @rule(data=st.data())
    def look_at_overdue(self, data):
        self.look_at(data.draw(
            st.sampled_from([n for n, step in self.steps.items() if step.overdue] * 4 + sorted(self.plan))))

    @precondition(lambda self: self.running_claims and self.counts["calls"] % 2 == 0)
    @rule(data=st.data())
    def a_running_step_meets(self, data):
        """What chance alone brings together too seldom: in a pause, or with the next message lost."""
        claim = data.draw(st.sampled_from(self.running_claims))
        fate = ("its worker dies", "retry", "fail", "retry now", "finish")[self.counts["calls"] // 2 % 5]
        if self.counts["calls"] % 4 and self.status != "PAUSED":
            self.pause_it()
        if fate != "its worker dies":
            self.tell(claim, fate)
        if fate not in ("finish", "fail"):
            self.make_overdue(claim.step)
            self.look_at(claim.step)

    @precondition(lambda self: self.can_begin and self.counts["calls"] % 4 == 0)
    @rule(data=st.data(), node=nodes_drawn)
    def its_workers_die_one_after_the_other(self, data, node):
        name = data.draw(st.sampled_from(self.can_begin))
        while name in self.can_begin:
            self.begin_it(name, node)
            self.make_overdue(name)
            self.look_at(name)

    @precondition(lambda self: self.can_begin and self.counts["calls"] % 7 == 0)
    @rule(node=nodes_drawn)
    def all_goes_well_for_a_while(self, node):
        while self.can_begin:
            name = self.can_begin[0]
            self.begin_it(name, node)
            self.tell(self.steps[name].claims[-1], "finish")

    def look_at(self, name):
        step = self.steps[name]
        answer = self.store.run(overdue(self.id, name))
        if step.status not in OPEN or not step.overdue:
            assert answer.kind is recovery.OverdueKind.LATER
        elif step.status == "QUEUED" and not self.queue_is_empty:
            assert answer.kind is recovery.OverdueKind.LATER
            step.overdue = False
            self.reached["a long queue is not a lost message"] += 1
        elif step.status == "QUEUED" and step.missed != step.send:
            assert answer.kind is recovery.OverdueKind.LATER
            step.missed, step.overdue = step.send, False
            self.reached["missed once is not lost"] += 1
        elif step.status in ("QUEUED", "RETRYING"):
            assert answer.kind is recovery.OverdueKind.SENT
            self.reached[f"resend, {answer.why}"] += 1
            step.lost = True
            self.queued(name, answer.send)
        else:
            self.take_over(name, answer)

    def take_over(self, name, answer):
        step = self.steps[name]
        step.lost = True
        step.fence += 1
        step.takeovers += step.status == "RUNNING"
        if step.takeovers > MAX_TAKEOVERS:
            assert answer.kind is recovery.OverdueKind.POISONED
            step.owner, step.overdue = "", False
            self.reached["poisoned"] += 1
            self.counts["poisoned"] += 1
            self.end_without_output(name, answer.sends)
            self.close_if_done()
            return
        if self.status == "PAUSED":
            assert answer.kind is recovery.OverdueKind.DROPPED
            step.status, step.owner, step.overdue = "WAITING", "", False
            self.reached["takeover while paused"] += 1
            return
        assert (answer.kind, answer.why) == (recovery.OverdueKind.SENT, "takeover")
        self.reached[f"takeover of {step.status}"] += 1
        self.queued(name, answer.send)

    @rule(data=st.data(), node=nodes_drawn, active=st.booleans())
    def renew(self, data, node, active):
        name = self.aimed(data)
        step = self.steps[name]
        if not step.sends:
            return
        send = step.sends[-1]
        refused = self.store.run(recovery.renew(node, [(send, active)], LONG_MS, LONG_MS))
        mine = step.owner == f"{node}/{send.round}.{send.send}"
        if step.status == "RUNNING" and mine:
            assert refused == []
            step.overdue = False
        elif step.status in ("QUEUED", "HELD"):
            assert refused == []
            step.status, step.owner, step.overdue = "HELD", f"{node}/{send.round}.{send.send}", False
        elif step.status == "RETRYING":
            assert refused == []
            step.overdue = False
        else:
            lost = active and not (mine and step.status in {"SUCCEEDED", "FAILED", "SKIPPED"})
            assert refused == ([send.task_id] if lost else [])
            self.reached["renewal refused"] += lost

    @rule(empty=st.booleans())
    def queue_fills_or_drains(self, empty):
        queue = f"q-{self.id}"
        self.store.client.delete(queue)
        if not empty:
            self.store.client.lpush(queue, "another message")
        self.queue_is_empty = empty

    @precondition(lambda self: self.counts["calls"] > 45)
    @rule(deadline=st.booleans())
    def end_early(self, deadline):
        """The deadline passes, or an operator cancels."""
        open_sends = [s.sends[-1].task_id for s in self.steps.values() if s.status in OPEN]
        if self.final:
            assert not self.store.run(control.cancel(self.id, actor="a", reason="r", ttl_s=600)).done
            return
        if deadline:
            self.store.client.zadd(keys.DUE, {keys.due_member(self.id, ""): 0}, xx=True)
            ended = self.store.run(overdue(self.id, ""))
            assert ended.kind is recovery.OverdueKind.DEADLINE
            self.counts["out of time", "pause" if self.status == "PAUSED" else "deadline"] += 1
        else:
            ended = self.store.run(control.cancel(self.id, actor="a", reason="r", ttl_s=600))
            assert ended.done
        assert sorted(ended.task_ids) == sorted(open_sends)
        self.reached["deadline" if deadline else "cancel"] += 1
        for name, step in self.steps.items():
            if step.status in OPEN:
                step.status, step.owner, step.overdue = "FAILED" if deadline else "CANCELLED", "", False
                step.fence += 1
                if deadline:
                    self.skip_after(name)
        waiting = [step for step in self.steps.values() if step.status == "WAITING"]
        for step in waiting:
            step.status = "CANCELLED"
            step.fence += not deadline
        self.reached["a pause without end"] += deadline and bool(waiting)
        self.status = "CANCELLED" if waiting or not deadline else "FAILED"

    @precondition(lambda self: self.counts["calls"] > 12 and self.counts["calls"] % 9 == 0)
    @rule()
    def pause(self):
        self.pause_it()

    def pause_it(self):
        answer = self.store.run(control.pause(self.id, actor="a", reason="r", at_most_s=3600))
        assert answer.done is (not self.final and self.status != "PAUSED")
        if not answer.done:
            assert answer.status == self.status
            return
        stopped = [step for step in self.steps.values() if step.status in {"QUEUED", "HELD", "RETRYING"}]
        assert sorted(answer.task_ids) == sorted(step.sends[-1].task_id for step in stopped)
        for step in stopped:
            step.status, step.owner, step.overdue, step.waits = "WAITING", "", False, False
        self.status = "PAUSED"

    @precondition(lambda self: self.counts["calls"] % (4 if self.status == "PAUSED" else 20) == 0)
    @rule(twice=st.booleans())
    def resume(self, twice):
        answer = self.store.run(control.resume(self.id, actor="a", reason="r", grace_ms=LONG_MS))
        assert answer.done is (self.status == "PAUSED")
        if answer.done:
            self.status = "RUNNING" if self.begun else "QUEUED"
            self.released(self.ready(), answer.sends)
            self.reached["resume"] += 1
        if twice:
            assert not self.store.run(control.resume(self.id, actor="a", reason="r", grace_ms=LONG_MS)).done

    @precondition(lambda self: self.final)
    @rule(step=st.sampled_from(["", "", "", *NAMES]))
    def reset(self, step):
        token = new_token()
        call = control.reset_from(self.id, step, actor="a", reason="r", grace_ms=LONG_MS, token=token)
        answer = self.store.run(call)
        first = [step] if step else [name for name, one in self.steps.items() if one.status != "SUCCEEDED"]
        if (step and step not in self.steps) or not first:
            assert (answer.done, answer.refusal) == (False, "unknown" if step else "nothing")
            self.reached[f"reset refused: {answer.refusal}"] += 1
            return
        again = set()
        for name in first:
            self.add_to(again, name)
        self.round += 1
        for name in again:
            old = self.steps[name]
            self.steps[name] = Step(fence=old.fence + 1, claims=old.claims)
        self.status, self.begun = "QUEUED", False
        self.released(self.ready(), answer.sends)
        assert {send.round for send in answer.sends} == {self.round}
        self.reached["reset"] += 1
        assert self.store.run(call) == answer  # as after a lost reply
        self.reached["reply of reset lost"] += 1

    def add_to(self, again, name):
        """The step, what depends on it, and what it waits for without a good output."""
        if name in again:
            return
        again.add(name)
        for other, planned in self.plan.items():
            unmet = other in self.plan[name].after and self.steps[other].status not in DONE
            if name in planned.after or unmet:
                self.add_to(again, other)

    # --- what must hold after every call -----------------------------------------------------------------------------

    @invariant()
    def the_record_is_the_model(self):
        self.counts["calls"] += 1
        record = self.store.record(self.id)
        assert record.status == self.status
        assert {n: (s.status, s.attempt, s.takeovers, s.send) for n, s in record.steps.items()} == {
            n: (s.status, s.attempt, s.takeovers, s.send) for n, s in self.steps.items()}
        self.reached[f"workflow {self.status}"] += 1
        for step in self.steps.values():
            self.reached[f"step {step.status}"] += 1

    @invariant()
    def every_open_step_is_due_and_nothing_else(self):
        due = {member.decode() for member in self.store.client.zrange(keys.DUE, 0, -1)}
        mine = {member.partition("|")[2] for member in due if member.startswith(self.id)}
        expected = {name for name, step in self.steps.items() if step.status in OPEN}
        assert mine == (expected if self.final else expected | {""})
        assert not (self.final and expected)

    @invariant()
    def it_expires_only_when_it_has_ended(self):
        assert (self.store.client.ttl(keys.record(self.id)) > 0) is self.final
        assert bool(self.store.client.exists(keys.META_PREFIX + self.id)) is self.final

    @invariant()
    def ends_are_noted(self):
        for name, step in self.steps.items():
            if step.status in ENDED and self.seen.get(name) != step.status:
                self.ends["step", "nlp", step.status, str(max(0, step.attempt - step.takeovers))] += 1
                self.ends["brought_back", "nlp", step.status] += step.lost
        ended = self.final and self.seen.get("") != self.status
        self.ends["ended", "background", self.status] += ended
        self.ends["routed", "complex" if len(self.plan) == len(LONGER) else "simple"] += ended
        self.seen = {"": self.status, **{name: step.status for name, step in self.steps.items()}}

    def counted(self):
        return read_counts(self.store.client.hgetall(keys.METRICS).items())

    def the_counts_are_the_model(self, kinds):
        """In all: what the scripts counted is what the model saw end, and what the history tells."""
        found, times = Counter(), Counter()
        for path, count in less(self.counted(), self.counted_before).items():
            if path[0] not in {"attempt", "step_time", "workflow_time"}:
                found[path] = count
            elif path[-1] != "ms":
                times[path[:-1]] += count
        told = {"accepted": ("accepted", "background"),
                "taken_over": ("taken_over", "nlp"), "resent": ("resent", "nlp"),
                "paused": ("control", "pause"), "resumed": ("control", "resume"), "reset": ("control", "retry"),
                "cancel_requested": ("control", "cancel")}
        expected = self.ends + Counter({path: kinds[kind] for kind, path in told.items()})
        expected["poisoned", "nlp"] = self.counts["poisoned"]
        for limit in ("deadline", "pause"):
            expected["out_of_time", limit] = self.counts["out of time", limit]
        assert found == +expected
        assert times["attempt", "nlp", "SUCCEEDED"] == kinds["succeeded"]
        assert times["attempt", "nlp", "RETRYING"] == kinds["retrying"]
        assert times["workflow_time", "background"] == sum(
            count for path, count in self.ends.items() if path[0] == "ended" and path[2] != "CANCELLED")

    def teardown(self):
        entries = self.store.client.xrange(keys.events(self.id))
        kinds = Counter((event.kind, event.step) for event in (Event.of_entry(i, f) for i, f in entries))
        assert kinds["ended", ""] == self.round + self.final
        assert kinds["reset", ""] == self.round
        for name, step in self.steps.items():
            assert kinds["begun", name] == self.counts["begun", name] >= step.attempt
            assert kinds["succeeded", name] == self.counts["succeeded", name] <= self.round + 1
        self.the_counts_are_the_model(sum((Counter({kind: n}) for (kind, _), n in kinds.items()), Counter()))


MUST_BE_REACHED = [
    *(f"workflow {status}" for status in ("QUEUED", "RUNNING", "SUCCEEDED", "DEGRADED", "FAILED", "CANCELLED")),
    *(f"step {status}" for status in ("WAITING", "QUEUED", "HELD", "RUNNING", "RETRYING", "SUCCEEDED", "FAILED",
                                      "CANCELLED", "SKIPPED")),
    "doubled message", "retry waits", "stale finish", "stale fail", "stale retry", "reply of begin lost",
    "reply of finish lost", "reply of fail lost", "reply of retry lost", "resend, lost", "resend, retry",
    "takeover of RUNNING", "takeover of HELD", "poisoned", "renewal refused", "a long queue is not a lost message",
    "deadline", "cancel", "a pause without end", "missed once is not lost", "workflow PAUSED", "begin while paused",
    "retry while paused", "takeover while paused", "resume", "reset", "reply of reset lost", "reset refused: unknown",
    "extended", "went on without an optional step", "skipped with what it needs",
]


@pytest.mark.timeout(240)
def test_the_transitions_do_what_the_model_says(valkey):
    """Two hundred stories, and further ones until each thing named above has happened in one."""
    client = sync_client(valkey.url)
    client.flushall()
    reached = Counter()
    machine = type("TransitionsHere", (Transitions,), {"store": Store(client), "reached": reached})
    missing = MUST_BE_REACHED
    for number in range(10):
        run_state_machine_as_test(seed(number)(machine), settings=settings(
            max_examples=100, stateful_step_count=90, deadline=None, database=None,
            phases=(Phase.generate,),  # a story of 90 calls is not made shorter within the time a test has
            suppress_health_check=list(HealthCheck)))
        missing = [name for name in MUST_BE_REACHED if not reached[name]]
        if number >= 1 and not missing:
            break
    client.close()
    assert not missing, f"never reached: {missing}; reached: {dict(reached)}"
