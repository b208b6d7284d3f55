"""Limits and unit costs of this machine, each with the range it was seen in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from profiler.attribution.draws import Draws

__all__ = ["Ceilings", "Limit"]

# What one Python instruction, one page fault or one wait costs does not depend on how many threads are allowed.
_SERIAL = ("instruction", "page_fault", "wait")


@dataclass(frozen=True)
class Limit:
    """Hold one limit or unit cost: bytes or operations per second, or seconds each."""

    name: str
    value: float
    low: float
    high: float
    working_set_bytes: int = 0

    def replicates(self, draws: Draws) -> NDArray[np.float64]:
        """Draw the limit from its range; shape (replicates,)."""
        return self.low + (self.high - self.low) * draws.positions(self.name)


class Ceilings:
    """Look up limits for one device and number of threads in the table `ceilings`."""

    def __init__(self, frame: pd.DataFrame, device: str, threads: int) -> None:
        here = frame[(frame["device"] == device) & frame["value"].gt(0)]
        self._rows = here[(here["threads"] == threads) | here["name"].isin(_SERIAL)]

    def limit(self, name: str) -> Limit | None:
        """Give a limit that does not depend on the working set; None where it was not measured."""
        rows = self._rows[self._rows["name"] == name]
        return None if rows.empty else _limit(rows.iloc[0])

    def bandwidth(self, working_set_bytes: float) -> Limit | None:
        """Give the copy bandwidth at the smallest measured working set that holds this one, else at the largest."""
        rows = self._rows[self._rows["name"] == "copy_bandwidth"].sort_values("working_set_bytes")
        if rows.empty:
            return None
        holding = rows[rows["working_set_bytes"] >= working_set_bytes]
        return _limit((rows.iloc[-1]) if holding.empty else holding.iloc[0])


def _limit(row: pd.Series) -> Limit:
    value = float(row["value"])
    # A single process gives no range: its ends are then the value.
    low = float(row["low"]) if pd.notna(row["low"]) else value
    high = float(row["high"]) if pd.notna(row["high"]) else value
    working_set = row["working_set_bytes"]
    return Limit(
        name=str(row["name"]),
        value=value,
        low=min(low, value),
        high=max(high, value),
        working_set_bytes=int(working_set) if pd.notna(working_set) else 0,
    )
