"""Limits and unit costs in words, with the range they were seen in."""

from __future__ import annotations

from profiler.attribution.ceilings import Limit
from profiler.units import seconds, significant

__all__ = ["speed", "unit_range"]


def unit_range(unit: Limit) -> str:
    """Write a unit cost and its range."""
    return f"{seconds(unit.value)} ({seconds(unit.low)} to {seconds(unit.high)})"


def speed(limit: Limit, unit: str) -> str:
    """Write a bandwidth or a rate in the given unit of 1e9 a second."""
    return f"{significant(limit.value / 1e9)} {unit}"
