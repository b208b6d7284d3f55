"""What each implementation does in one call: operators, bytes, allocations, Python."""

from __future__ import annotations

import math

from profiler.attribution.evidence import Condition
from profiler.report.escape import code
from profiler.report.markdown_table import markdown_table
from profiler.report.view import RunView, row_of, value_of
from profiler.tables.launches import LAUNCHES
from profiler.tables.memory import MEMORY
from profiler.tables.python import PYTHON
from profiler.units import UNKNOWN, count, percent, ratio, size

__all__ = ["compulsory_bytes", "work_table"]

_HEADER = (
    "implementation",
    "operators",
    "leaf operators",
    "kernel launches",
    "operator bytes",
    "x compulsory",
    "allocations",
    "peak memory",
    "page faults",
    "bytecode instructions",
    "Python share (unconfirmed)",
)


def work_table(view: RunView, condition: Condition) -> str:
    """Lay out the counts of one condition, in the order of the ranking."""
    rows = [_row(view, each.implementation, condition) for each in view.ranking(condition)]
    return markdown_table(_HEADER, rows, "lrrrrrrrrrr")


def compulsory_bytes(view: RunView, condition: Condition) -> float:
    """Give the bytes that any algorithm must move; NaN where no call was counted."""
    for each in view.ranking(condition):
        known = view.figure(MEMORY, each.implementation, condition, "compulsory_bytes")
        if math.isfinite(known):
            return known
    return math.nan


def _row(view: RunView, name: str, condition: Condition) -> tuple[str, ...]:
    def memory(column: str) -> float:
        return view.figure(MEMORY, name, condition, column)

    def launches(column: str) -> float:
        return view.figure(LAUNCHES, name, condition, column)

    compulsory = memory("compulsory_bytes")
    return (
        code(name),
        count(launches("ops")),
        count(launches("leaf_ops")),
        count(launches("kernel_launches")),
        size(memory("op_bytes")),
        ratio(memory("op_bytes") / compulsory if compulsory else math.nan),
        count(memory("allocations")),
        size(memory("peak_bytes")),
        count(memory("minor_faults")),
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
    share, low, high = (value_of(row[column]) / total for column in ("seconds", "ci_low_s", "ci_high_s"))
    interval = f" ({percent(low)} to {percent(high)})" if math.isfinite(low) else ""
    return f"{percent(share)}{interval}"
