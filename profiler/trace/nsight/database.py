"""An Nsight Systems export as SQLite: opened to be read only, its tables and columns taken where they are there.

Tables are written lazily, so that any may be absent, and columns come and go with the version. The schema is described
in the User Guide's chapter "Exporter's SQLite schema reference": https://docs.nvidia.com/nsight-systems/UserGuide/
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from profiler.errors import TraceError
from profiler.trace.device_events import UNKNOWN

__all__ = ["KNOWN_SCHEMA", "NsightDatabase"]

# The newest schema whose files were read and compared with what Nsight's own reports say of them.
KNOWN_SCHEMA = (3, 25)

_META_DATA = ("META_DATA_EXPORT", "EXPORT_META_DATA")  # the first from 2023 on
_BATCH = 50_000  # rows turned into columns at a time: what Python holds beside them stays small

_Integers = NDArray[np.int64]


class NsightDatabase:
    """Read an export. Every error of the file is a TraceError that names it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        if not path.is_file():
            raise TraceError(f"{path} is no file; name an export of Nsight Systems (.sqlite or .nsys-rep)")
        # Immutable: nothing is written beside the file, and a folder that forbids writing will do.
        self._connection = sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1", uri=True)
        self._connection.text_factory = _text
        self._columns: dict[str, frozenset[str]] = {}
        tables = [row[0] for row in self._rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            found = self._rows("SELECT name FROM pragma_table_info(?)", (table,))
            self._columns[table] = frozenset(str(row[0]) for row in found)
        if "StringIds" not in self._columns:
            raise TraceError(
                f"{path} is an SQLite database but no export of Nsight Systems; make one with "
                "`nsys export --type sqlite REPORT.nsys-rep`"
            )
        self.strings: Mapping[int, str] = dict(self._rows("SELECT id, value FROM StringIds"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def has(self, table: str, *columns: str) -> bool:
        """Say whether there is such a table with all these columns."""
        return table in self._columns and self._columns[table].issuperset(columns)

    def count(self, table: str, condition: str = "") -> int:
        """Count a table's rows where an SQL condition holds; 0 where the table is absent."""
        if table not in self._columns:
            return 0
        where = f"WHERE {condition}" if condition else ""
        return int(next(self._rows(f'SELECT COUNT(*) FROM "{table}" {where}'))[0])  # noqa: S608 - names of ours

    def integers(
        self, table: str, needed: Sequence[str], optional: Sequence[str] = (), condition: str = ""
    ) -> dict[str, _Integers]:
        """Give columns of whole numbers in the order of the rows, -1 where a value or an optional column is missing.

        `condition` is SQL. An absent table has no rows; raises TraceError where a needed column is missing.
        """
        names = (*needed, *optional)
        held = self._held(table, needed, optional)
        if not held:
            return {name: np.full(self.count(table, condition), UNKNOWN, np.int64) for name in names}
        terms = ", ".join(f'COALESCE(CAST("{name}" AS INTEGER), {UNKNOWN})' for name in held)
        values = self._array(f'SELECT {terms} FROM "{table}" {_ordered(condition)}', len(held))  # noqa: S608
        found = dict(zip(held, values.T, strict=True))
        return {name: found[name] if name in found else np.full(len(values), UNKNOWN, np.int64) for name in names}

    def texts(self, table: str, column: str, reference: str, condition: str = "") -> Iterator[str]:
        """Give each row's text: what a column holds, else what another refers to in StringIds, else ''."""
        held = self._held(table, (), (column, reference))
        if not held:
            yield from [""] * self.count(table, condition)
            return
        first = f'"{column}"' if column in held else "NULL"
        second = f'"{reference}"' if reference in held else "NULL"
        for own, referred in self._rows(f'SELECT {first}, {second} FROM "{table}" {_ordered(condition)}'):  # noqa: S608
            yield str(own) if own is not None else self.string(referred)

    def string(self, identifier: int | None) -> str:
        """Give the string that an identifier refers to; '' for none."""
        return "" if identifier is None else self.strings.get(identifier, "")

    @property
    def meta_data(self) -> Mapping[str, str]:
        """Give what the exporter says of itself, by name."""
        for table in _META_DATA:
            if self.has(table, "name", "value"):
                return {str(name): str(value) for name, value in self._rows(f'SELECT name, value FROM "{table}"')}  # noqa: S608
        return {}

    @property
    def product(self) -> str:
        """Name the recorder and its version."""
        version = self.meta_data.get("EXPORT_PRODUCT_VERSION", "")
        return f"Nsight Systems {version}".strip()

    @property
    def schema(self) -> str:
        """Give the schema's version; '' where the file does not say."""
        return self.meta_data.get("EXPORT_SCHEMA_VERSION", "")

    @property
    def is_newer(self) -> bool:
        """Say whether the schema is of a later version than those known here."""
        major, _, rest = self.schema.partition(".")
        minor = rest.partition(".")[0]
        return major.isdecimal() and (int(major), int(minor) if minor.isdecimal() else 0) > KNOWN_SCHEMA

    def _held(self, table: str, needed: Sequence[str], optional: Sequence[str]) -> list[str]:
        columns = self._columns.get(table)
        if columns is None:
            return []
        missing = [name for name in needed if name not in columns]
        if missing:
            known = ".".join(map(str, KNOWN_SCHEMA))
            raise TraceError(
                f"{self._path}: table {table} has no column {missing[0]} (schema {self.schema or 'unknown'}, written "
                f"by {self.product}; this convprof knows schemas up to {known}); export the report with an older nsys"
            )
        return [name for name in (*needed, *optional) if name in columns]

    def _array(self, query: str, width: int) -> _Integers:
        rows = self._rows(query)
        batches = [np.empty((0, width), np.int64)]
        while batch := list(islice(rows, _BATCH)):
            batches.append(np.array(batch, np.int64))
        return np.concatenate(batches)

    def _rows(self, query: str, values: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        try:
            yield from self._connection.execute(query, values)
        except sqlite3.Error as error:
            raise TraceError(
                f"{self._path} cannot be read as SQLite ({error}); it may be damaged or cut short: export it again"
            ) from error


def _ordered(condition: str) -> str:
    return f"{f'WHERE {condition} ' if condition else ''}ORDER BY rowid"


def _text(content: bytes) -> str:
    """Read text; a name is not worth losing a trace for, so what is no UTF-8 is shown as replaced."""
    return content.decode("utf-8", "replace")
