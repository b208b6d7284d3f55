"""How much of a call is counted and recorded before it would take too long."""

from __future__ import annotations

from impls.case import ConvCase

__all__ = [
    "MOST_EVENTS",
    "MOST_INSTRUCTIONS",
    "MOST_OPERATORS",
    "SLOW_CALL_S",
    "expected_events",
    "extrapolated",
    "smaller_case",
]

MOST_EVENTS = 1_500_000
# A dispatched operator makes 2.4 events on average in a per-pixel loop: itself, those it calls, its allocations.
_EVENTS_PER_OPERATOR = 2.5
MOST_OPERATORS = int(MOST_EVENTS / _EVENTS_PER_OPERATOR)
# 0.2 microseconds each while they are counted.
MOST_INSTRUCTIONS = 25_000_000
# A call that takes longer is made twice and no more: for its operators, and for its trace.
SLOW_CALL_S = 5.0


def extrapolated(case: ConvCase, small: tuple[ConvCase, int], larger: tuple[ConvCase, int]) -> int:
    """Extend a count linearly in the number of outputs, from two smallest inputs and their counts to a case."""
    (first, first_count), (second, second_count) = small, larger
    if second.outputs == first.outputs:
        return second_count
    slope = (second_count - first_count) / (second.outputs - first.outputs)
    return max(0, round(first_count + slope * (case.outputs - first.outputs)))


def expected_events(operators: int, calls: int = 1) -> int:
    """Estimate how many events a trace of calls with so many operators each would hold."""
    return round(operators * calls * _EVENTS_PER_OPERATOR)


def smaller_case(case: ConvCase, operators: int) -> ConvCase:
    """Give the same problem on an image so small that its trace is half as large as allowed."""
    shrink = (MOST_OPERATORS / 2 / max(1, operators)) ** 0.5
    height, width = (max(1, int(size * min(1.0, shrink))) for size in (case.output_height, case.output_width))
    return case.with_output(height, width)
