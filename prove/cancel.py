"""Cancel: how soon a running call ends, on every pool, by the API and the shell; a thousand at once; none revives."""

import time
from functools import partial

from prove.proof import Figure, Kind, Part, Result, Run
from state import keys
from state.model import WorkflowStatus
from tests.chaos.arena import Shape
from tests.chaos.cancelling import cancelling
from tests.chaos.traces import percentile
from tests.processes import wait_for

CALLS, AT_ONCE, BY_SHELL, MANY = 200, 4, 20, 1_000
ENDS_WITHIN_S, BY_SHELL_WITHIN_S, MANY_WITHIN_S = 0.5, 3.0, 5.0


def calls(run: Run, *, pool: str) -> Result:
    """One running call after the other is cancelled, some by the shell's revoke; all are run again."""
    wanted, by_shell = run.sized(CALLS, 8), run.sized(BY_SHELL, 2)
    shape = Shape(pool=pool, workers=2, concurrency=2 * AT_ONCE, apis=1, beats=0, seed=run.seed)
    with cancelling(run.folder, shape) as stage:
        took_s, ids = list[float](), list[str]()
        while len(took_s) < wanted:
            some = stage.calls(min(AT_ONCE, wanted - len(took_s)))
            took_s += [stage.cancel(one) for one in some]
            ids += some
        shell_s = list[float]()
        for _ in range(by_shell):
            ids += stage.calls(1)
            shell_s.append(stage.revoke_in_the_shell(ids[-1]))
        calls_again, failures = sum(stage.agent.calls[one] - 1 for one in ids), stage.failures_counted()
        succeeded = stage.run_again(ids)
    return Result([
        Figure("from POST cancel until the agent saw its connection closed, p99", percentile(took_s, 0.99), "s",
               ENDS_WITHIN_S),
        Figure("the slowest", max(took_s), "s", ENDS_WITHIN_S, kind=Kind.TARGET),
        Figure("calls cancelled while they ran", len(took_s), "", wanted, "higher"),
        Figure("by `celery control revoke`, from the command's start, the slowest", max(shell_s), "s",
               BY_SHELL_WITHIN_S),
        Figure("further calls of what was cancelled", calls_again, "", 0),
        Figure("failures that the breaker counted", failures, "", 0),
        Figure("cancelled, run again, and succeeded", succeeded, "", wanted + by_shell, "higher"),
    ], {"p50_s": round(percentile(took_s, 0.5), 4), "by_shell_p50_s": round(percentile(shell_s, 0.5), 3)})


def many(run: Run, *, by: str) -> Result:
    """A thousand open workflows, of which the workers call some, are cancelled at once; then everything restarts."""
    count = run.sized(MANY, 40)
    shape = Shape(workers=2, concurrency=max(10, count // 5), apis=1, beats=0, seed=run.seed)
    with cancelling(run.folder, shape) as stage:
        ids = stage.send(count)
        slots = 2 * shape.concurrency
        wait_for(lambda: len(stage.agent.calls) >= slots, "busy workers", 60)
        running = [one for one in ids if stage.agent.calls[one]]
        run.note(f"{len(running)} of {count} are being called")
        began = time.monotonic()
        answer = stage.post("/cancel", {"ids": ids} if by == "ids" else {"status": ["QUEUED", "RUNNING"]}).json()
        answered_s, ended_s = time.monotonic() - began, stage.ended_after(began, running)
        calls_before = stage.agent.calls.total()
        stage.restart_everything()
        stage.drained()
        revived = stage.agent.calls.total() - calls_before - 1  # the one that shows that the queue is drained
        still = [stage.status(one) for one in ids].count(WorkflowStatus.CANCELLED)
        left_due, tenth = stage.arena.client.zcard(keys.DUE), ids[::10]
        succeeded = stage.run_again(tenth)
        return Result([
            Figure("cancelled at once", answer["changed"], "", count, "higher"),
            Figure("until the API answered", answered_s, "s", MANY_WITHIN_S),
            Figure("until the last running call had ended", ended_s, "s", MANY_WITHIN_S),
            Figure("calls of them after everything was killed and started again", revived, "", 0),
            Figure("still CANCELLED then", still, "", count, "higher"),
            Figure("entries left due", left_due, "", 0),
            Figure("of a tenth of them, run again, succeeded", succeeded, "", len(tenth), "higher"),
        ], {"running_when_cancelled": len(running)})


PARTS = [
    *(Part("cancel", f"calls-{pool}", 300, partial(calls, pool=pool)) for pool in ("gevent", "prefork", "threads")),
    *(Part("cancel", f"many-by-{by}", 300, partial(many, by=by)) for by in ("ids", "status")),
]
