"""What every section of the report reads: a run's tables, by condition."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import pandas as pd

from profiler.attribution.conditions import conditions_in, within
from profiler.attribution.evidence import Condition
from profiler.attribution.files import RunFiles
from profiler.report.comparison import Word, compare
from profiler.report.escape import named
from profiler.store import RunDirectory
from profiler.tables.attribution import ATTRIBUTION
from profiler.tables.budget import BUDGET
from profiler.tables.schema import Table
from profiler.tables.summary import SUMMARY

__all__ = ["Failure", "Ranked", "RunView", "row_of", "value_of"]


@dataclass(frozen=True)
class Ranked:
    """Hold one implementation's place: times in seconds, ratios to the baseline, NaN where not known."""

    implementation: str
    family: str
    median_s: float
    low_s: float
    high_s: float
    ratio: float
    ratio_low: float
    ratio_high: float
    processes: int
    samples: int
    is_baseline: bool
    steady: bool
    word: Word


@dataclass(frozen=True)
class Failure:
    """Name what has no place in the ranking, and why."""

    implementation: str
    case: str
    status: str
    reason: str


class RunView:
    """Answer what sections ask of a run's files."""

    def __init__(self, run: RunDirectory) -> None:
        self.run = run
        self.files = RunFiles(run)
        self.manifest = self.files.manifest

    @functools.cached_property
    def conditions(self) -> tuple[Condition, ...]:
        """List the conditions that hold a ranked implementation: cases as planned, fewer threads first."""
        summary = self.files.table(SUMMARY)
        right = summary[(summary["status"] == "ok") & summary["median_s"].notna()]
        return conditions_in(right, self.manifest.cases)

    @property
    def first_conditions(self) -> tuple[Condition, ...]:
        """List the condition with the fewest threads of each case: the one that gaps are split in."""
        return tuple({condition.case: condition for condition in reversed(self.conditions)}.values())[::-1]

    def rows(self, table: Table, condition: Condition) -> pd.DataFrame:
        """Give a table's rows of one condition."""
        return within(self.files.table(table), condition)

    @functools.cache  # noqa: B019 - lives as long as one report
    def ranking(self, condition: Condition) -> tuple[Ranked, ...]:
        """Rank what was measured and is right, the fastest first."""
        rows = self.rows(SUMMARY, condition)
        right = rows[(rows["status"] == "ok") & rows["median_s"].notna()].sort_values(["median_s", "implementation"])
        middle = value_of(right["aa_floor"].median())
        return tuple(self._ranked(row, middle) for _, row in right.iterrows())

    def aa_floors(self, condition: Condition) -> tuple[float, float]:
        """Give the median and the largest A/A floor of a condition, NaN where none was measured."""
        floors = self.rows(SUMMARY, condition)["aa_floor"].dropna()
        return value_of(floors.median()), value_of(floors.max())

    def least_alike(self, condition: Condition) -> str:
        """Name the implementation with the largest A/A floor of a condition, '' where none was measured."""
        rows = self.rows(SUMMARY, condition).dropna(subset=["aa_floor"])
        return "" if rows.empty else str(rows.iloc[int(rows["aa_floor"].argmax())]["implementation"])

    @functools.cached_property
    def failures(self) -> tuple[Failure, ...]:
        """List what was planned and is not ranked, each reason once."""
        found: dict[tuple[str, str, str], Failure] = {}
        for entry in self.manifest.unavailable:
            failure = Failure(entry.implementation, entry.case, "unavailable", entry.reason)
            found[entry.implementation, entry.case, "unavailable"] = failure
        for _, row in self.files.table(SUMMARY).iterrows():
            status = str(row["status"])
            name, case = str(row["implementation"]), str(row["case"])
            reason = str(row["reason"]) if pd.notna(row["reason"]) else ""
            if status == "ok" and pd.notna(row["median_s"]):
                continue
            if status == "ok":
                status, reason = "not measured", reason or f"no steady samples with {row['threads']} thread(s)"
            found.setdefault((name, case, status), Failure(name, case, status, reason))
        return tuple(found.values())

    def told(self, text: str) -> str:
        """Give a text of ours as Markdown, the implementations and cases it names as code spans."""
        return named(text, {planned.name for planned in self.manifest.implementations} | set(self.manifest.cases))

    def budget(self, implementation: str, condition: Condition) -> pd.DataFrame:
        """Give an implementation's budget, indexed by cause; empty where there is none."""
        rows = self.rows(BUDGET, condition)
        return rows[rows["implementation"] == implementation].set_index("cause")

    def gap(self, subject: str, condition: Condition) -> pd.DataFrame:
        """Give the causes of a subject's gap to the baseline, indexed by cause; empty where there are none."""
        rows = self.rows(ATTRIBUTION, condition)
        pair = (rows["subject"] == subject) & (rows["baseline"] == self.manifest.baseline)
        return rows[pair].set_index("cause")

    def figure(self, table: Table, implementation: str, condition: Condition, column: str) -> float:
        """Give one figure of an implementation on a case, in whatever thread condition it was counted; else NaN."""
        frame = self.files.table(table)
        rows = frame[(frame["implementation"] == implementation) & (frame["case"] == condition.case)]
        same = rows[rows["threads"] == condition.threads]
        chosen = rows if same.empty else same
        return math.nan if chosen.empty else value_of(chosen.iloc[0][column])

    def _ranked(self, row: pd.Series, middle_floor: float) -> Ranked:
        own = value_of(row["aa_floor"])
        ratio, low, high = (value_of(row[name]) for name in ("ratio", "ratio_ci_low", "ratio_ci_high"))
        return Ranked(
            implementation=str(row["implementation"]),
            family=str(row["family"]),
            median_s=value_of(row["median_s"]),
            low_s=value_of(row["ci_low_s"]),
            high_s=value_of(row["ci_high_s"]),
            ratio=ratio,
            ratio_low=low,
            ratio_high=high,
            processes=int(row["processes"]) if pd.notna(row["processes"]) else 0,
            samples=int(row["samples"]) if pd.notna(row["samples"]) else 0,
            is_baseline=str(row["implementation"]) == self.manifest.baseline,
            steady=not (pd.notna(row["steady"]) and not row["steady"]),
            word=compare(ratio, low, high, own if math.isfinite(own) else middle_floor),
        )


def row_of(frame: pd.DataFrame, key: str) -> pd.Series | None:
    """Give the row of an indexed frame, None where it has none of that name."""
    rows = frame[frame.index == key]
    return None if rows.empty else rows.iloc[0]


def value_of(value: object) -> float:
    """Give a table's number as a float, NaN where it is missing."""
    return math.nan if value is None or pd.isna(value) else float(value)  # type: ignore[arg-type, call-overload]
