"""What the words of a question may mean: marks over spans of tokens."""

from dataclasses import dataclass, field

from agents.nlp.keywords import Property
from agents.nlp.lexicon import Ref, RefKind
from agents.nlp.periods import PeriodPhrase

_SOFT = frozenset(
    [
        "filler",
        "which",
        "how",
        "compare",
        "change",
        "motion",
        "whole",
        "grain_links",
        "direction",
        "list",
        "group",
        "present",
    ]
)


@dataclass(frozen=True)
class Quantity:
    """A number, with the word of its unit if one was said."""

    value: float
    unit: str = ""


@dataclass(frozen=True)
class Mark:
    """Tokens `start` to `end` and all they may mean; the rest of the question decides."""

    start: int
    end: int
    text: str
    classes: dict[str, str] = field(default_factory=dict)
    refs: tuple[Ref, ...] = ()
    prop: Property | None = None
    quantity: Quantity | None = None
    period: PeriodPhrase | None = None
    unit: str = ""

    def is_a(self, *classes: str) -> bool:
        """Whether the words are in one of the classes."""
        return any(name in self.classes for name in classes)

    def of(self, *kinds: RefKind) -> tuple[Ref, ...]:
        """What the words name, of these kinds."""
        return tuple(ref for ref in self.refs if ref.kind in kinds)

    @property
    def soft(self) -> bool:
        """Whether the words may go unused without loss."""
        named = any(ref.kind is not RefKind.PARTIAL for ref in self.refs)
        content = (
            named or self.prop or self.quantity or self.period or self.is_a("negation", "no", "unsupported", "missing")
        )
        return bool(set(self.classes) & _SOFT) and not content

    @property
    def weight(self) -> float:
        """How much is gained by reading the tokens so."""
        length = self.end - self.start
        exact = any(ref.kind is not RefKind.PARTIAL for ref in self.refs)
        if self.period or exact or self.prop or self.quantity or set(self.classes) - {"filler"}:
            return (
                length
                + 0.1 * (length - 1)
                + (0.05 if self.period or exact else 0)
                + (0.15 if self.quantity and self.quantity.unit else 0)
            )
        return 0.6 * length if self.refs else 0.4 * length
