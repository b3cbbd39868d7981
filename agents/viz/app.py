"""The bundled viz agent over HTTP: rows in, a Vega-Lite chart out."""

import time
from typing import Any
from uuid import uuid4

from fastapi import FastAPI

from agents.bearer import BearerOnly
from agents.call_log import CallLog
from agents.contract import VizRequest, VizResult
from agents.viz.chart import draw
from agents.viz.theme import HEIGHT, WIDTH

VERSION = "1.0.0"
SIZES = [
    {"name": "normal", "width": WIDTH, "height": HEIGHT, "scale": 1},
    {"name": "sharp", "width": WIDTH, "height": HEIGHT, "scale": 2},
]

app = FastAPI(title="Baton viz agent", version=VERSION)
app.add_middleware(BearerOnly)
app.add_middleware(CallLog)


@app.post("/visualize")
def visualize(request: VizRequest) -> dict[str, Any]:
    """The chart for these rows, in the contract's standard dialect."""
    began = time.perf_counter()
    result = draw(request)
    return reply_of(result, processing_time_ms=(time.perf_counter() - began) * 1000)


@app.get("/health")
def health() -> dict[str, str]:
    """Up, and able to draw: the chart library is loaded before the server listens."""
    return {"status": "healthy", "agent": "viz", "version": VERSION}


def reply_of(result: VizResult, *, processing_time_ms: float) -> dict[str, Any]:
    """A drawn chart as the contract's reply; a table has no `chart_data`."""
    return {
        "success": True,
        "agent_metadata": {
            "agent_name": "viz",
            "agent_version": VERSION,
            "processing_time_ms": round(processing_time_ms, 3),
            "operation_id": uuid4().hex,
            "status": "completed",
        },
        "chart_config": result.chart_config,
        "chart_data": result.spec,
        "dashboard_cards": [{"title": result.title, "chart_type": result.chart_type, "description": result.alt_text}],
        "export_options": {"formats": ["png", "svg"] if result.spec else [], "sizes": SIZES if result.spec else []},
    }
