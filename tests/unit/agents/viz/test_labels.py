import pytest

from agents.viz.labels import is_aggregate, label_of, singular, unit_of, with_unit, without_bin, words_of


@pytest.mark.parametrize(
    ("name", "unit", "label"),
    [
        ("avg_dep_delay", "minutes", "average departure delay"),
        ("avgDepDelay", None, "average departure delay"),
        ("avg(dep_delay)", None, "average departure delay"),
        ("dep_delay_avg", None, "average departure delay"),
        ("max_distance", "miles", "maximum distance"),
        ("flight_count", None, "number of flights"),
        ("count_flights", None, "number of flights"),
        ("num_flights", "flights", "number of flights"),
        ("count_star()", "flights", "number of flights"),
        ("count", None, "count"),
        ("n", None, "count"),
        ("bill_length_mm", None, "bill length"),
        ("dest", None, "destination"),
        ("日本語", None, "日本語"),
        ("%%", None, "%%"),
        ("", None, "value"),
    ],
)
def test_names_become_words(name, unit, label):
    assert label_of(name, unit) == label


def test_units_come_from_the_column_or_the_end_of_its_name():
    assert unit_of("dep_delay", "minutes") == "minutes"
    assert unit_of("body_mass_g", None) == "g"
    assert unit_of("g", None) is None
    assert unit_of("", None) is None
    assert with_unit("average delay", "minutes") == "average delay (minutes)"
    assert with_unit("number of flights", "flights") == "number of flights"


def test_words_read_alike_however_they_are_joined():
    assert words_of("avgDepDelay") == words_of("avg_dep_delay") == words_of("AVG(dep delay)") == ["avg", "dep", "delay"]
    assert is_aggregate("avg_month")
    assert not is_aggregate("month")


@pytest.mark.parametrize(
    ("many", "one"),
    [
        ("airlines", "airline"),
        ("cities", "city"),
        ("classes", "class"),
        ("species", "species"),
        ("status", "status"),
        ("carrier", "carrier"),
    ],
)
def test_a_table_of_many_names_one(many, one):
    assert singular(many) == one


def test_a_column_of_ranges_is_named_after_what_was_cut():
    assert without_bin("departure delay bin") == "departure delay"
    assert without_bin("bin") == "bin"
