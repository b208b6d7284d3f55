"""Gathers evidence from a run's files."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from impls.case import ConvCase
from profiler.attribution.ceilings import Ceilings
from profiler.attribution.conditions import conditions_in, within
from profiler.attribution.device_timeline import device_timeline
from profiler.attribution.draws import REPLICATES
from profiler.attribution.effects import effects_of
from profiler.attribution.evidence import Condition, Counts, Evidence, SwitchEffect, Timing, Unit
from profiler.attribution.files import RunFiles
from profiler.attribution.shares import Shares, shares_of
from profiler.measure.statistics import Bootstrap, Panel, bootstrap, joined
from profiler.records import Screened
from profiler.tables.ceilings import CEILINGS
from profiler.tables.counts import COUNTS
from profiler.tables.cpu_samples import CPU_SAMPLES
from profiler.tables.criticality import CRITICALITY
from profiler.tables.device_states import DEVICE_STATES
from profiler.tables.kernels import KERNELS
from profiler.tables.memory import MEMORY
from profiler.tables.summary import SUMMARY
from profiler.units import count, seconds, significant

__all__ = ["Cell", "Gathered"]


@dataclass(frozen=True)
class Cell:
    """Name one measured cell; `mode` is `steady` or `unit`, and `case` then a smallest input's name."""

    implementation: str
    case: str
    variant: str = ""
    mode: str = "steady"


@dataclass(frozen=True)
class _Usage:
    """Hold the medians of what blocks of one cell used, per call."""

    minor_faults: float = math.nan
    off_cpu: float = math.nan
    waits: float = math.nan


_UNKNOWN = _Usage()


