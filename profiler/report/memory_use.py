"""What each implementation moves and asks of memory in one call."""

from __future__ import annotations

import math

from profiler.attribution.evidence import Condition
from profiler.report.escape import code
from profiler.report.markdown_table import markdown_table
from profiler.report.view import RunView
from profiler.tables.memory import MEMORY
from profiler.units import UNKNOWN, count, ratio, size

__all__ = ["compulsory_bytes", "memory_table"]

_HEADER = (
    "implementation",
    "operator bytes",
    "x compulsory",
    "scratch",
    "allocations",
    "peak memory",
)


def memory_table(view: RunView, condition: Condition) -> str:
    """Lay out bytes, allocations and page faults of one condition, in the order of the ranking."""
    rows = [_row(view, each.implementation, condition) for each in view.ranking(condition)]
    faults = "page faults" if condition.device == "cpu" else "page faults of the host"
    return markdown_table((*_HEADER, faults), rows, "lrrrrrr")


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

    scratch = memory("scratch_bytes")
    return (
        code(name),
        *_moved(memory("op_bytes"), memory("compulsory_bytes"), scratch),
        size(scratch),
        count(memory("allocations")),
        size(memory("peak_bytes")),
        count(memory("minor_faults")),
    )


def _moved(moved: float, compulsory: float, scratch: float) -> tuple[str, str]:
    """Write operator bytes and their multiple of the compulsory ones, as least values where more must have moved."""
    if not moved > 0:
        return UNKNOWN, UNKNOWN
    if moved < compulsory:
        return f"≥ {size(moved)}", UNKNOWN
    least = "≥ " if scratch > 0 else ""
    multiple = ratio(moved / compulsory) if compulsory > 0 else UNKNOWN
    return f"{least}{size(moved)}", UNKNOWN if multiple == UNKNOWN else f"{least}{multiple}"
