"""Whether two times differ by more than two identical instances do: one rule for verdicts and refusals."""

from __future__ import annotations

import math

__all__ = ["is_distinct"]

_FLOORS = 2.0


def is_distinct(ratio: float, aa_floor: float) -> bool:
    """Say whether a ratio is at least twice the A/A floor away from 1, in logarithms; a floor of NaN counts as 0."""
    floor = aa_floor if math.isfinite(aa_floor) else 0.0
    return abs(math.log(ratio)) >= _FLOORS * math.log1p(floor)
