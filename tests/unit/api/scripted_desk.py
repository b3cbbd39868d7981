"""A desk that goes through given records of one workflow, one per event."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

from api.problems import store_away
from core.store_fault import StoreFault
from pipeline.answer import Answer, compose_answer
from pipeline.question import Question
from state.errors import StoreUnavailable
from state.events import Event, EventKind
from state.model import Contents, Mode, StepRecord, StepStatus, WorkflowRecord, WorkflowStatus
from state.transitions import Started

WORKFLOW_ID = "0123456789abcdef" * 2
EXAMPLES = ["average departure delay by carrier", "flights per month", "top 5 destinations by flights"]


def step(name: str, status: StepStatus, **more: Any) -> StepRecord:
    """One step that has been called once."""
    done = 1_250 if status.done or status is StepStatus.FAILED else None
    plain = StepRecord(name, name, f"agents.{name}", status, (), 1, 0, 0, 0, "", 0, 1_000, 1_000, done, None, None)
    return replace(plain, **more)


@dataclass(frozen=True, slots=True)
class Told(WorkflowRecord):
    """A record, and the question it belongs to."""

    question: str = ""


def record(question: str, status: WorkflowStatus, *steps: StepRecord) -> Told:
    """One workflow as it stands."""
    finished = 1_500 if status.final else None
    by_name = {s.name: s for s in steps}
    return Told(WORKFLOW_ID, status, Mode.INTERACTIVE, 1_000, 1_000, finished, 181_000, "", by_name, question=question)


class ScriptedDesk:
    """`records` in their order; `outputs` count from the last one on."""

    def __init__(
        self, records: list[Told], outputs: dict[str, Any], refusal: Exception | None = None
    ) -> None:
        self.records, self.outputs, self.refusal = records, outputs, refusal
        self.at = 0
        self.asked: list[tuple[str, str]] = []

    def __getattr__(self, name: str) -> Any:
        """Everything else is read from a Valkey, and there is none."""
        raise StoreUnavailable(name)

    async def accept(self, question: Question) -> Started:
        if self.refusal:
            raise self.refusal
        self.asked.append((question.query, question.session_id))
        return Started(WORKFLOW_ID, (), fresh=True)

    async def answer_unrecorded(self, question: Question, fault: StoreFault) -> tuple[Told, Answer]:
        if not self.records:
            raise store_away(fault=fault)
        contents = Contents({"query": question.query, "query_id": "q"}, self.outputs)
        return self.records[-1], compose_answer(self.records[-1], contents, recorded=False)

    async def record(self, workflow_id: str) -> Told | None:
        return self.records[self.at] if workflow_id == WORKFLOW_ID else None

    async def answer(self, workflow_id: str) -> Answer | None:
        found = await self.record(workflow_id)
        if found is None:
            return None
        request = {"query": found.question, "query_id": "q"}
        return compose_answer(found, Contents(request, self.outputs if found.status.final else {}))

    async def events(self, workflow_id: str, after: str = "0-0") -> AsyncIterator[Event]:
        for at in range(len(self.records)):
            self.at = at
            yield Event(f"{at + 1}-0", EventKind.BEGUN, "nlp", "RUNNING", at, {})

    events_and_absences = events

    async def newest_event(self, workflow_id: str) -> str:
        return f"{self.at + 1}-0"

    async def examples(self) -> list[str]:
        return EXAMPLES
