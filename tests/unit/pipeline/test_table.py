import csv
import io

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
