"""Where the processor was: the kinds of work that CPU samples show, with the function most of each fell into."""

from __future__ import annotations

import pandas as pd

from profiler.attribution.evidence import Condition
from profiler.attribution.symbols import short_symbol
from profiler.report.escape import code, plain
from profiler.report.markdown_table import markdown_table
from profiler.report.view import RunView
from profiler.tables.cpu_samples import CPU_SAMPLES
from profiler.units import count, percent

__all__ = ["cpu_sample_table"]

_LEAST_SHARE = 0.02
_UNCLASSIFIED = "unclassified"


def cpu_sample_table(view: RunView, condition: Condition) -> str:
    """Write a line for each implementation that was sampled, in the order of the ranking; '' where none was."""
    rows = view.rows(CPU_SAMPLES, condition)
    lines = [
        _line(each.implementation, own)
        for each in view.ranking(condition)
        if not (own := rows[rows["implementation"] == each.implementation]).empty
    ]
    if not lines:
        return ""
    return markdown_table(("implementation", "samples", "where they fell", "no rule knows"), lines, "lrlr")


def _line(implementation: str, rows: pd.DataFrame) -> tuple[str, ...]:
    shares = rows.groupby("kind")["share"].sum().sort_values(ascending=False, kind="stable")
    told = []
    for kind, share in shares.items():
        if share >= _LEAST_SHARE and kind != _UNCLASSIFIED:
            symbol = str(rows[rows["kind"] == kind].iloc[0]["symbol"])
            name = f" ({plain(short_symbol(symbol))})" if symbol and symbol != "<NA>" else ""
            told.append(f"{plain(str(kind))} {percent(float(share))}{name}")
    unknown = float(shares.get(_UNCLASSIFIED, 0.0))
    return code(implementation), count(int(rows["samples"].sum())), ", ".join(told), percent(unknown)
