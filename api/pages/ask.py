"""The web page: ask, watch the steps, read the answer. Works without JavaScript; with it, the steps are live."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any, cast
from uuid import uuid4

from fastapi import APIRouter, FastAPI, Form, Request
from fastapi import Path as PathParameter
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.routing import APIRoute
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates
from sse_starlette import EventSourceResponse, ServerSentEvent

from api.absences import Reach
from api.access.caller import caller_of
from api.access.headers import SecurityHeaders
from api.access.roles import Role
from api.desk import Desk
from api.pages.answer import left_out, notes_of, parts_of, stand_ins, table_of
from api.pages.beside import beside_of
from api.pages.board import away_page
from api.pages.examples import ExampleShelf
from api.pages.failure import Failure, failure_of
from api.pages.statuses import FILTERS
from api.pages.steps import step_lines
from api.plan_picture.svg import plan_svg
from api.problems import Problem, no_room, store_away, store_title
from api.routes.questions import problem_of
from core.release import RELEASE
from core.settings import get_settings
from core.store_fault import StoreFault
from pipeline.answer import Answer
from pipeline.question import Question
from state.errors import NoRoom, StoreUnavailable
from state.model import WorkflowRecord

_HERE = Path(__file__).parent
_SESSION = "baton_session"
_ASKING = ("/ask", "/log")  # where the box for a question stands, whatever happens
ORDINARY = 3  # steps
RESTS = 4.0  # times as long as a large plan takes to be drawn passes until it is drawn again
WorkflowId = Annotated[str, PathParameter(pattern=r"^[0-9a-f]{32}$")]
templates = Jinja2Templates(_HERE / "templates")
templates.env.globals["release"] = RELEASE
templates.env.filters |= FILTERS
templates.env.trim_blocks = templates.env.lstrip_blocks = True


class PageRoute(APIRoute):
    """A route whose errors are pages too."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's handler, with problems shown to the person."""
        handle = super().get_route_handler()

        async def shown(request: Request) -> Response:
            try:
                return await handle(request)
            except Problem as problem:
                return await _refused(request, problem)
            except StoreUnavailable as error:
                return await _refused(request, store_away(fault=error.fault))
            except NoRoom as error:
                return await _refused(request, no_room(error))

        return shown


router = APIRouter(route_class=PageRoute, include_in_schema=False)


def install(app: FastAPI) -> None:
    """The pages, their files, and the headers that keep them safe."""
    app.state.examples = ExampleShelf()
    app.include_router(router)
    app.mount("/static", StaticFiles(directory=_HERE / "static"), name="static")
    app.add_middleware(SecurityHeaders)


@router.get("/")
async def home(request: Request, q: str = "") -> HTMLResponse:
    """The box and example questions; `q` fills the box."""
    return await _page(request, question=q[: get_settings().query_max_chars])


@router.get("/ask")
async def ask_by_hand() -> RedirectResponse:
    """A reloaded question that was refused has no page of its own."""
    return RedirectResponse("/")


@router.post("/ask")
async def ask(request: Request, question: Annotated[str, Form()] = "") -> Response:
    """Take the question, then lead to its answer."""
    text, session_id = question.strip(), request.cookies.get(_SESSION, "") or uuid4().hex
    if not text or len(text) > get_settings().query_max_chars:
        raise _unfit(text)
    asked = Question(query=text, session_id=session_id, caller=caller_of(request).key_id)
    try:
        workflow_id = (await _desk(request).accept(asked)).workflow_id
    except StoreUnavailable as error:
        return await _unrecorded(request, asked, error.fault)
    response = RedirectResponse(f"/ask/{workflow_id}", status_code=303)
    response.set_cookie(_SESSION, session_id, httponly=True, samesite="lax")
    return response


async def _unrecorded(request: Request, question: Question, fault: StoreFault) -> HTMLResponse:
    """The answer in place: while the store cannot be used it has no page of its own."""
    record, answer = await _desk(request).answer_unrecorded(question, fault)
    view = answer_view(record, answer) | _progress(record) | {"store": store_title(fault)}
    page = await _page(request, question=question.query, **view)
    page.headers["HX-Push-Url"] = "false"
    return page


