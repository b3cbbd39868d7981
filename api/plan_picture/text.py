"""Text for a picture: that fits into a given width, without a font to measure it by, and that XML can hold."""

import re
from typing import Final
from xml.sax.saxutils import escape

_ELLIPSIS: Final = "\N{HORIZONTAL ELLIPSIS}"
# Widths in em of wide, of narrow and of all other Latin letters: those of the widest of the fonts that are asked for.
_WIDE, _NARROW = frozenset("mwMWOQG@%&"), frozenset("iljtfrI.,:;'|!()[] -")
_OF_WIDE, _OF_NARROW, _OF_UPPER, _OF_OTHER, _OF_FOREIGN = 0.92, 0.4, 0.74, 0.62, 1.1
_OF_BOLD: Final = 1.07
_NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml_text(text: str) -> str:
    """The text as it stands in a document: marks escaped, what XML has no place for replaced."""
    return escape(_NO_XML.sub("\N{REPLACEMENT CHARACTER}", text))


def fitted(text: str, width: float, size: float, *, bold: bool = False) -> str:
    """The text, its middle left out where it is wider than `width` at a font of `size` (both in pixels)."""
    room = width / (size * (_OF_BOLD if bold else 1))
    widths = [_width(letter) for letter in text]
    if sum(widths) <= room:
        return text
    room -= _width(_ELLIPSIS)
    head, tail = 0, len(text)
    while head < tail:
        at = head if len(text) - tail >= head else tail - 1
        room -= widths[at]
        if room < 0:
            break
        head, tail = (head + 1, tail) if at == head else (head, tail - 1)
    return text[:head].rstrip() + _ELLIPSIS + text[tail:].lstrip()


def _width(letter: str) -> float:
    if letter in _NARROW:
        return _OF_NARROW
    if letter in _WIDE:
        return _OF_WIDE
    if letter.isupper():
        return _OF_UPPER
    return _OF_OTHER if letter.isascii() else _OF_FOREIGN
