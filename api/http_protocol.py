"""HTTP as uvicorn speaks it, except that what is no HTTP is answered with a problem document too."""

import json

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from api.access.headers import HEADERS
from api.problems import MEDIA_TYPE, Problem


class HttpProtocol(H11Protocol):
    """One connection."""

    def send_400_response(self, msg: str) -> None:
        """Answer, if nothing was answered yet, and hang up."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            problem = Problem("invalid_request", msg, recovery_action="correct_request")
            body = json.dumps({**problem.document(), "status": 400}).encode()
            plain = {"Content-Type": MEDIA_TYPE, "Content-Length": str(len(body)), "Connection": "close"}
            headers = list({**HEADERS, "Cache-Control": "no-store", **plain}.items())
            for event in (h11.Response(status_code=400, headers=headers), h11.Data(body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
