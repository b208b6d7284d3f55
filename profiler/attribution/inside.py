"""What the library did inside one later call, put together from the rows of the table `library_path`."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from profiler.tables.library_path import BACKEND, LATER

__all__ = ["Inside", "inside_of"]

_MOST_NAMED = 4


@dataclass(frozen=True)
class Inside:
    """Hold the backends that torch chose, the reorders of one call, and all of it in one sentence."""

    backends: tuple[str, ...]
    reorders: int
    sentence: str


def inside_of(rows: pd.DataFrame) -> Inside | None:
    """Put the rows of one implementation in one condition together; None where there are none."""
    if rows.empty:
        return None
    later = rows[rows["call"] == LATER]
    chosen = later[later["kind"] == BACKEND]
    ran = later[later["kind"] == "exec"]
    reorders, others = ran[ran["primitive"] == "reorder"], ran[ran["primitive"] != "reorder"]
    parts = [*_texts(chosen["words"]), *_several(_texts(others["words"])), _reordered(reorders, others)]
    if chosen.empty and ran.empty:
        parts = ["torch does not say which backend it chooses"]
    if ran.empty:
        parts.append("no call of oneDNN is seen")
    return Inside(_texts(chosen["primitive"]), int(reorders["calls"].sum()), "; ".join(filter(None, parts)))


def _reordered(reorders: pd.DataFrame, others: pd.DataFrame) -> str:
    """Say how many reorders a call makes, and which of them bring back what a convolution wrote."""
    if reorders.empty:
        return "no reorder" if not others.empty else ""
    written = set(_texts(others["destination_layout"]))
    told = []
    for _, row in reorders.iterrows():
        source, destination = str(row["source_layout"]), str(row["destination_layout"])
        way = f"the result back from {source}" if source in written else f"{row['problem']} from {source}"
        told.append(f"{way} to {destination}" + (f", {row['calls']} times" if row["calls"] > 1 else ""))
    number = int(reorders["calls"].sum())
    return f"{number} reorder{'s' if number > 1 else ''} a call: {', '.join(_several(tuple(told)))}"


def _several(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Name the first few and count the rest."""
    more = len(texts) - _MOST_NAMED
    return texts if more <= 0 else (*texts[:_MOST_NAMED], f"and {more} more")


def _texts(column: pd.Series) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(value) for value in column))
