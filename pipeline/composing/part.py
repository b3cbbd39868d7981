"""One part of a complex question with what its agents answered."""

from pydantic import BaseModel, ConfigDict

from agents.contract import DataResult, VizResult
from agents.viz.labels import BINS, capitalised, words_of
from agents.viz.shape import Field, Role, Shape, shape_of


class Part(BaseModel):
    """A part's answer; `missing` says why there is no `data`, or why there is no `chart`."""

    model_config = ConfigDict(frozen=True)

    name: str
    question: str = ""
    interpretation: str = ""
    data: DataResult | None = None
    chart: VizResult | None = None
    missing: str = ""

    @property
    def title(self) -> str:
        """The question as a heading, else the name in words."""
        return capitalised(" ".join(self.question.split()) or self.name.replace("_", " "))

    @property
    def label(self) -> str:
        """The name in words, written as in the question: `flights_jfk` -> `Flights JFK`."""
        as_said = {word.strip("?!.,;:“”\"'()").lower(): word.strip("?!.,;:“”\"'()") for word in self.question.split()}
        return capitalised(" ".join(as_said.get(word, word) for word in self.name.split("_")))

    def shape(self) -> Shape:
        """The shape of its rows; empty when there are none."""
        return shape_of(self.data.columns, self.data.rows) if self.data is not None else Shape((), 0)


def is_key(field: Field) -> bool:
    """Whether the column names its rows (a group, a time, a range) and does not measure them."""
    return field.role is not Role.NUMBER or bool(BINS & set(words_of(field.name)))
