"""How far two clocks are apart, told from moments of the one that lie between two moments of the other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from impls.device_events import ClockReading

__all__ = ["ClockOffset", "clock_offset"]


@dataclass(frozen=True)
class ClockOffset:
    """Hold what to add to a time of the other clock to have this clock's, and how far that may be off."""

    offset_ns: int
    within_ns: int


def clock_offset(readings: Iterable[ClockReading]) -> ClockOffset:
    """Take the middle of what all readings of the other clock allow.

    Where they exclude each other, since clocks drift, the narrowest counts. Raises ValueError without a reading.
    """
    bounds = [(each.before_ns - each.moment_ns, each.after_ns - each.moment_ns) for each in readings]
    low, high = max(lower for lower, _ in bounds), min(upper for _, upper in bounds)
    if low > high:
        low, high = min(bounds, key=lambda bound: bound[1] - bound[0])
    return ClockOffset((low + high) // 2, -((low - high) // 2))
