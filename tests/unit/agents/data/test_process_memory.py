"""In a process of its own: a limit once lowered holds for the rest of the process."""

import subprocess
import sys

import pytest

PROGRAM = """
import resource
import duckdb
from agents.data.process_memory import limit_process_memory

limit_process_memory(64)
connection = duckdb.connect(config={"threads": 1})
try:
    connection.execute("SELECT max(length(repeat('x', 100000000 + (i % 2)))) FROM range(1000) AS t (i)").fetchall()
    print("no error")
except duckdb.OutOfMemoryException:
    print("out of memory")
print(connection.execute("SELECT 42").fetchone()[0])
limit_process_memory(10_000)
print(resource.getrlimit(resource.RLIMIT_DATA)[0] // 1024**2)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_DATA counts on Linux only")
def test_a_statement_that_takes_all_memory_ends_and_the_process_lives():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.split("\n")[:3] == ["out of memory", "42", "1152"]
    assert done.returncode == 0
