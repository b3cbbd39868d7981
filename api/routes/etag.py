"""`ETag` and `If-None-Match` (RFC 9110): what a client has is still good while its workflow has not changed."""

import re
from typing import Annotated, Any, Final

from fastapi import Header
from fastapi.responses import Response

IfNoneMatch = Annotated[
    str, Header(max_length=2_000, description="The `ETag` of what you have: 304 if it is still good.")
]
DOCUMENTED: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "headers": {
            "ETag": {"description": "Changes whenever the workflow does.", "schema": {"type": "string"}},
            "Cache-Control": {
                "description": "`private, no-cache`: ask before you use it again.",
                "schema": {"type": "string"},
            },
        }
    },
    304: {"description": "Nothing has changed since the answer with this `ETag`"},
}
_TAGS: Final = re.compile(r'"([^"]*)"')


def headers_of(version: str) -> dict[str, str]:
    """The headers of an answer that is good for `version`, and may be asked for again at any time."""
    return {"ETag": f'"{version}"', "Cache-Control": "private, no-cache"}


def not_modified(if_none_match: str, version: str) -> Response | None:
    """304 if the client has this version; weak tags are as good as strong ones here."""
    if if_none_match.strip() != "*" and version not in _TAGS.findall(if_none_match):
        return None
    return Response(status_code=304, headers=headers_of(version))
