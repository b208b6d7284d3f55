"""The gap of each manual implementation to the baseline: a table of causes, and what each rests on."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from profiler.attribution.causes import CAUSES, RESIDUAL
from profiler.attribution.evidence import Condition
from profiler.report.escape import code, plain
from profiler.report.markdown_table import markdown_table
from profiler.report.ranking import between
from profiler.report.verdict import refusals_of
from profiler.report.view import Ranked, RunView, row_of
from profiler.tables.budget import BUDGET
from profiler.units import UNKNOWN, percent, ratio, seconds

__all__ = ["GapSection", "baseline_evidence", "cause_list", "gap_sections"]


@dataclass(frozen=True)
class GapSection:
    """Hold one gap for the template: Markdown all."""

    heading: str
    refusals: tuple[str, ...]
    table: str
    evidence: tuple[str, ...]
    not_estimated: str


def gap_sections(view: RunView, condition: Condition) -> list[GapSection]:
    """Give a section for each manual implementation of a condition, the slowest first.

    Where the reader named implementations, libraries among them have theirs too.
    """
    asked = {planned.name for planned in view.manifest.implementations if planned.asked_for}
    chosen = [
        each
        for each in reversed(view.ranking(condition))
        if not each.is_baseline and (each.family == "manual" or each.implementation in asked)
    ]
    sections = [(each, view.gap(each.implementation, condition)) for each in chosen]
    return [_section(view, each, gap, condition) for each, gap in sections if not gap.empty]


def cause_list(view: RunView, condition: Condition) -> list[str]:
    """Say what each cause holds that a gap of this condition has seconds of, and the residual."""
    rows = view.rows(BUDGET, condition)
    there = set(rows["cause"][rows["seconds"] != 0])
    return [
        f"{cause.id}: {cause.told(condition.device)}" for cause in CAUSES if cause.id in there or cause.id == RESIDUAL
    ]


def baseline_evidence(view: RunView, condition: Condition) -> list[str]:
    """Say what the baseline's own rows rest on, once for all gaps."""
    budget = view.budget(view.manifest.baseline, condition)
    return [*_evidence(budget), *_unexplained(budget)]


def _section(view: RunView, each: Ranked, gap: pd.DataFrame, condition: Condition) -> GapSection:
    own, other = view.budget(each.implementation, condition), view.budget(view.manifest.baseline, condition)
    shown = [str(cause) for cause in gap.index if _tells(own, other, str(cause))]
    rows = [_row(cause, gap, own, other) for cause in shown]
    total = float(gap["seconds"].sum())
    rows.append(("**gap**", seconds(float(own["seconds"].sum())), seconds(float(other["seconds"].sum())),
                 seconds(total, signed=True), "", "100 %", ""))  # fmt: skip
    names = (code(each.implementation), code(view.manifest.baseline))
    return GapSection(
        heading=f"{names[0]}: {seconds(total, signed=True)} a call, {ratio(each.ratio)}",
        refusals=tuple(map(view.told, refusals_of(gap))),
        table=markdown_table(("cause", *names, "difference", "95 % interval", "share", "status"), rows, "lrrrrrl"),
        evidence=tuple(_evidence(own, other)),
        not_estimated=", ".join(_silent(gap)),
    )


def _silent(gap: pd.DataFrame) -> list[str]:
    """List the causes that neither side has an estimate of.

    What runs with gradients has the switch that removes them; for anything else autograd is 0 by construction.
    """
    return [str(cause) for cause in gap.index[gap["status"] == "not estimated"] if cause != "autograd"]


def _tells(own: pd.DataFrame, other: pd.DataFrame, cause: str) -> bool:
    """Say whether a row is worth its line: the residual always, others where a side is not 0."""
    return cause == RESIDUAL or any(bool((side["seconds"][side.index == cause] != 0).any()) for side in (own, other))


def _row(cause: str, *frames: pd.DataFrame) -> tuple[str, ...]:
    gap, own, other = (frame[frame.index == cause].iloc[0] for frame in frames)
    low, high = float(gap["ci_low_s"]), float(gap["ci_high_s"])
    return (
        cause,
        _side(own),
        _side(other),
        seconds(float(gap["seconds"]), signed=True),
        between(low, high, lambda value: seconds(value, signed=True)),
        percent(float(gap["share"])),
        str(gap["status"]),
    )


def _unexplained(budget: pd.DataFrame) -> list[str]:
    """Say how much of a time its own budget leaves unexplained."""
    row, total = row_of(budget, RESIDUAL), float(budget["seconds"].sum())
    if row is None or not total > 0:
        return []
    left = float(row["seconds"])
    end = "unexplained" if left >= 0 else "by which the estimates add up to more"
    return [f"{RESIDUAL}: {seconds(left)}, {percent(left / total)} of its time, {end}"]


def _side(row: pd.Series) -> str:
    """Write one side's seconds; where it has no estimate, 0 would say too much, except of gradients that it has not."""
    unknown = row["status"] == "not estimated" and row.name != "autograd"
    return UNKNOWN if unknown else seconds(float(row["seconds"]))


def _evidence(budget: pd.DataFrame, known: pd.DataFrame | None = None) -> list[str]:
    """Say what a budget's rows rest on, without what an other budget has said already."""
    told = budget[(budget["status"] != "not estimated") & (budget["seconds"] != 0) & (budget.index != RESIDUAL)]
    said = set() if known is None else set(known["evidence"])
    return [f"{cause}: {plain(str(text))}" for cause, text in told["evidence"].items() if text not in said]
