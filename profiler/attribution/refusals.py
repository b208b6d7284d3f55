"""When nothing should be concluded about a gap's causes: one rule, one function, all in one tuple."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from profiler.attribution.distinct import is_distinct
from profiler.records import Notice
from profiler.units import percent, seconds

__all__ = ["BUSY_CODES", "REFUSALS", "TRACE_CODES", "Side", "Standing", "reasons"]

# Codes of the notices that speak of the host and of traces.
BUSY_CODES = ("busy_host", "throttled")
TRACE_CODES = ("unsound_trace",)

_LARGEST_RESIDUAL = 0.25
_LARGEST_SPREAD = 0.05


@dataclass(frozen=True)
class Side:
    """Hold what the table `summary` says of one side; NaN where not known, `steady` None where not known."""

    implementation: str
    status: str
    reason: str
    median_s: float
    aa_floor: float
    process_disagreement: float
    steady: bool | None


@dataclass(frozen=True)
class Standing:
    """Hold what decides whether a gap's causes may be told."""

    subject: Side
    baseline: Side
    case: str
    gap_s: float
    residual_s: float
    threads: int
    usable_cores: int
    notices: Sequence[Notice]

    @property
    def sides(self) -> tuple[Side, Side]:
        """Give both sides, the subject first."""
        return self.subject, self.baseline


def outputs_differ(standing: Standing) -> str | None:
    """Refuse where a side is not right."""
    wrong = [f"{side.implementation} is {side.status}: {side.reason}" for side in standing.sides if side.status != "ok"]
    return "; ".join(wrong) or None


def under_the_floor(standing: Standing) -> str | None:
    """Refuse where two identical instances differ by half as much as the two sides.

    Compared as ratios, in logarithms: for small differences the same as in seconds, and it stays right for large ones.
    """
    floors = [side.aa_floor for side in standing.sides if math.isfinite(side.aa_floor)]
    ratio = standing.subject.median_s / standing.baseline.median_s
    if not floors or is_distinct(ratio, max(floors)):
        return None
    return (
        f"the gap of {seconds(abs(standing.gap_s))} is under twice the A/A floor: "
        f"two identical instances differ by up to {percent(max(floors))}"
    )


def large_residual(standing: Standing) -> str | None:
    """Refuse where more than a quarter of the gap is unexplained."""
    if abs(standing.residual_s) <= _LARGEST_RESIDUAL * abs(standing.gap_s):
        return None
    share = abs(standing.residual_s / standing.gap_s) if standing.gap_s else math.inf
    amount = f"{percent(share)} of the gap" if math.isfinite(share) else "more than the gap"
    return f"the residual is {amount}, more than {percent(_LARGEST_RESIDUAL)}"


def no_steady_state(standing: Standing) -> str | None:
    """Refuse where a side never settled."""
    restless = [side.implementation for side in standing.sides if side.steady is False]
    return f"no steady state was reached by {' and '.join(restless)}" if restless else None


def processes_disagree(standing: Standing) -> str | None:
    """Refuse where a side's processes disagree by more than 5 % of the larger side's median.

    A disagreement of the far smaller side cannot change what a gap consists of. One process of five or more that lies
    elsewhere is no disagreement: see `Panel.process_disagreement`.
    """
    largest = max(side.median_s for side in standing.sides)
    torn = [
        f"{side.implementation} ({percent(side.process_disagreement)} of its {seconds(side.median_s)})"
        for side in standing.sides
        if side.process_disagreement * side.median_s > _LARGEST_SPREAD * largest
    ]
    return f"processes disagree by more than {percent(_LARGEST_SPREAD)}: {' and '.join(torn)}" if torn else None


def busy_host(standing: Standing) -> str | None:
    """Refuse where the host was busy or short of cores while measuring."""
    busy = [notice.text for notice in standing.notices if notice.code in BUSY_CODES]
    return f"the host was busy: {'; '.join(busy)}" if busy else None


def short_of_cores(standing: Standing) -> str | None:
    """Refuse where more threads were allowed than there are cores: they wait for each other."""
    if standing.threads <= standing.usable_cores:
        return None
    return f"{standing.threads} threads were measured on {standing.usable_cores} usable cores"


def unsound_trace(standing: Standing) -> str | None:
    """Refuse where a trace of either side is unsound."""
    names = [side.implementation for side in standing.sides]
    unsound = [
        notice.text
        for notice in standing.notices
        if notice.code in TRACE_CODES and notice.implementation in names and notice.case == standing.case
    ]
    return f"a trace is unsound: {'; '.join(unsound)}" if unsound else None


REFUSALS: tuple[Callable[[Standing], str | None], ...] = (
    outputs_differ,
    under_the_floor,
    no_steady_state,
    processes_disagree,
    busy_host,
    short_of_cores,
    unsound_trace,
    large_residual,
)


def reasons(standing: Standing) -> tuple[str, ...]:
    """List every reason to refuse; empty where the causes may be told."""
    return tuple(reason for refusal in REFUSALS if (reason := refusal(standing)) is not None)
