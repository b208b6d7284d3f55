"""The gap between two implementations: the difference of their budgets, row by row."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from profiler.attribution.budget import Budget, budget_of, check_sum, interval_around
from profiler.attribution.causes import RESIDUAL
from profiler.attribution.conditions import within
from profiler.attribution.draws import Draws
from profiler.attribution.effects import JOINT_SHARE
from profiler.attribution.estimate import Estimate, Status
from profiler.attribution.evidence import Condition, Floats
from profiler.attribution.files import RunFiles
from profiler.attribution.gather import Gathered
from profiler.attribution.refusals import Side, Standing, reasons
from profiler.errors import UsageError
from profiler.store import RunDirectory
from profiler.tables.summary import SUMMARY

__all__ = ["ALSO", "Gap", "GapRow", "gap_between", "gap_table_rows", "gaps_for"]

ALSO = "; also: "  # between reasons in the column `refusal`
# The least sure side decides; a cause that one side lacks an estimate of is not confirmed by the other's.
_SURENESS: tuple[Status, ...] = ("confirmed", "unconfirmed", "joint", "refused")


@dataclass(frozen=True)
class GapRow:
    """Hold one cause of a gap: seconds per call (subject less baseline), its 95 % interval and share of the gap."""

    cause: str
    seconds: float
    low: float
    high: float
    share: float
    method: str
    status: Status
    evidence: str


@dataclass(frozen=True)
class Gap:
    """Hold a gap and its causes; `refused` lists why nothing should be concluded from them, empty where it may."""

    subject: str
    baseline: str
    condition: Condition
    seconds: float
    low: float
    high: float
    refused: tuple[str, ...]
    rows: tuple[GapRow, ...]

    def row(self, cause: str) -> GapRow:
        """Give one cause's row; raises KeyError."""
        return {row.cause: row for row in self.rows}[cause]


def gap_between(subject: Budget, baseline: Budget, gathered: Gathered) -> Gap:
    """Subtract two budgets of one condition; raises TableError should the rows not sum to the gap."""
    gap = subject.seconds - baseline.seconds
    processes = min(subject.processes, baseline.processes)
    pairs = list(zip(subject.rows, baseline.rows, strict=True))
    refused = reasons(_standing(subject, baseline, gathered))
    rows = tuple(_row(one, other, gap, processes, refused) for one, other in pairs)
    what = f"the gap of {subject.implementation} and {baseline.implementation}"
    check_sum(what, [row.seconds for row in rows] + [baseline.seconds], subject.seconds)
    low, high = interval_around(gap, subject.replicates - baseline.replicates, processes)
    return Gap(
        subject=subject.implementation,
        baseline=baseline.implementation,
        condition=subject.condition,
        seconds=gap,
        low=low,
        high=high,
        refused=refused,
        rows=rows,
    )


def gaps_for(run: RunDirectory, subject: str, baseline: str) -> list[Gap]:
    """Split the gap of any two implementations in every condition that both have a median in, from the files alone.

    Raises UsageError where there is no such condition.
    """
    gathered = Gathered(RunFiles(run))
    draws = Draws(gathered.manifest.seed)
    gaps = []
    for condition in gathered.conditions:
        sides = [gathered.evidence(name, condition) for name in (subject, baseline)]
        if sides[0] is not None and sides[1] is not None:
            gaps.append(gap_between(budget_of(sides[0], draws), budget_of(sides[1], draws), gathered))
    if not gaps:
        raise UsageError(_why_no_gap(gathered, subject, baseline))
    return gaps


def gap_table_rows(gap: Gap) -> list[dict[str, Any]]:
    """Give the rows of the table `attribution`."""
    return [
        {
            "subject": gap.subject,
            "baseline": gap.baseline,
            "case": gap.condition.case,
            "device": gap.condition.device,
            "threads": gap.condition.threads,
            "cause": row.cause,
            "seconds": row.seconds,
            "ci_low_s": row.low,
            "ci_high_s": row.high,
            "share": row.share,
            "method": row.method,
            "status": row.status,
            "evidence": row.evidence,
            "refusal": ALSO.join(gap.refused),
        }
        for row in gap.rows
    ]


