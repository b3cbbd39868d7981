import time

import duckdb
import pytest

from agents.data.watchdog import Watchdog

ENDLESS = "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range * b.range % 7 = 3"


def test_an_endless_statement_is_interrupted():
    with duckdb.connect(config={"threads": 1}) as connection:
        began = time.monotonic()
        with Watchdog(connection, 0.1) as watchdog, pytest.raises(duckdb.InterruptException):
            connection.execute(ENDLESS).fetchall()
        assert watchdog.fired
        assert 0.1 <= time.monotonic() - began < 3
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_statement_in_time_is_left_alone():
    with duckdb.connect() as connection:
        with Watchdog(connection, 60) as watchdog:
            assert connection.execute("SELECT 42").fetchone() == (42,)
        assert not watchdog.fired


def test_a_limit_that_is_over_before_the_statement_begins_still_holds():
    with duckdb.connect(config={"threads": 1}) as connection, Watchdog(connection, 0.0) as watchdog:
        deadline = time.monotonic() + 5
        while not watchdog.fired:
            assert time.monotonic() < deadline
        with pytest.raises(duckdb.InterruptException):
            connection.execute(ENDLESS).fetchall()
