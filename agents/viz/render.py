"""Pictures of a chart, made without network or file access and within bounds, whoever wrote the spec.

Each picture is drawn by a process of its own (`agents.viz.painter`): the drawing engine aborts on some input, and a
spec may ask for endless work; neither may take the caller with it. Half a second each: call it off the event loop.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from agents.viz.painter import REFUSED
from agents.viz.safety import UnsafeSpec, require_safe

MAX_SIDE_PX = 4_000
MAX_PIXELS = 12_000_000
SCALE = 2.0
TIMEOUT_S = 20.0
_PAINTER = Path(__file__).with_name("painter.py")


class NotDrawable(ValueError):
    """The spec is refused or cannot be drawn; the message says why."""


def svg_of(spec: dict[str, Any]) -> bytes:
    """The chart as SVG; raises `NotDrawable`."""
    return _painted(spec, picture="svg", scale=1.0)


def png_of(spec: dict[str, Any], *, scale: float = SCALE) -> bytes:
    """The chart as PNG, `scale` pixels per unit, less if it had more than `MAX_PIXELS`; raises `NotDrawable`."""
    return _painted(spec, picture="png", scale=max(scale, 0.1))


def _painted(spec: dict[str, Any], *, picture: str, scale: float) -> bytes:
    _check(spec)
    order = {"spec": spec, "format": picture, "scale": scale, "max_side_px": MAX_SIDE_PX, "max_pixels": MAX_PIXELS}
    command = [sys.executable, "-I", str(_PAINTER)]
    try:
        done = subprocess.run(
            command, input=json.dumps(order).encode(), capture_output=True, timeout=TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise NotDrawable(f"the chart cannot be drawn within {TIMEOUT_S:.0f} s") from error
    if done.returncode == REFUSED:
        raise NotDrawable(f"the chart cannot be drawn: {done.stderr.decode(errors='replace')}")
    if done.returncode != 0:
        raise NotDrawable("the chart cannot be drawn: the drawing engine gave up on it")
    return done.stdout


def _check(spec: dict[str, Any]) -> None:
    try:
        require_safe(spec)
    except UnsafeSpec as error:
        raise NotDrawable(f"the chart's spec {error}") from error
