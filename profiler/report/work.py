"""What each implementation does in one call, in operators and in Python."""

from __future__ import annotations

import math

from profiler.attribution.evidence import Condition
from profiler.report.escape import code
from profiler.report.markdown_table import markdown_table
from profiler.report.view import RunView, row_of, value_of
from profiler.tables.counts import COUNTS
from profiler.tables.launches import LAUNCHES
from profiler.tables.python import PYTHON
from profiler.units import UNKNOWN, count, percent

__all__ = ["no_launches", "work_table"]

_HEADER = ("implementation", "called", "recorded", "leaves")
_LAUNCHES_HEADER = "kernel launches"
_PYTHON_HEADER = ("bytecode instructions", "Python share")


def work_table(view: RunView, condition: Condition) -> str:
    """Lay out the counts of one condition, in the order of the ranking; kernel launches only where there are any."""
    launches = _launches(view, condition)
    header = (*_HEADER, *([_LAUNCHES_HEADER] if launches else []), *_PYTHON_HEADER)
    rows = [_row(view, each.implementation, condition, launches) for each in view.ranking(condition)]
    return markdown_table(header, rows, "l" + "r" * (len(header) - 1))


def no_launches(view: RunView, condition: Condition) -> str:
    """Say that no kernel was launched; '' where one was."""
    if _launches(view, condition):
        return ""
    if condition.device == "cpu":
        return "No kernel launches: no accelerator in this run."
    return "No kernel launches were recorded: torch's profiler saw nothing of this device."


def _launches(view: RunView, condition: Condition) -> bool:
    launched = [_recorded(view, each.implementation, condition, "kernel_launches") for each in view.ranking(condition)]
    return any(math.isfinite(number) and number > 0 for number in launched)


def _recorded(view: RunView, name: str, condition: Condition, column: str) -> float:
    return view.figure(LAUNCHES, name, condition, column)


def _row(view: RunView, name: str, condition: Condition, launches: bool) -> tuple[str, ...]:
    columns = ("ops", "leaf_ops", *(["kernel_launches"] if launches else []))
    return (
        code(name),
        count(view.figure(COUNTS, name, condition, "ops")),
        *(count(_recorded(view, name, condition, column)) for column in columns),
        count(view.figure(PYTHON, name, condition, "instructions")),
        _python_share(view, name, condition),
    )


def _python_share(view: RunView, name: str, condition: Condition) -> str:
    """Write the budget's interpreter row over the median, with its interval; unlike the profile's, unprofiled."""
    budget = view.budget(name, condition)
    row = row_of(budget, "interpreter")
    if row is None or row["status"] == "not estimated":
        return UNKNOWN
    total = float(budget["seconds"].sum())
    share, low, high = (_clipped(value_of(row[column]) / total) for column in ("seconds", "ci_low_s", "ci_high_s"))
    interval = f" ({percent(low)} to {percent(high)})" if math.isfinite(low) else ""
    return f"{percent(share)}{interval}"


def _clipped(share: float) -> float:
    """Hold an estimate to what a share can be."""
    return share if math.isnan(share) else min(1.0, max(0.0, share))
