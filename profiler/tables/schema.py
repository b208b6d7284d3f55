"""What a table is: named columns with a type, a unit and a meaning, checked where a table is made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from profiler.errors import TableError

__all__ = ["Column", "Table", "count", "flag", "number", "text"]

_DTYPES = {"text": "string", "count": "Int64", "number": "float64", "flag": "boolean"}


@dataclass(frozen=True)
class Column:
    """Name one column; `unit` is '' for texts and plain ratios."""

    name: str
    kind: Literal["text", "count", "number", "flag"]
    unit: str
    meaning: str


def text(name: str, meaning: str) -> Column:
    """Declare a column of words."""
    return Column(name, "text", "", meaning)


def count(name: str, meaning: str, unit: str = "") -> Column:
    """Declare a column of whole numbers, missing where not known."""
    return Column(name, "count", unit, meaning)


def number(name: str, meaning: str, unit: str = "") -> Column:
    """Declare a column of numbers, NaN where not known."""
    return Column(name, "number", unit, meaning)


def flag(name: str, meaning: str) -> Column:
    """Declare a column of truths."""
    return Column(name, "flag", "", meaning)


@dataclass(frozen=True)
class Table:
    """Declare one table: its name, what one row is, its columns in order."""

    name: str
    row: str
    columns: tuple[Column, ...]

    def frame(self, rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
        """Make the table from rows that give every column; raises TableError on a missing or an unknown one."""
        listed = list(rows)
        names = [column.name for column in self.columns]
        for row in listed:
            if set(row) != set(names):
                missing, unknown = sorted(set(names) - set(row)), sorted(set(row) - set(names))
                raise TableError(f"a row of table {self.name} lacks {missing} and adds {unknown}; give each column")
        return self.typed(pd.DataFrame(listed, columns=names))

    def typed(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Give a frame this table's types and order; raises TableError where a column is missing or unfit."""
        names = [column.name for column in self.columns]
        missing = [name for name in names if name not in frame.columns]
        if missing:
            raise TableError(f"table {self.name} lacks the columns {missing}; write it again with this convprof")
        try:
            return frame[names].astype({column.name: _DTYPES[column.kind] for column in self.columns})
        except (TypeError, ValueError) as error:
            raise TableError(f"table {self.name} has a value of the wrong type ({error}); write it again") from error
