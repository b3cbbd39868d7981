"""The filters' document says what the filters take."""

import re

import pytest

from api.routes.filters import CURSOR_EXAMPLE
from api.routes.listing import ListQuery
from api.routes.wishes import ManyWish
from state.listing import Cursor

LAST_MS = 2**46 - 1  # in the year 4199


@pytest.mark.parametrize("model", [ListQuery, ManyWish])
def test_every_cursor_that_is_given_out_fits_its_pattern_and_every_one_that_fits_is_taken(model):
    pattern = re.compile(model.model_json_schema()["properties"]["cursor"]["pattern"])
    for place in (Cursor(0, "0" * 32), Cursor(LAST_MS, "f" * 32), Cursor.parse(CURSOR_EXAMPLE)):
        assert pattern.fullmatch(str(place))
    for text in ("A" * 32, "AAA" + "_" * 29):
        assert pattern.fullmatch(text)
        assert Cursor.parse(text).created_ms <= LAST_MS
    assert not pattern.search(str(Cursor(LAST_MS + 1, "0" * 32)))


def test_many_are_chosen_by_all_filters_of_the_list_and_none_of_them_may_be_empty():
    schema = ManyWish.model_json_schema()
    ids, filters = schema["oneOf"]
    assert ids == {"required": ["ids"]}
    named = [one["required"][0] for one in filters["anyOf"]]
    assert sorted(named) == sorted(ListQuery.model_fields.keys() - {"limit", "cursor"})
    bounds = {"minItems": 1, "minLength": 1, "minimum": 1, "type": "string"}
    assert all(bounds.items() & schema["properties"][name].items() for name in named)
    assert not any("default" in schema["properties"][name] for name in named)
