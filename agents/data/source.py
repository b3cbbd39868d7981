"""Open what the setting DATA names as a read-only DuckDB that reaches no file, no network and no other database.

CSV and Parquet files are loaded into a DuckDB file of our own, which is opened again read-only: an in-memory database
cannot be read-only. A user's DuckDB file is opened read-only where it is. Afterwards external access is switched off
and the configuration locked, so that no statement can undo it.
"""

import hashlib
import re
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from agents.data.catalogue import FILE_NAME, Catalogue
from agents.data.errors import DataUnavailable

BUNDLED = Path(__file__).resolve().parent / "nycflights13"
_CSV = "read_csv(?, nullstr = ?, sample_size = -1)"
_PARQUET = "read_parquet(?)"
_READERS = {".csv": _CSV, ".csv.gz": _CSV, ".tsv": _CSV, ".parquet": _PARQUET}
_DATABASES = frozenset({".duckdb", ".db", ".ddb"})
_LOCK = ("SET GLOBAL TimeZone = 'UTC'", "SET enable_external_access = false", "SET lock_configuration = true")


@dataclass(frozen=True, slots=True)
class Limits:
    """What DuckDB may use. It never spills to disk: what does not fit is an error."""

    memory_mb: int
    threads: int


@dataclass(frozen=True, slots=True)
class Source:
    """The opened data. `digest` is a hash of the files' contents, the catalogue's included."""

    connection: duckdb.DuckDBPyConnection
    catalogue: Catalogue
    digest: str
    origin: str


def open_source(data: str, limits: Limits) -> Source:
    """Open `data` (empty: the bundled flights); raises `DataUnavailable`, naming the setting, when it cannot."""
    path = Path(data).expanduser() if data else BUNDLED
    try:
        files = _files_of(path)
        catalogue = Catalogue.beside(path if path.is_dir() else path.parent)
        connection = _serve(files, catalogue, limits)
        sidecar = files[0].parent / FILE_NAME
        digest = _digest([*files, *([sidecar] if sidecar.is_file() else [])])
    except (OSError, duckdb.Error, DataUnavailable) as error:
        raise DataUnavailable(f"DATA={str(path)!r} cannot be served: {error}") from error
    return Source(connection, catalogue, digest, str(path))


def _serve(files: list[Path], catalogue: Catalogue, limits: Limits) -> duckdb.DuckDBPyConnection:
    if _kind(files[0]) in _DATABASES:
        return _open_locked(files[0], limits)
    # The folder may go while the database is open: the open file lives on, and nothing is left behind by a crash.
    with tempfile.TemporaryDirectory(prefix="baton-data-", ignore_cleanup_errors=True) as folder:
        database = Path(folder) / "data.duckdb"
        _load(files, catalogue, database)
        return _open_locked(database, limits)


def _open_locked(database: Path, limits: Limits) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(
        str(database),
        read_only=True,
        config={
            "memory_limit": f"{limits.memory_mb}MB",
            "threads": limits.threads,
            "temp_directory": "",
            "allow_persistent_secrets": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "python_enable_replacements": False,
        },
    )
    for statement in _LOCK:
        connection.execute(statement)
    return connection


def _load(files: Iterable[Path], catalogue: Catalogue, database: Path) -> None:
    with duckdb.connect(str(database)) as connection:
        for path in files:
            reader = _READERS[_kind(path)]
            values = [str(path), catalogue.null_values] if reader is _CSV else [str(path)]
            try:
                connection.execute(f'CREATE TABLE "{table_name(path)}" AS FROM {reader}', values)
            except duckdb.Error as error:
                raise DataUnavailable(f"{path.name} cannot be read: {error}") from error


def table_name(path: Path) -> str:
    """`Sales 2024.csv` -> `sales_2024`: a name that needs no quotes in SQL."""
    stem = path.name.removesuffix(_kind(path))
    name = re.sub(r"\W+", "_", stem.lower()).strip("_") or "data"
    return f"t_{name}" if name[0].isdigit() else name


def _kind(path: Path) -> str:
    return ".csv.gz" if path.name.lower().endswith(".csv.gz") else path.suffix.lower()


def _files_of(path: Path) -> list[Path]:
    """The files to serve, in a fixed order: one database, or tables with names of their own."""
    if not path.exists():
        raise DataUnavailable("there is no such file or folder")
    if path.is_file() and _kind(path) in _DATABASES:
        return [path]
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    tables = [file for file in files if file.is_file() and _kind(file) in _READERS]
    if not tables:
        kinds = ", ".join(sorted(_READERS))
        raise DataUnavailable(f"it must be a DuckDB file, or a file or a folder of files ending in {kinds}")
    names = [table_name(file) for file in tables]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise DataUnavailable(f"several files would be the same table: {', '.join(twice)}")
    return tables


def _digest(files: Iterable[Path]) -> str:
    total = hashlib.sha256()
    for path in files:
        with path.open("rb") as stream:
            total.update(path.name.encode() + b"\0" + hashlib.file_digest(stream, "sha256").digest())
    return total.hexdigest()
