"""What a run left, as far as it left it: every table, empty where it is absent."""

from __future__ import annotations

import functools

import pandas as pd

from profiler.manifest import Manifest
from profiler.records import AnyRecord, Notice
from profiler.store import RunDirectory
from profiler.tables.files import read_parquet, read_table
from profiler.tables.samples import SAMPLES
from profiler.tables.schema import Table

__all__ = ["RunFiles"]


class RunFiles:
    """Read the files of a run that may be incomplete, each once."""

    def __init__(self, run: RunDirectory) -> None:
        self.run = run
        self._tables: dict[str, pd.DataFrame] = {}

    @functools.cached_property
    def manifest(self) -> Manifest:
        """Give the plan; raises RunDirectoryError."""
        return self.run.manifest()

    @functools.cached_property
    def records(self) -> list[AnyRecord]:
        """Give the journal's records; raises RunDirectoryError."""
        return self.run.records()

    @functools.cached_property
    def notices(self) -> list[Notice]:
        """Give the warnings, each code and text once, in their order."""
        found = [record for record in self.records if isinstance(record, Notice)]
        return list({(notice.code, notice.text): notice for notice in found}.values())

    @functools.cached_property
    def samples(self) -> pd.DataFrame:
        """Give every timed block; an empty table where nothing was measured."""
        if not self.run.samples_path.is_file():
            return SAMPLES.frame([])
        return SAMPLES.typed(read_parquet(self.run.samples_path))

    def table(self, table: Table) -> pd.DataFrame:
        """Give a table, empty where the run lacks it; raises TableError where it breaks its contract."""
        if table.name not in self._tables:
            there = (self.run.tables / f"{table.name}.parquet").is_file()
            self._tables[table.name] = read_table(self.run, table) if there else table.frame([])
        return self._tables[table.name]
