"""What changes when: the switches of each implementation that were measured, and those without effect."""

from __future__ import annotations

import math

import pandas as pd

from profiler.attribution.evidence import Condition
from profiler.report.escape import code, plain
from profiler.report.markdown_table import markdown_table
from profiler.report.ranking import between
from profiler.report.view import RunView
from profiler.tables.switches import SWITCHES
from profiler.units import count, seconds

__all__ = ["switch_table", "switches_without_effect"]

_APART = 0.1  # of the larger: first-in and last-in that differ by less are one figure
_LEAST_FAULTS = 1.0


def switch_table(view: RunView, condition: Condition) -> str:
    """Write every switch of a condition that was measured; '' where none was."""
    rows = view.rows(SWITCHES, condition)
    shown = rows[rows["measured"].fillna(value=False) & (rows["status"] != "no effect")]
    if shown.empty:
        return ""
    header = ("implementation", "switch", "removes", "saves", "95 % interval", "alone / last", "page faults", "status")
    return markdown_table(header, [_row(row) for _, row in shown.iterrows()], "lllrrrrl")


def switches_without_effect(view: RunView, condition: Condition) -> str:
    """Name the switches that changed nothing that can be told, or were not tried."""
    rows = view.rows(SWITCHES, condition)
    rest = rows[~rows["measured"].fillna(value=False) | (rows["status"] == "no effect")]
    named = [
        f"{code(str(name))} ({', '.join(map(str, group['switch']))})"
        for name, group in rest.groupby("implementation", sort=False)
    ]
    return "; ".join(named)


def _row(row: pd.Series) -> tuple[str, ...]:
    first, last = float(row["first_in_s"]), float(row["last_in_s"])
    apart = abs(first - last) > _APART * max(abs(first), abs(last))
    faults = float(row["minor_faults_as_is"]), float(row["minor_faults_switched"])
    told = all(map(math.isfinite, faults)) and max(faults) >= _LEAST_FAULTS
    return (
        code(str(row["implementation"])),
        plain(str(row["switch"])),
        str(row["cause"]),
        seconds(float(row["seconds"]), signed=True),
        between(float(row["ci_low_s"]), float(row["ci_high_s"]), lambda value: seconds(value, signed=True)),
        f"{seconds(first, signed=True)} / {seconds(last, signed=True)}" if apart else "",
        f"{count(faults[0])} to {count(faults[1])}" if told else "",
        str(row["status"]),
    )
