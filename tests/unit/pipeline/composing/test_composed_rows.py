"""Rows of several parts in one table."""

from composed_parts import ARRIVAL, CARRIER, DELAY, FLIGHTS, MONTH, MONTHS, by_carrier, by_month, one, part, table

from agents.contract import Column
from pipeline.composing.rows import joined, keys_of


def test_measures_stand_side_by_side_along_the_shared_key() -> None:
    found = joined([by_month("flights"), by_month("delay", DELAY, 5)])
    assert found is not None
    assert [(c.name, c.unit) for c in found.columns] == [
        ("month", None), ("num_flights", None), ("avg_dep_delay", "minutes"),
    ]  # fmt: skip
    assert found.rows[0] == {"month": "2013-01-01", "num_flights": 100, "avg_dep_delay": 5}
    assert found.row_count == len(found.rows) == 12


def test_measures_of_one_name_get_the_names_of_their_parts() -> None:
    found = joined([by_month("jfk"), by_month("lga", base=7)])
    assert found is not None
    assert found.rows[1] == {"month": "2013-02-01", "num_flights_jfk": 101, "num_flights_lga": 8}


def test_a_name_that_is_taken_is_not_given_twice() -> None:
    taken = Column(name="num_flights_b", type="integer")
    rows = [("UA", 1), ("DL", 2)]
    parts = [part(name, table(CARRIER, column, rows=rows)) for name, column in
             [("a", taken), ("b", FLIGHTS), ("c", FLIGHTS)]]  # fmt: skip
    found = joined(parts)
    assert found is not None
    assert len({column.name for column in found.columns}) == 4
    assert set(found.rows[0]) == {column.name for column in found.columns}


def test_what_only_one_part_knows_is_empty_in_the_other() -> None:
    found = joined([by_carrier("one", carriers="UA DL AA"), by_carrier("two", ARRIVAL, carriers="DL AA B6")])
    assert found is not None
    assert [row["carrier"] for row in found.rows] == ["UA", "DL", "AA", "B6"]
    assert (found.rows[0]["avg_arr_delay"], found.rows[3]["avg_dep_delay"]) == (None, None)


def test_times_are_put_in_order() -> None:
    late = part("late", table(MONTH, DELAY, rows=[(month, 1) for month in reversed(MONTHS)]))
    found = joined([late, by_month("all")])
    assert found is not None
    assert [row["month"] for row in found.rows] == MONTHS


def test_rows_of_another_grain_are_not_joined() -> None:
    finer = part("finer", table(MONTH, CARRIER, DELAY, rows=[(m, c, 1.5) for m in MONTHS for c in ("UA", "DL")]))
    assert joined([by_month("flights"), finer]) is None


def test_rows_without_a_shared_key_are_not_joined() -> None:
    assert joined([by_month("flights"), by_carrier("delay")]) is None
    assert joined([by_month("flights"), one("all", FLIGHTS, 5)]) is None


def test_a_key_of_one_name_and_another_type_is_another_key() -> None:
    spoken = part("spoken", table(Column(name="month", type="string"), DELAY, rows=[(m, 1.5) for m in MONTHS]))
    assert joined([by_month("flights"), spoken]) is None


def test_one_name_for_different_things_is_no_key() -> None:
    name = Column(name="name", type="string")
    airlines = part("airlines", table(name, DELAY, rows=[("United", 1.5), ("Delta", 2.5)]))
    airports = part("airports", table(name, DELAY, rows=[("Tulsa Intl", 1.5), ("Albany Intl", 2.5)]))
    assert joined([airlines, airports]) is None


def test_single_numbers_stand_in_one_row() -> None:
    found = joined([one("jfk", FLIGHTS, 5), one("lga", FLIGHTS, 7)])
    assert found is not None
    assert found.rows == [{"num_flights_jfk": 5, "num_flights_lga": 7}]


def test_a_part_without_rows_leaves_the_others_their_own() -> None:
    assert joined([by_month("flights"), part("none", table(MONTH, DELAY, rows=[]))]) is None
    assert joined([by_month("flights")]) is None


def test_what_was_cut_is_told() -> None:
    cut = part("cut", table(CARRIER, ARRIVAL, rows=[("UA", 1.5), ("DL", 2.5)], truncated=True))
    found = joined([by_carrier("all"), cut])
    assert found is not None
    assert found.truncated


def test_keys_are_columns_that_name_rows() -> None:
    assert keys_of([by_month("a"), by_month("b")]) == ["month"]
    assert keys_of([one("a", FLIGHTS, 1), one("b", FLIGHTS, 2)]) == []
    ranges = Column(name="distance_bin", type="integer")
    spread = [part(name, table(ranges, FLIGHTS, rows=[(0, 5), (250, 8)])) for name in "ab"]
    assert keys_of(spread) == ["distance_bin"]