@router.get("/ask/{workflow_id}")
async def show(request: Request, workflow_id: WorkflowId) -> HTMLResponse:
    """The steps while they run, then the answer."""
    desk = _desk(request)
    record, answer = await asyncio.gather(desk.record(workflow_id), desk.answer(workflow_id))
    if record is None or answer is None:
        raise Problem(
            "not_found",
            "There is no such answer; finished ones are kept for a limited time.",
            recovery_action="correct_request",
            suggestions=["Ask the question again."],
        )
    return await _page(request, question=answer.query, **answer_view(record, answer), **_progress(record))


@router.get("/ask/{workflow_id}/live")
async def live(request: Request, workflow_id: WorkflowId) -> EventSourceResponse:
    """The list of steps as HTML, anew whenever something happens (SSE `steps`), and a last `end`."""
    return EventSourceResponse(_live(_desk(request), workflow_id), ping=get_settings().sse_heartbeat_s)


async def _live(desk: Desk, workflow_id: str) -> AsyncIterator[ServerSentEvent]:
    shown, seen = "", "0-0"
    async for event in desk.events_and_absences(workflow_id, "0-0"):
        if isinstance(event, Reach):
            yield reach_told(event)
            continue
        if not event.follows(seen):
            continue  # what was shown has it already
        seen = await desk.newest_event(workflow_id)
        record = await desk.record(workflow_id)
        began = time.monotonic()
        html = await asyncio.to_thread(_steps, record) if record else shown
        if html != shown:
            shown = html
            yield ServerSentEvent(html, event="steps", id=event.event_id)
        await asyncio.sleep(RESTS * (time.monotonic() - began))
    yield ServerSentEvent("ended", event="end")


def reach_told(reach: Reach) -> ServerSentEvent:
    """The badge of a live page (SSE `reach`)."""
    return ServerSentEvent(templates.get_template("reach.html").render(reach=reach.value), event="reach")


def _steps(record: WorkflowRecord) -> str:
    return templates.get_template("steps.html").render(**_progress(record))


def _progress(record: WorkflowRecord) -> dict[str, Any]:
    """The steps as a list, and as a picture when there are more than the ordinary three."""
    return {"steps": step_lines(record), "plan": plan_svg(record) if len(record.steps) > ORDINARY else ""}


def answer_view(record: WorkflowRecord, answer: Answer) -> dict[str, Any]:
    """What the template of an answer is filled with."""
    level = str((answer.intent or {}).get("aggregation_level", ""))
    return {
        "answer": answer,
        "running": not record.status.final,
        "table": table_of(answer.result, level) if answer.result else None,
        "notes": notes_of(answer.visualization) if answer.visualization else [],
        "parts": parts_of(answer),
        "stand_ins": stand_ins(answer),
        "left_out": left_out(answer),
        "failure": _failure(answer),
    }


def _failure(answer: Answer) -> Failure | None:
    if answer.error is None:
        return None
    return failure_of(problem_of(answer.error, answer.workflow_id, recorded=answer.recorded), answer.query)


async def _page(
    request: Request, *, question: str = "", failure: Failure | None = None, status: int = 200, **view: Any
) -> HTMLResponse:
    shelf = cast("ExampleShelf", request.app.state.examples)
    context = {
        "question": question,
        "examples": await shelf.take(_desk(request).examples),
        "max_chars": get_settings().query_max_chars,
        "failure": failure,
        "beside": await beside_of(request),
        "may_ask": caller_of(request).role.covers(Role.ASK),
        "logged_in": caller_of(request).key_id,
        **view,
    }
    return templates.TemplateResponse(request, "page.html", context, status)


async def _refused(request: Request, problem: Problem) -> HTMLResponse:
    if not request.url.path.startswith(_ASKING) and request.url.path != "/":
        if problem.error_type == "store_unavailable" and request.method == "GET":
            return away_page(request, problem)
        context = {"failure": failure_of(problem, ""), "logged_in": caller_of(request).key_id}
        return templates.TemplateResponse(request, "problem.html", context, problem.status)
    form = await request.form() if request.method == "POST" else {}
    question = str(form.get("question", "")).strip()[: get_settings().query_max_chars]
    page = await _page(request, question=question, failure=failure_of(problem, question), status=problem.status)
    page.headers["HX-Push-Url"] = "false"
    return page


def _unfit(text: str) -> Problem:
    limit = get_settings().query_max_chars
    said = f"The question has {len(text):,} characters; at most {limit:,} are taken." if text else "The box is empty."
    return Problem("invalid_request", said, recovery_action="correct_request")


def _desk(request: Request) -> Desk:
    return cast("Desk", request.app.state.desk)
