"""The ladder as a table: what each rung does without, what that bought, and whether it was foretold."""

from __future__ import annotations

import math

import pandas as pd

from profiler.attribution.evidence import Condition
from profiler.report.escape import code, plain
from profiler.report.markdown_table import markdown_table
from profiler.report.ranking import between
from profiler.report.view import RunView
from profiler.tables.ladder import LADDER
from profiler.units import UNKNOWN, seconds

__all__ = ["ladder_notes", "ladder_table", "rung_name"]


def ladder_table(view: RunView, condition: Condition) -> str:
    """Write the rungs of a condition, the first one first; '' where there are none."""
    rungs = view.rows(LADDER, condition)
    if rungs.empty:
        return ""
    header = ("rung", "without", "time", "saved", "predicted", "95 % interval", "verdict")
    return markdown_table(header, [_row(rung) for _, rung in rungs.iterrows()], "llrrrrl")


def ladder_notes(view: RunView, condition: Condition) -> list[str]:
    """Say what each prediction rests on."""
    rungs = view.rows(LADDER, condition)
    return [
        f"{code(rung_name(rung))}: {plain(str(rung['evidence']))}"
        for _, rung in rungs.iterrows()
        if pd.notna(rung["evidence"]) and rung["evidence"]
    ]


def rung_name(rung: pd.Series) -> str:
    """Name a rung: its implementation, and what is changed about it."""
    variant = str(rung["variant"]) if pd.notna(rung["variant"]) else ""
    return f"{rung['implementation']} with {variant}" if variant else str(rung["implementation"])


def _row(rung: pd.Series) -> tuple[str, ...]:
    predicted = float(rung["predicted_s"])
    known = math.isfinite(predicted)
    low, high = float(rung["predicted_low_s"]), float(rung["predicted_high_s"])
    return (
        code(rung_name(rung)),
        plain(str(rung["removes"])) if pd.notna(rung["removes"]) else "",
        seconds(float(rung["median_s"])),
        seconds(float(rung["saved_s"]), signed=True) if pd.notna(rung["saved_s"]) else "",
        seconds(predicted) if known else UNKNOWN,
        between(low, high, seconds) if known else "",
        str(rung["verdict"]),
    )