def _row(one: Estimate, other: Estimate, gap: float, processes: int, refused: tuple[str, ...]) -> GapRow:
    value = one.seconds - other.seconds
    replicates: Floats = one.replicates - other.replicates
    low, high = interval_around(value, replicates, processes)
    methods = [one.method] if one.method == other.method else [one.method, other.method]
    evidence = (
        f"subject: {one.evidence}; baseline: {other.evidence}" if one.evidence != other.evidence else one.evidence
    )
    status = _joined(one, other)
    if status != "not estimated" and _interacts(one, other, gap):
        status = "joint"
    if refused and status != "not estimated":
        status = "refused"
    return GapRow(
        cause=one.cause,
        seconds=value,
        low=low,
        high=high,
        share=(value / gap if value else 0.0) if gap else math.nan,  # 0 over a negative gap would be -0
        method=" / ".join(methods),
        status=status,
        evidence=evidence,
    )


def _joined(one: Estimate, other: Estimate) -> Status:
    known = [side.status for side in (one, other) if side.status != "not estimated"]
    if not known:
        return "not estimated"
    if len(known) == 1 and one.cause != "autograd":
        return "unconfirmed"
    # A side without a gradient switch runs without gradients: its share is 0 by construction.
    return max(known, key=_SURENESS.index)


def _interacts(one: Estimate, other: Estimate, gap: float) -> bool:
    """Say whether a switch behind a row interacts with others so much that the row means little alone."""
    strongest = max(one.interaction, other.interaction)
    return one.flips or other.flips or strongest > JOINT_SHARE * abs(gap)


def _standing(subject: Budget, baseline: Budget, gathered: Gathered) -> Standing:
    summary = gathered.files.table(SUMMARY)
    return Standing(
        subject=_side(summary, subject),
        baseline=_side(summary, baseline),
        case=subject.condition.case,
        gap_s=subject.seconds - baseline.seconds,
        residual_s=subject.row(RESIDUAL).seconds - baseline.row(RESIDUAL).seconds,
        threads=subject.condition.threads,
        usable_cores=gathered.manifest.environment.usable_cores,
        notices=gathered.files.notices,
    )


def _side(summary: pd.DataFrame, budget: Budget) -> Side:
    here = within(summary, budget.condition)
    row = here[here["implementation"] == budget.implementation].iloc[0]
    # What is too slow to run twice a round has no floor of its own; the middle one of its condition stands for it.
    own, middle = row["aa_floor"], here["aa_floor"].median()
    return Side(
        implementation=budget.implementation,
        status=str(row["status"]),
        reason=str(row["reason"]) if pd.notna(row["reason"]) else "",
        median_s=budget.seconds,
        aa_floor=float(own if pd.notna(own) else middle) if pd.notna(middle) else math.nan,
        process_disagreement=float(row["process_disagreement"]) if pd.notna(row["process_disagreement"]) else math.nan,
        steady=bool(row["steady"]) if pd.notna(row["steady"]) else None,
    )


def _why_no_gap(gathered: Gathered, subject: str, baseline: str) -> str:
    run = gathered.files.run.path
    summary = gathered.files.table(SUMMARY)
    for name in (subject, baseline):
        rows = summary[summary["implementation"] == name]
        if rows.empty:
            known = ", ".join(dict.fromkeys(map(str, summary["implementation"]))) or "none"
            return f"{run} has no implementation {name!r}; it has: {known}"
        if not any(name in gathered.implementations(condition) for condition in gathered.conditions):
            row = rows.iloc[0]
            reason = f": {row['reason']}" if pd.notna(row["reason"]) and row["reason"] else ""
            return f"{run} has no median of {name!r} ({row['status']}{reason}); choose one that was measured"
    return f"{run} has no condition in which both {subject!r} and {baseline!r} were measured; choose another pair"
