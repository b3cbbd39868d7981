import csv
import io

import pytest

from agents.contract import Column
from pipeline.table import rows_as_csv


def read(text):
    return list(csv.reader(io.StringIO(text)))


def test_formulas_are_quoted_and_numbers_are_not():
    columns = [Column(name="a"), Column(name="b")]
    rows = [{"a": "=HYPERLINK(1)", "b": -5}, {"a": "@x", "b": None}, {"a": "+1", "b": 1.5},
            {"a": "plain, \"quoted\"", "b": True}]
    assert read(rows_as_csv(columns, rows)) == [
        ["a", "b"], ["'=HYPERLINK(1)", "-5"], ["'@x", ""], ["'+1", "1.5"], ['plain, "quoted"', "True"]]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_no_cell_and_no_heading_begins_a_formula(start):
    text = f"{start}cmd|' /C calc'!A0"
    for line in read(rows_as_csv([Column(name=text)], [{text: text}, {text: -1.5}, {text: [text]}])):
        (cell,) = line
        assert cell == "-1.5" or not cell.startswith(start), cell
