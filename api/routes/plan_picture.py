"""`GET /api/workflow/{id}/plan.svg`: the plan as a picture, as it stands."""

import asyncio
import hashlib
from base64 import b64encode
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.desk import Desk
from api.plan_picture.svg import plan_picture, stylesheet
from api.problems import documented
from api.routes import etag
from api.routes.workflows import WorkflowId, unknown_workflow

router = APIRouter(prefix="/api/workflow", tags=["workflows"])
_DIGEST: Final = b64encode(hashlib.sha256(stylesheet().encode()).digest()).decode()
# It brings its own style, and nothing else may be in it.
_POLICY: Final = f"default-src 'none'; style-src 'sha256-{_DIGEST}'; frame-ancestors 'none'"
_PROBLEMS = documented(
    {
        404: "No such workflow, or it has expired",
        422: "The request is not valid",
        503: "The store is away: wait and retry",
    }
)
_PICTURE = {"description": "The picture", "content": {"image/svg+xml": {"schema": {"type": "string"}}}}


@router.get(
    "/{workflow_id}/plan.svg",
    summary="The plan as a picture",
    response_class=Response,
    responses={**_PROBLEMS, **etag.DOCUMENTED, 200: {**etag.DOCUMENTED[200], **_PICTURE}},
)
async def plan_svg(request: Request, workflow_id: WorkflowId, if_none_match: etag.IfNoneMatch = "") -> Response:
    """Each step with its status and times, and what it waits for; of large plans, like steps share a box."""
    desk: Desk = request.app.state.desk
    version = await desk.store.version(workflow_id)
    if version is not None and (good_still := etag.not_modified(if_none_match, version)):
        return good_still
    record = await desk.record(workflow_id)
    if version is None or record is None:
        raise unknown_workflow(workflow_id)
    picture = await asyncio.to_thread(plan_picture, record)
    headers = {**etag.headers_of(version), "Content-Security-Policy": _POLICY}
    return Response(picture, media_type="image/svg+xml", headers=headers)
