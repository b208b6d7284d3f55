"""The first call in a fresh process, beside the steady state."""

from __future__ import annotations

import math

import pandas as pd

from profiler.attribution.evidence import Condition
from profiler.report.escape import code
from profiler.report.markdown_table import markdown_table
from profiler.report.view import RunView, value_of
from profiler.tables.cold import COLD
from profiler.units import ratio, seconds

__all__ = ["cold_processes", "cold_table", "compiling_line", "import_line"]

# A first process that prepared so much longer than most has compiled something that the others found.
_COMPILED_RATIO, _COMPILED_S = 1.5, 0.05

_STAGES = ("prepare", "first_call", "second_call", "article_time")
_HEADER = (
    "implementation",
    "prepare",
    "first call",
    "second call",
    "steady",
    "first / steady",
    "article's timing",
    "its 95 % interval",
)


def cold_table(view: RunView, condition: Condition) -> str:
    """Lay out the cold stages of one condition, ordered by the article's way of timing; '' where there are none."""
    cold = view.rows(COLD, condition)
    rows = []
    for each in view.ranking(condition):
        stages = cold[cold["implementation"] == each.implementation].set_index("stage")
        if stages.empty:
            continue
        medians = {stage: _median(stages, stage, "median_s") for stage in _STAGES}
        low, high = (_median(stages, "article_time", end) for end in ("ci_low_s", "ci_high_s"))
        cells = (
            code(each.implementation),
            seconds(medians["prepare"]),
            seconds(medians["first_call"]),
            seconds(medians["second_call"]),
            seconds(each.median_s),
            ratio(medians["first_call"] / each.median_s),
            seconds(medians["article_time"]),
            f"{seconds(low)} to {seconds(high)}" if math.isfinite(low) else "too few processes",
        )
        rows.append((medians["article_time"], cells))
    if not rows:
        return ""
    ordered = sorted(rows, key=lambda row: (math.isnan(row[0]), row[0]))
    return markdown_table(_HEADER, [cells for _, cells in ordered], "lrrrrrrr")


def cold_processes(view: RunView, condition: Condition) -> int:
    """Count the fresh processes behind the table, the fewest of any stage."""
    processes = view.rows(COLD, condition)["processes"].dropna()
    return 0 if processes.empty else int(processes.min())


def import_line(view: RunView, condition: Condition) -> str:
    """Say what importing the libraries takes, which all share; '' where it was not measured."""
    cold = view.files.table(COLD)
    rows = cold[(cold["stage"] == "import") & (cold["device"] == condition.device)]
    if rows.empty:
        return ""
    row = rows.iloc[0]
    low, high = value_of(row["ci_low_s"]), value_of(row["ci_high_s"])
    interval = f" (95 %: {seconds(low)} to {seconds(high)})" if math.isfinite(low) else ""
    return (
        f"Importing NumPy and torch takes {seconds(value_of(row['median_s']))}{interval} once per process, "
        "and is in none of these figures."
    )


def compiling_line(view: RunView, condition: Condition) -> str:
    """Say what the first process compiled and the others found in a cache, the longest first; '' where nothing."""
    cold = view.rows(COLD, condition)
    rows = cold[cold["stage"] == "prepare"]
    longer = (rows["first_s"] > _COMPILED_RATIO * rows["median_s"]) & (rows["first_s"] - rows["median_s"] > _COMPILED_S)
    compiled = [
        f"{code(str(row['implementation']))} {seconds(float(row['first_s']))}, then {seconds(float(row['median_s']))}"
        for _, row in rows[longer].sort_values("first_s", ascending=False).iterrows()
    ]
    return (
        f"Prepared in the first process, and found in a cache by the others: {'; '.join(compiled)}." if compiled else ""
    )


def _median(stages: pd.DataFrame, stage: str, column: str) -> float:
    return value_of(stages.loc[stage, column]) if stage in stages.index else math.nan
