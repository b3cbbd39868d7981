"""Numbers as people read them."""

from collections.abc import Iterable


def digits(numbers: Iterable[float]) -> int:
    """Digits after the point: none when all numbers are whole, else fewer the larger they are."""
    sizes = [abs(number) for number in numbers]
    if all(float(size).is_integer() for size in sizes):
        return 0
    largest = max(sizes)
    return 1 if largest >= 10 else 2 if largest >= 1 else 4


def written(number: float) -> str:
    """One number: `1,234`, `12.6`, `0.0312`."""
    text = f"{number:,.{digits([number])}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