class Gathered:
    """Hold a run's replicates and find the evidence for each implementation and condition in its files."""

    def __init__(self, files: RunFiles) -> None:
        self.files = files
        self.manifest = files.manifest

    @functools.cached_property
    def conditions(self) -> tuple[Condition, ...]:
        """List the conditions that have a median, cases as planned, fewer threads first."""
        return conditions_in(self._measured, self.manifest.cases)

    def implementations(self, condition: Condition) -> list[str]:
        """List what was measured and is right in a condition, in the order of the table `summary`."""
        return [str(name) for name in within(self._measured, condition)["implementation"]]

    @functools.cache  # noqa: B019 - lives as long as one analysis
    def replicates(self, device: str, threads: int) -> Bootstrap[Cell]:
        """Resample all cells of one thread condition together, smallest inputs and variants included.

        Workers of another environment measure only the variants that need it: they are resampled among themselves.
        """
        samples = self._samples(device, threads)
        elsewhere = samples["variant"].map(self._environment_of)
        parts = [
            bootstrap(
                _panel(samples[elsewhere == environment]), replicates=REPLICATES, seed=self.manifest.seed + number
            )
            for number, environment in enumerate(sorted(set(elsewhere) | {""}))
        ]
        return joined(parts)

    @functools.cached_property
    def screened(self) -> list[Screened]:
        """Give every switch that was tried, the last word on each."""
        found = [record for record in self.files.records if isinstance(record, Screened)]
        return list({(each.implementation, each.case, each.threads, each.switch): each for each in found}.values())

    def switches_tried(self, implementation: str, condition: Condition) -> list[Screened]:
        """Give the switches that were tried on one implementation in a condition."""
        wanted = (implementation, condition.case, condition.threads)
        return [each for each in self.screened if (each.implementation, each.case, each.threads) == wanted]

    def _environment_of(self, variant: str) -> str:
        """Name the switches of a variant that need a worker process of their own."""
        return "+".join(name for name in variant.split("+") if name in self._process_switches)

    @functools.cached_property
    def _process_switches(self) -> frozenset[str]:
        return frozenset(each.switch for each in self.screened if each.scope == "process")

    @functools.cache  # noqa: B019 - lives as long as one analysis
    def evidence(self, implementation: str, condition: Condition) -> Evidence | None:
        """Gather what is known of one implementation in one condition; None where it has no median there."""
        row = self._first(within(self._measured, condition), implementation, condition.case)
        total = self.timing(Cell(implementation, condition.case), condition)
        if total is None or row is None:
            return None
        total = replace(total, value=float(row["median_s"]))  # the figure the report shows, whatever it left out
        case = ConvCase.parse(condition.case)
        resampled = self.replicates(condition.device, condition.threads)
        own = Cell(implementation, condition.case)
        peak_bytes, scratch_bytes = self._memory(implementation, condition.case)
        units = self._units(implementation, case, condition)
        samples = self._shares(implementation, condition, condition.case) or self._serial_shares(own, condition)
        small = self._shares(implementation, condition, case.smallest[0].name)
        return Evidence(
            implementation=implementation,
            condition=condition,
            case=case,
            processes=int(resampled.processes[resampled.cells.index(own)]),
            total=total,
            counts=self._counts(implementation, condition.case),
            units=units,
            peak_bytes=peak_bytes,
            scratch_bytes=scratch_bytes,
            ceilings=Ceilings(self.files.table(CEILINGS), condition.device, condition.threads),
            samples=_as_beside_others(samples, total),
            small_samples=_as_beside_others(small, None if units is None else units[0].timing),
            serial_off_cpu=self._serial_off_cpu(own, condition),
            other_threads=self._other_threads(implementation, condition),
            switches={effect.name: effect for effect in self._effects(implementation, condition)},
            timeline=device_timeline(
                self.files.table(DEVICE_STATES), self.files.table(KERNELS), implementation, condition
            ),
        )

    def _shares(self, implementation: str, condition: Condition, case: str) -> Shares | None:
        rows = within(self.files.table(CPU_SAMPLES), replace(condition, case=case))
        own = rows[rows["implementation"] == implementation]
        return shares_of(
            own, f"{implementation} {case} {condition.threads}", self._operator_share(implementation, case)
        )

    def _operator_share(self, implementation: str, case: str) -> float:
        """Give the operators of a call over all functions that Python enters in it, at most 1; 0 where not known."""
        row = self._first(self.files.table(COUNTS), implementation, case)
        if row is None:
            return 0.0
        operators, functions, builtins = _numbers(row, ("ops", "python_calls", "c_calls"))
        called = functions + builtins
        if not math.isfinite(operators) or not math.isfinite(called):
            return 0.0
        return min(1.0, operators / called) if called else 1.0

    def _serial_shares(self, cell: Cell, condition: Condition) -> Shares | None:
        """Give the samples with one thread where the implementation uses no second one, as a short trial showed."""
        uses_one = any(
            (each.switch, each.kept) == ("one_thread", False)
            for each in self.switches_tried(cell.implementation, condition)
        )
        return self._shares(cell.implementation, replace(condition, threads=1), cell.case) if uses_one else None

    def _serial_off_cpu(self, cell: Cell, condition: Condition) -> float:
        """Give what the implementation waits with one thread; NaN where that was not measured."""
        return self._usage(condition.device, 1).get(cell, _UNKNOWN).off_cpu

    def _other_threads(self, implementation: str, condition: Condition) -> str:
        row = self._first(within(self.files.table(CRITICALITY), condition), implementation, condition.case)
        if row is None:
            return ""
        return (
            f"{count(row['tasks'])} tasks in other threads, {seconds(row['work_s'])} a call: delaying each by "
            f"{seconds(row['delay_s'])} makes the call longer by {significant(row['slope'])} times that, so it waits "
            f"for {seconds(row['exposed_s'])} of them ({seconds(row['exposed_low_s'])} to "
            f"{seconds(row['exposed_high_s'])})"
        )

    def _effects(self, implementation: str, condition: Condition) -> list[SwitchEffect]:
        own = Cell(implementation, condition.case)
        timings = {
            frozenset(filter(None, cell.variant.split("+"))): timing
            for cell in self.replicates(condition.device, condition.threads).cells
            if replace(cell, variant="") == own
            if (timing := self.timing(cell, condition)) is not None
        }
        return effects_of(self.switches_tried(implementation, condition), timings)

    @functools.cached_property
    def _measured(self) -> pd.DataFrame:
        summary = self.files.table(SUMMARY)
        right = summary[(summary["status"] == "ok") & summary["median_s"].notna()]
        cells = self.files.samples[["implementation", "case", "device", "threads"]]
        sampled = set(cells[self.files.samples["mode"] == "steady"].itertuples(index=False, name=None))
        keys = right[["implementation", "case", "device", "threads"]].itertuples(index=False, name=None)
        return right.loc[[key in sampled for key in keys]]  # an empty list selects no rows, and no columns without loc

    def _samples(self, device: str, threads: int) -> pd.DataFrame:
        samples = self.files.samples
        kept = (
            samples["mode"].isin(("steady", "unit")) & (samples["device"] == device) & (samples["threads"] == threads)
        )
        return samples[kept]

    def timing(self, cell: Cell, condition: Condition) -> Timing | None:
        """Give what one cell takes; None where it was not measured."""
        resampled = self.replicates(condition.device, condition.threads)
        if cell not in resampled or not math.isfinite(resampled.value(cell)):
            return None
        used = self._usage(condition.device, condition.threads).get(cell, _UNKNOWN)
        return Timing(resampled.value(cell), resampled.column(cell), used.minor_faults, used.off_cpu, used.waits)

    @functools.cache  # noqa: B019 - lives as long as one analysis
    def _usage(self, device: str, threads: int) -> dict[Cell, _Usage]:
        """Give the median page faults, seconds off the processor and waits of each cell, per call."""
        samples = self._samples(device, threads)
        # Other threads' processor time hides what the calling thread waits; runs of before it was read have no other.
        processor = samples["thread_cpu_seconds_per_call"].fillna(samples["cpu_seconds_per_call"])
        waiting = (samples["seconds_per_call"] - processor).rename("off_cpu_s")
        medians = (
            samples.assign(off_cpu_s=waiting)
            .groupby(["implementation", "case", "variant", "mode"])[
                ["minor_faults_per_call", "off_cpu_s", "thread_waits_per_call"]
            ]
            .median()
        )
        values = medians.itertuples(index=False, name=None)
        return {
            Cell(*map(str, key)): _Usage(*map(float, value)) for key, value in zip(medians.index, values, strict=True)
        }

    def _units(self, implementation: str, case: ConvCase, condition: Condition) -> tuple[Unit, Unit] | None:
        found = []
        for small in case.smallest:
            timing = self.timing(Cell(implementation, small.name, mode="unit"), condition)
            counts = self._counts(implementation, small.name)
            if timing is None or counts is None:
                return None
            found.append(Unit(f"{small.output_height}x{small.output_width}", timing, counts))
        return found[0], found[1]

    def _counts(self, implementation: str, case: str) -> Counts | None:
        row = self._first(self.files.table(COUNTS), implementation, case)
        return None if row is None else Counts(*_numbers(row, ("ops", "op_bytes", "instructions", "copy_bytes")))

    def _memory(self, implementation: str, case: str) -> list[float]:
        row = self._first(self.files.table(MEMORY), implementation, case)
        names = ("peak_bytes", "scratch_bytes")
        return [math.nan] * len(names) if row is None else _numbers(row, names)

    @staticmethod
    def _first(frame: pd.DataFrame, implementation: str, case: str) -> pd.Series | None:
        rows = frame[(frame["implementation"] == implementation) & (frame["case"] == case)]
        return None if rows.empty else rows.iloc[0]


def _as_beside_others(shares: Shares | None, timing: Timing | None) -> Shares | None:
    """Leave out the page faults that calls measured beside others do not have.

    Samples are taken of an implementation alone in its process, whose heap shrinks between calls.
    """
    if shares is None or timing is None or not timing.minor_faults < 1:
        return shares
    return shares.without("allocation")


def _panel(samples: pd.DataFrame) -> Panel[Cell]:
    names = samples[["implementation", "case", "variant", "mode"]].itertuples(index=False)
    return Panel.of(
        [Cell(*map(str, name)) for name in names],
        [int(process) for process in samples["process"]],
        [int(number) for number in samples["round"]],
        [float(value) for value in samples["seconds_per_call"]],
    )


def _numbers(row: pd.Series, names: Sequence[str]) -> list[float]:
    return [float(row[name]) if pd.notna(row[name]) else math.nan for name in names]
