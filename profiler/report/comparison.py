"""A conservative word for a ratio: faster, slower, same or unclear."""

from __future__ import annotations

import math
from typing import Literal

from profiler.attribution.distinct import is_distinct

__all__ = ["Word", "compare"]

Word = Literal["faster", "slower", "same", "unclear"]

_SAME = 0.05


def compare(ratio: float, low: float, high: float, aa_floor: float) -> Word:
    """Say how a subject compares with its baseline, given the ratio, its 95 % interval and the A/A floor.

    `faster` and `slower` need an interval that excludes 1 and a difference of at least twice the floor; `same` an
    interval within 5 % of 1; anything else is `unclear`, and so is a ratio without an interval.
    """
    if not (math.isfinite(low) and math.isfinite(high) and ratio > 0):
        return "unclear"
    distinct = is_distinct(ratio, aa_floor)
    if distinct and low > 1:
        return "slower"
    if distinct and high < 1:
        return "faster"
    return "same" if low >= 1 / (1 + _SAME) and high <= 1 + _SAME else "unclear"
