"""Writes and reads `tables/NAME.parquet` and its twin `.csv`."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa

from profiler.errors import RunDirectoryError
from profiler.store import RunDirectory, write_atomically
from profiler.tables.schema import Table

__all__ = ["read_parquet", "read_table", "write_table"]

# A spreadsheet runs a cell that begins with one of these; operator names come from elsewhere.
# https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def write_table(run: RunDirectory, table: Table, frame: pd.DataFrame) -> None:
    """Write a table as Parquet and as CSV; in the CSV, texts that a spreadsheet would run are quoted with '."""
    typed = table.typed(frame)
    run.write_frame(typed, run.tables / f"{table.name}.parquet")
    safe = typed.copy()
    for column in table.columns:
        if column.kind == "text":
            safe[column.name] = safe[column.name].map(_defused, na_action="ignore")
    write_atomically(run.tables / f"{table.name}.csv", safe.to_csv(index=False, lineterminator="\n").encode())


def read_table(run: RunDirectory, table: Table) -> pd.DataFrame:
    """Read a table; raises RunDirectoryError where it is absent, TableError where it breaks its contract."""
    path = run.tables / f"{table.name}.parquet"
    if not path.is_file():
        raise RunDirectoryError(f"{path} is missing; run `convprof analyze --resume {run.path}` to make it")
    return table.typed(read_parquet(path))


def read_parquet(path: Path) -> pd.DataFrame:
    """Read a Parquet file; raises RunDirectoryError where it is damaged."""
    try:
        return pd.read_parquet(path)
    except (OSError, pa.ArrowInvalid) as error:
        reason = str(error).splitlines()[0]
        raise RunDirectoryError(
            f"{path} cannot be read ({reason}); make it again with `convprof analyze --resume {path.parent.parent}`"
        ) from error


def _defused(value: str) -> str:
    return f"'{value}" if value.startswith(_FORMULA_STARTS) else value
