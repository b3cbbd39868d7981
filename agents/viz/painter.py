"""Draws one chart and ends: a script of its own, because the drawing engine aborts its process on some input.

Standard input: `{"spec", "format": "svg" | "png", "scale", "max_side_px", "max_pixels"}`. Standard output: the picture.
Exit 3 with one line on standard error: the spec cannot be drawn, and why.
"""

import json
import re
import sys
from typing import Any

import vl_convert

REFUSED = 3
_SIZE = re.compile(r'<svg[^>]*?\swidth="([\d.]+)"[^>]*?\sheight="([\d.]+)"')


def paint(order: dict[str, Any]) -> bytes:
    """The picture; raises `ValueError` when the spec cannot be drawn or would be too large."""
    svg: str = vl_convert.vegalite_to_svg(order["spec"], allowed_base_urls=[])
    found = _SIZE.search(svg)
    width, height = (float(found[1]), float(found[2])) if found else (0.0, 0.0)
    longest = order["max_side_px"]
    if not 0 < width <= longest or not 0 < height <= longest:
        raise ValueError(f"it is {width:.0f} x {height:.0f} large; at most {longest} a side are drawn")
    if order["format"] == "svg":
        return svg.encode()
    png: bytes = vl_convert.svg_to_png(svg, scale=min(order["scale"], (order["max_pixels"] / (width * height)) ** 0.5))
    return png


if __name__ == "__main__":
    try:
        sys.stdout.buffer.write(paint(json.load(sys.stdin)))
    except ValueError as error:
        sys.stderr.write((str(error).splitlines() or ["no reason given"])[0])
        sys.exit(REFUSED)
