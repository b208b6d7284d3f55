"""The budget of one implementation on one case: its median, split over every cause, with a residual."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from profiler.attribution.causes import CAUSES, RESIDUAL
from profiler.attribution.draws import Draws
from profiler.attribution.estimate import Estimate
from profiler.attribution.estimators import estimators_of
from profiler.attribution.evidence import Condition, Evidence, Floats
from profiler.attribution.judgement import best
from profiler.attribution.shares import UNCLASSIFIED
from profiler.errors import TableError
from profiler.measure.statistics import percentile_interval
from profiler.units import count, percent

__all__ = ["Budget", "budget_of", "budget_table_rows", "check_sum", "interval_around"]

# Sums of a dozen floating-point numbers round in the last digits; anything more is a mistake.
_TOLERANCE = 1e-9
_ROUNDING = 1e-12  # of the median: a remainder of less is none


@dataclass(frozen=True)
class Budget:
    """Hold one estimate for each cause, in the fixed order; they sum to `seconds` exactly, replicate by replicate."""

    implementation: str
    condition: Condition
    seconds: float
    replicates: Floats
    processes: int
    rows: tuple[Estimate, ...]

    def row(self, cause: str) -> Estimate:
        """Give one cause's estimate; raises KeyError."""
        return {row.cause: row for row in self.rows}[cause]


def budget_of(evidence: Evidence, draws: Draws) -> Budget:
    """Split one implementation's median over the causes; raises TableError should the rows not sum to it."""
    rows = [_row(cause.id, evidence, draws) for cause in CAUSES if cause.id != RESIDUAL]
    rows.append(_residual(evidence, rows))
    check_sum(f"the budget of {evidence.implementation}", [row.seconds for row in rows], evidence.total.value)
    total = evidence.total
    return Budget(
        evidence.implementation, evidence.condition, total.value, total.replicates, evidence.processes, tuple(rows)
    )


def check_sum(what: str, parts: Sequence[float], whole: float) -> None:
    """Hold that parts make the whole; raises TableError."""
    scale = max([abs(whole), *map(abs, parts)])
    if not abs(math.fsum(parts) - whole) <= _TOLERANCE * scale:
        raise TableError(f"{what} sums to {math.fsum(parts)!r} s instead of {whole!r} s; this is a mistake in convprof")


def budget_table_rows(budget: Budget) -> list[dict[str, Any]]:
    """Give the rows of the table `budget`."""
    rows = []
    for estimate in budget.rows:
        low, high = interval_around(estimate.seconds, estimate.replicates, budget.processes)
        rows.append(
            {
                "implementation": budget.implementation,
                "case": budget.condition.case,
                "device": budget.condition.device,
                "threads": budget.condition.threads,
                "cause": estimate.cause,
                "seconds": estimate.seconds,
                "ci_low_s": low,
                "ci_high_s": high,
                "method": estimate.method,
                "status": estimate.status,
                "evidence": estimate.evidence,
            }
        )
    return rows


def interval_around(value: float, replicates: Floats, processes: int) -> tuple[float, float]:
    """Give the 95 % interval of replicates, made to hold the value itself; NaN ends for a single process."""
    low, high = percentile_interval(replicates, processes)
    return (min(low, value), max(high, value)) if math.isfinite(low) else (low, high)


def _row(cause: str, evidence: Evidence, draws: Draws) -> Estimate:
    asked = [estimator(evidence, draws) for estimator in estimators_of(evidence).get(cause, ())]
    answers = [estimate for estimate in asked if estimate is not None]
    if not answers:
        return _not_estimated(cause, evidence, draws)
    return best(answers, [effect for effect in evidence.switches.values() if effect.cause == cause], evidence.processes)


def _residual(evidence: Evidence, rows: Sequence[Estimate]) -> Estimate:
    explained = functools.reduce(np.add, [row.replicates for row in rows])
    holds = _CONTAINED if evidence.timeline is None else ()
    contained = [row.cause for row in rows if row.status == "not estimated" and row.cause in holds]
    left = evidence.total.value - math.fsum(row.seconds for row in rows)
    lefts = evidence.total.replicates - explained
    rounding = _ROUNDING * evidence.total.value
    return Estimate(
        RESIDUAL,
        left if abs(left) > rounding else 0.0,
        np.where(np.abs(lefts) > rounding, lefts, 0.0),
        "remainder",
        "unconfirmed",
        (
            f"the median less the rows above; holds {', '.join(contained)}"
            if contained
            else "the median less the rows above"
        )
        + _unclassified(evidence),
    )


def _unclassified(evidence: Evidence) -> str:
    shares = evidence.samples
    if shares is None or not shares.total or evidence.timeline is not None:
        return ""
    words = (
        f"; {percent(shares.share(UNCLASSIFIED))} of {count(shares.total)} CPU samples are of code that no rule knows"
    )
    leading = shares.leading.get(UNCLASSIFIED, "")
    return f"{words}, most in {leading}" if leading else words


def _not_estimated(cause: str, evidence: Evidence, draws: Draws) -> Estimate:
    nothing = np.zeros(draws.replicates)
    return Estimate(cause, 0.0, nothing, "none", "not estimated", _why_not(cause, evidence))


_CONTAINED = ("interpreter", "dispatch", "allocation", "traffic", "threads", "arithmetic", "floor")


def _why_not(cause: str, evidence: Evidence) -> str:
    if evidence.timeline is not None or evidence.condition.device != "cpu":
        return _why_not_on_device(cause, evidence)
    if cause == "launch":
        return "no accelerator in this run"
    if cause == "idle":
        return f"no processor time of the calling thread; a wait would be in {RESIDUAL}"
    if cause == "autograd":
        return "no switch for the gradient mode, no CPU samples; calls run without gradients unless they are about them"
    if cause in ("arithmetic", "threads"):
        return f"no CPU samples in this run tell it; contained in {RESIDUAL}"
    return f"{_missing(cause, evidence)}; contained in {RESIDUAL}"


def _why_not_on_device(cause: str, evidence: Evidence) -> str:
    if cause == "floor":
        return "no limits of this device were measured" + ("; within arithmetic" if evidence.timeline else "")
    if cause == "threads":
        return "threads of the host count where the device waits for them, under what they then do"
    if cause == "autograd":
        return "no switch for the gradient mode; calls run without gradients unless they are about them"
    return f"no sound trace of the device with work on it in this run; contained in {RESIDUAL}"


def _missing(cause: str, evidence: Evidence) -> str:
    if cause == "floor":
        return f"no ceilings were measured with {evidence.condition.threads} threads"
    if cause == "allocation":
        return "no cost of a page fault or no fault counts in this run"
    if evidence.counts is None:
        return "no counts of a call in this run"
    if evidence.units is None:
        return (
            "smallest inputs are timed with 1 thread only"
            if evidence.condition.threads > 1
            else "no times or counts on smallest inputs in this run"
        )
    if cause == "traffic" and not evidence.counts.op_bytes >= evidence.case.compulsory_bytes:
        return "its work is in code that no operator shows, so the bytes it moves cannot be counted"
    return "no unit cost or count for it in this run"
