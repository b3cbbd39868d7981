"""The best reading of a question's words: all marks over spans of tokens, and the set of them that covers most."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from agents.nlp.keywords import get_keywords
from agents.nlp.lexicon import Lexicon, Ref, RefKind, value_words
from agents.nlp.marks import Mark, Quantity
from agents.nlp.periods import find_periods
from agents.nlp.tokens import Token

_LONGEST_GAPPED = 5
_CONNECTING = frozenset({"of", "the", "in", "a", "s", "for"})


def annotate(tokens: Sequence[Token], lexicon: Lexicon) -> list[Mark]:
    """The marks that cover most of the question, in its order; tokens no mark covers mean nothing here."""
    spans: dict[tuple[int, int], Mark] = {}
    for mark in _all_marks(tokens, lexicon):
        known = spans.get((mark.start, mark.end))
        spans[mark.start, mark.end] = _merged(known, mark) if known else mark
    return _best(list(spans.values()), len(tokens))


def _merged(one: Mark, two: Mark) -> Mark:
    return replace(
        one,
        classes=one.classes | two.classes,
        refs=one.refs + two.refs,
        prop=one.prop or two.prop,
        quantity=one.quantity or two.quantity,
        period=one.period or two.period,
        unit=one.unit or two.unit,
    )


def _best(marks: list[Mark], length: int) -> list[Mark]:
    ending: dict[int, list[Mark]] = defaultdict(list)
    for mark in marks:
        ending[mark.end].append(mark)
    best: list[tuple[float, Mark | None]] = [(0.0, None)]
    for end in range(1, length + 1):
        choices = [(best[mark.start][0] + mark.weight, mark) for mark in ending[end]]
        best.append(max(choices, key=lambda choice: choice[0], default=(0.0, None)))
        if best[end][0] <= best[end - 1][0]:
            best[end] = (best[end - 1][0], None)
    return _chosen(best)


def _chosen(best: list[tuple[float, Mark | None]]) -> list[Mark]:
    found, end = [], len(best) - 1
    while end > 0:
        mark = best[end][1]
        if mark is not None:
            found.append(mark)
        end = mark.start if mark is not None else end - 1
    return found[::-1]


def _all_marks(tokens: Sequence[Token], lexicon: Lexicon) -> Iterator[Mark]:
    yield from _keyword_marks(tokens)
    yield from _schema_marks(tokens, lexicon)
    yield from _quantity_marks(tokens)
    for phrase in find_periods([t.lower for t in tokens]):
        yield Mark(phrase.start, phrase.end, _text(tokens, phrase.start, phrase.end), period=phrase)
    for i, token in enumerate(tokens):
        for prop in get_keywords().properties:
            noun = token.lower in prop.nouns and not any((s,) in lexicon.terms for s in token.stems)
            if token.lower in prop.words or noun:
                yield Mark(i, i + 1, token.text, prop=prop, refs=tuple(lexicon.measured_by(prop)))


def _keyword_marks(tokens: Sequence[Token]) -> Iterator[Mark]:
    keywords = get_keywords()
    for start, end in _spans(len(tokens), keywords.longest):
        classes = keywords.classes(tuple(t.lower for t in tokens[start:end]))
        if classes:
            yield Mark(start, end, _text(tokens, start, end), classes=classes)


def _schema_marks(tokens: Sequence[Token], lexicon: Lexicon) -> Iterator[Mark]:
    for start, end in _spans(len(tokens), max(lexicon.longest, _LONGEST_GAPPED)):
        refs = [ref for ref in _refs(tokens[start:end], lexicon) if _spelled(ref, tokens[start:end])]
        if refs:
            yield Mark(start, end, _text(tokens, start, end), refs=tuple(dict.fromkeys(refs)))


def _refs(span: Sequence[Token], lexicon: Lexicon) -> Iterator[Ref]:
    for stems in _readings(span):
        yield from lexicon.terms.get(stems, ())
    if len(span) == 1:
        for one in sorted(span[0].stems):
            if not any(ref.kind in (RefKind.COLUMN, RefKind.TABLE) for ref in lexicon.terms.get((one,), ())):
                yield from lexicon.partial.get(one, ())
    elif len(span) > 2 and not {span[0].lower, span[-1].lower} & _CONNECTING and not _counts(span[0]):
        content = tuple(sorted(min(t.stems, key=len) for t in span if t.lower not in _CONNECTING))
        if 1 < len(content) < len(span):
            yield from (ref for ref in lexicon.bags.get(content, ()) if ref.kind is RefKind.COLUMN)


def _counts(token: Token) -> bool:
    return "aggregate" in get_keywords().classes((token.lower,))


def _readings(span: Sequence[Token]) -> list[tuple[str, ...]]:
    readings: list[tuple[str, ...]] = [()]
    for token in span:
        readings = [(*reading, one) for reading in readings for one in sorted(token.stems)][:64]
    return readings


def _spelled(ref: Ref, span: Sequence[Token]) -> bool:
    """A short code or a common word names a value only when it is written like the value (`US`, not `us`)."""
    if ref.kind is not RefKind.VALUE:
        return True
    if not any(_same_words(span, value) for value in ref.values):
        return False
    if len(span) > 1:
        return True
    common = (span[0].lower,) in get_keywords().phrases or span[0].number is not None
    if not common and len(span[0].text) > 2:
        return True
    return span[0].text in ref.values or (not ref.exact and span[0].text[0].isupper())


def _same_words(span: Sequence[Token], value: str) -> bool:
    """Whether the value begins with these words; a stem is too little for a name, a plural is not."""
    words = [word.lower() for word in value_words(value)[: len(span)]]
    plural = [{word, f"{word}s", f"{word}es"} for word in words]
    return len(words) == len(span) and all(token.lower in forms for token, forms in zip(span, plural, strict=True))


def _quantity_marks(tokens: Sequence[Token]) -> Iterator[Mark]:
    units = get_keywords().units
    for i, token in enumerate(tokens):
        following = tokens[i + 1] if i + 1 < len(tokens) else None
        unit = following.text if following and (following.text in units or following.lower in units) else ""
        if token.number is not None:
            yield Mark(i, i + 1, token.text, quantity=Quantity(token.number))
        if unit and (token.number is not None or token.lower in ("a", "an")):
            yield Mark(
                i,
                i + 2,
                f"{token.text} {unit}",
                quantity=Quantity(token.number or 1.0, unit.lower() if unit.lower() in units else unit),
            )
        if token.lower in units and len(token.lower) > 1:
            yield Mark(i, i + 1, token.text, unit=token.lower)


def _spans(length: int, longest: int) -> Iterator[tuple[int, int]]:
    return ((start, end) for start in range(length) for end in range(start + 1, min(length, start + longest) + 1))


def _text(tokens: Sequence[Token], start: int, end: int) -> str:
    return " ".join(t.text for t in tokens[start:end])
