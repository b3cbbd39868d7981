"""The rows of the page of workflows: what each shows, and what is new since it was read."""

from dataclasses import dataclass, replace

from api.pages.statuses import LOOKS
from api.pages.steps import LOOKS as STEP_LOOKS
from api.pages.steps import NOT_REACHED, NOT_REACHED_LOOK, Look
from core.clock import now_ms
from state.listing import Cursor, Listing, Page
from state.model import StepStatus, WorkflowStatus
from state.step_statuses import StepStatuses, step_statuses
from state.store import AsyncStore
from state.summaries import Summary, queue_summaries, summaries_of

ON_A_PAGE = 50
MOST_STEPS = 12  # in one bar
MOST_NEW = 99  # are counted


@dataclass(frozen=True, slots=True)
class Segment:
    """One step in the bar."""

    look: Look
    step: str
    x: int


@dataclass(frozen=True, slots=True)
class Bar:
    """The first steps of a plan, and how many more there are."""

    segments: list[Segment]
    more: int

    @property
    def says(self) -> str:
        """The bar in words."""
        told = [f"{one.step}: {one.look.word.lower()}" for one in self.segments]
        return ", ".join([*told, f"{self.more} more"] if self.more else told)


@dataclass(frozen=True, slots=True)
class Row:
    """One workflow."""

    summary: Summary
    look: Look
    bar: Bar

    @property
    def workflow_id(self) -> str:
        """Its id."""
        return self.summary.workflow_id

    @property
    def lasted_ms(self) -> int | None:
        """From its creation to its end; None before that."""
        one = self.summary
        return None if one.finished_ms is None else one.finished_ms - one.created_ms


async def rows_of(store: AsyncStore, page: Page) -> list[Row]:
    """The rows of a page of the list."""
    steps = await step_statuses(store, [one.workflow_id for one in page.workflows], most=MOST_STEPS)
    return [_row(one, steps.get(one.workflow_id, StepStatuses())) for one in page.workflows]


async def rows_now(store: AsyncStore, ids: list[str]) -> list[Row]:
    """The rows of those workflows that are still there."""
    if not ids:
        return []
    (answer,) = await store.read(lambda pipe: queue_summaries(pipe, ids))
    return await rows_of(store, Page(summaries_of(ids, answer)))


def newest_of(page: Page) -> Cursor:
    """The place before which all that comes later stands."""
    first = next(iter(page.workflows), None)
    return Cursor(first.created_ms, first.workflow_id) if first else Cursor(now_ms(), "0" * 32)


async def count_new(store: AsyncStore, wanted: Listing, newest: Cursor) -> int:
    """How many of what `wanted` lists were created after `newest`, as far as `MOST_NEW` and one more."""
    from_ms = max(wanted.from_ms or 0, newest.created_ms)
    page = await store.page(replace(wanted, after=None, from_ms=from_ms, limit=MOST_NEW + 1))
    return sum((one.created_ms, one.workflow_id) > newest for one in page.workflows)


def _row(one: Summary, steps: StepStatuses) -> Row:
    return Row(one, LOOKS[one.status], bar_of(steps, one.status))


def bar_of(steps: StepStatuses, status: WorkflowStatus) -> Bar:
    """The bar of a workflow that has this status."""
    segments = [Segment(_look(now, status), name, 20 * at) for at, (name, now) in enumerate(steps.of.items())]
    return Bar(segments, steps.count - len(segments))


def _look(step: StepStatus, status: WorkflowStatus) -> Look:
    missed = status is WorkflowStatus.FAILED and step in NOT_REACHED
    return NOT_REACHED_LOOK if missed else STEP_LOOKS[step]
