"""A dummy agent in all three roles: `python -m bench.agent PORT`. It answers about 1 KB and costs next to nothing.

`POST /<delay_ms>/process`, `.../execute`, `.../visualize`: the contract's answer after `delay_ms`. Raw asyncio,
keep-alive, bodies with a content length only; what is asked is not looked at.
"""

import asyncio
import json
import sys
from typing import Any, Final, cast

import uvloop

_ROWS: Final = [{"month": month, "flights": 27004 + month, "delay_minutes": month / 8} for month in range(1, 13)]
_COLUMNS: Final = [{"name": name, "type": "number"} for name in ("month", "flights", "delay_minutes")]
_INTENT: Final = {"metric_type": "flights", "time_period": "2013", "aggregation_level": "month", "filters": {}}
_SPEC: Final = {
    "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
    "mark": "bar",
    "data": {"values": [{"month": row["month"], "flights": row["flights"]} for row in _ROWS]},
    "encoding": {"x": {"field": "month", "type": "ordinal"}, "y": {"field": "flights", "type": "quantitative"}},
}
ANSWERS: Final[dict[str, dict[str, Any]]] = {
    "process": {
        "success": True,
        "intent": _INTENT,
        "sql_query": "SELECT month, count(*) AS flights, avg(dep_delay) AS delay_minutes FROM flights GROUP BY month",
        "interpretation": "Flights and their average delay, month by month. " * 10,
        "confidence_score": 0.9,
    },
    "execute": {
        "success": True,
        "result": {"data": _ROWS, "columns": _COLUMNS, "row_count": len(_ROWS), "processing_time_ms": 1},
        "validation": {"is_valid": True, "quality_score": 1.0},
    },
    "visualize": {
        "success": True,
        "chart_config": {"chart_type": "bar", "title": "Flights by month", "alt_text": "Twelve bars. " * 12},
        "chart_data": _SPEC,
    },
}


def _response(body: bytes, status: str = "200 OK") -> bytes:
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


_NOT_FOUND: Final = _response(b"{}", "404 Not Found")
_RESPONSES: Final = {role.encode(): _response(json.dumps(answer).encode()) for role, answer in ANSWERS.items()}


class Agent(asyncio.Protocol):
    """One connection; requests on it come one after the other."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what answers go through."""
        self._transport, self._buffer = cast("asyncio.Transport", transport), b""

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            _, found, rest = head.partition(b"content-length:")
            whole = end + 4 + (int(rest.split(b"\r\n", 1)[0]) if found else 0)
            if len(self._buffer) < whole:
                return
            self._buffer = self._buffer[whole:]
            self._answer(head.split(b" ", 2)[1])

    def _answer(self, path: bytes) -> None:
        _, delay_ms, role = path.split(b"/", 2)
        response = _RESPONSES.get(role, _NOT_FOUND)
        if delay_ms == b"0":
            self._transport.write(response)
        else:
            asyncio.get_running_loop().call_later(int(delay_ms) / 1000, self._write, response)

    def _write(self, response: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(response)


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Agent, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
