"""Judges one row of a gap against the planted truth, and all rows together."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Judged", "Row", "Totals", "false_causes", "judge", "scaled", "totals"]

_TOLERANCE = 0.1  # DESIGN, section 6
_ASLEEP = "idle"
_NO_CAUSE = ("residual", "floor")


@dataclass(frozen=True)
class Row:
    """Hold one row of a run's table `attribution`, in seconds."""

    cause: str
    seconds: float
    low: float
    high: float
    status: str


@dataclass(frozen=True)
class Judged:
    """Hold what became of one planted cause: seconds, the error allowed, and whether the interval holds the truth."""

    cause: str
    truth: float
    estimate: float
    allowed: float
    covered: bool
    status: str

    @property
    def right(self) -> bool:
        """Say whether the error is within what is allowed."""
        return abs(self.estimate - self.truth) <= self.allowed


@dataclass(frozen=True)
class Totals:
    """Count planted causes: how many were right, covered, told at all, and gaps with a cause that was not planted."""

    planted: int
    right: int
    covered: int
    gaps: int
    with_false_cause: int


def scaled(truth: Mapping[str, float], alone: float, gap: float) -> tuple[float, dict[str, float]]:
    """Scale what was timed alone to a run's rounds, since a shared machine's speed drifts; a sleep's length does not.

    Gives the factor as well; 1 where nothing was planted.
    """
    asleep = truth.get(_ASLEEP, 0.0)
    factor = (gap - asleep) / (alone - asleep) if alone > asleep else 1.0
    return factor, {cause: seconds * (1.0 if cause == _ASLEEP else factor) for cause, seconds in truth.items()}


def judge(row: Row, truth: float, floor: float) -> Judged:
    """Compare a row with the truth; `floor` is what two identical instances differ by, in seconds."""
    allowed = max(_TOLERANCE * abs(truth), floor)
    covered = row.low <= truth <= row.high
    return Judged(row.cause, truth, row.seconds, allowed, covered, row.status)


def false_causes(rows: Iterable[Row], planted: Sequence[str], gap: float, floor: float) -> list[Row]:
    """List the causes that were not planted and yet are told: beyond 10 % of the gap and the A/A floor, 0 excluded."""
    least = max(_TOLERANCE * abs(gap), floor)
    return [
        row
        for row in rows
        if row.cause not in (*planted, *_NO_CAUSE)
        and row.status not in ("refused", "not estimated")
        and math.isfinite(row.low)
        and (row.low > 0 or row.high < 0)
        and abs(row.seconds) > least
    ]


def totals(judged: Sequence[Judged], false: Sequence[Sequence[Row]]) -> Totals:
    """Count over all gaps; `false` holds the false causes of each."""
    return Totals(
        planted=len(judged),
        right=sum(each.right for each in judged),
        covered=sum(each.covered for each in judged),
        gaps=len(false),
        with_false_cause=sum(bool(each) for each in false),
    )
