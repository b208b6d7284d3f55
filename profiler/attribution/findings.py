"""What a claim's judge may ask of a run: ratios of any two cells with their intervals, and what was counted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from profiler.attribution.conditions import within
from profiler.attribution.evidence import Condition
from profiler.attribution.gather import Cell, Gathered
from profiler.attribution.inside import Inside, inside_of
from profiler.tables.library_path import LIBRARY_PATH
from profiler.tables.summary import SUMMARY
from profiler.units import ratio

__all__ = ["Findings", "Ratio"]


@dataclass(frozen=True)
class Ratio:
    """Hold a ratio of two medians and its 95 % interval; the ends are NaN where too few processes ran."""

    value: float
    low: float
    high: float

    @property
    def above(self) -> bool:
        """Say whether the whole interval is above 1."""
        return self.low > 1

    @property
    def below(self) -> bool:
        """Say whether the whole interval is below 1."""
        return self.high < 1

    def __str__(self) -> str:
        """Write the ratio with its interval."""
        if not math.isfinite(self.low):
            return f"{ratio(self.value)} (no interval: too few processes)"
        return f"{ratio(self.value)} (95 %: {ratio(self.low)} to {ratio(self.high)})"


class Findings:
    """Answer a judge's questions from a run's files, in the conditions with one number of threads."""

    def __init__(self, gathered: Gathered, threads: int = 1) -> None:
        self.gathered = gathered
        self.files = gathered.files
        self.threads = threads
        self.device = gathered.manifest.device
        self.conditions = tuple(condition for condition in gathered.conditions if condition.threads == threads)

    def names(self, condition: Condition, family: str | None = None) -> list[str]:
        """List what was measured and is right, of one family or of both."""
        summary = self.files.table(SUMMARY)
        families = dict(zip(summary["implementation"].map(str), summary["family"].map(str), strict=True))
        names = self.gathered.implementations(condition)
        return [name for name in names if family is None or families.get(name) == family]

    def ratio(self, subject: str, baseline: str, condition: Condition) -> Ratio | None:
        """Compare two implementations as they are; None where one lacks a median."""
        return self.cells(Cell(subject, condition.case), Cell(baseline, condition.case), condition)

    def against(self, names: Sequence[str], baseline: str, condition: Condition) -> list[tuple[str, Ratio]]:
        """Compare several implementations with one; those without a median are left out."""
        found = [(name, self.ratio(name, baseline, condition)) for name in names if name != baseline]
        return [(name, ratio) for name, ratio in found if ratio is not None]

    def with_switch(self, implementation: str, switch: str, condition: Condition) -> Ratio | None:
        """Compare an implementation with a switch thrown to the same as it is."""
        own = Cell(implementation, condition.case)
        return self.cells(replace(own, variant=switch), own, condition)

    def cells(self, subject: Cell, baseline: Cell, condition: Condition) -> Ratio | None:
        """Compare any two cells of one thread condition; the interval is at least as wide as the A/A floor."""
        resampled = self.gathered.replicates(condition.device, condition.threads)
        right = self.gathered.implementations(condition)
        if not all(cell in resampled and cell.implementation in right for cell in (subject, baseline)):
            return None
        found = resampled.ratio(subject, baseline)
        floor = self._floor(condition, (subject.implementation, baseline.implementation))
        return Ratio(found.value, min(found.low, found.value / (1 + floor)), max(found.high, found.value * (1 + floor)))

    def ratio_of_ratios(self, subject: str, baseline: str, one: Condition, other: Condition) -> Ratio | None:
        """Divide a ratio in one condition by the same ratio in another, replicate by replicate."""
        resampled = self.gathered.replicates(one.device, one.threads)
        cells = [Cell(name, condition.case) for condition in (one, other) for name in (subject, baseline)]
        if (one.device, one.threads) != (other.device, other.threads) or not all(cell in resampled for cell in cells):
            return None
        values, columns = [resampled.value(cell) for cell in cells], [resampled.column(cell) for cell in cells]
        found = resampled.estimate(
            values[0] * values[3] / (values[1] * values[2]), columns[0] * columns[3] / (columns[1] * columns[2]), *cells
        )
        return Ratio(found.value, found.low, found.high)

    def scratch_bytes(self, implementation: str, condition: Condition) -> float:
        """Give what an implementation's operators allocate inside themselves; 0 where it is none or not known."""
        evidence = self.gathered.evidence(implementation, condition)
        return evidence.scratch_bytes if evidence is not None and evidence.scratch_bytes > 0 else 0.0

    def minor_faults(self, implementation: str, condition: Condition) -> float:
        """Give an implementation's minor page faults per call; 0 where they are none or not known."""
        evidence = self.gathered.evidence(implementation, condition)
        return evidence.total.minor_faults if evidence is not None and evidence.total.minor_faults > 0 else 0.0

    def inside(self, implementation: str, condition: Condition) -> Inside | None:
        """Give what the library did inside a call of an implementation; None where nobody looked."""
        rows = within(self.files.table(LIBRARY_PATH), condition)
        return inside_of(rows[rows["implementation"] == implementation])

    def _floor(self, condition: Condition, names: tuple[str, str]) -> float:
        """Give the larger A/A floor of two implementations, the middle one of all for one without its own."""
        here = within(self.files.table(SUMMARY), condition)
        floors = pd.Series(here["aa_floor"].to_numpy(), index=here["implementation"].map(str))
        if floors.isna().all():
            return 0.0
        return float(max(floors.median() if pd.isna(floors[name]) else floors[name] for name in names))
