"""Outputs as blobs: JSON, compressed above a threshold, never larger than the limit."""

import json
import zlib
from typing import Any

from core.settings import get_settings
from state.errors import OutputTooLarge

_PLAIN, _DEFLATED = b"j", b"z"


def pack(output: dict[str, Any]) -> bytes:
    """A blob of `output`; raises `OutputTooLarge` before anything is sent."""
    settings = get_settings()
    text = json.dumps(output, separators=(",", ":"), ensure_ascii=False).encode()
    if len(text) > settings.output_limit_bytes:
        raise OutputTooLarge(len(text), settings.output_limit_bytes)
    if len(text) <= settings.compress_above_bytes:
        return _PLAIN + text
    return _DEFLATED + zlib.compress(text, level=1)


def unpack(blob: bytes) -> dict[str, Any]:
    """What was packed."""
    text = zlib.decompress(blob[1:]) if blob[:1] == _DEFLATED else blob[1:]
    value: dict[str, Any] = json.loads(text)
    return value
