"""Work that a call hands to other threads, and how much of it the call waits for."""

from __future__ import annotations

from statistics import median

import pandas as pd

from profiler.records import Exposed
from profiler.tables.inputs import Inputs
from profiler.tables.schema import Table, count, number, text

__all__ = ["CRITICALITY", "build"]

CRITICALITY = Table(
    "criticality",
    "one implementation on one case that hands work to other threads",
    (
        text("implementation", "name of the implementation"),
        text("case", "case name"),
        text("device", "cpu or cuda"),
        count("threads", "threads allowed"),
        number("tasks", "tasks handed to other threads per call"),
        number("work_s", "seconds of these tasks together, per call, as they run beside the call", "s"),
        number("delay_s", "seconds by which each task was delayed in the trial", "s"),
        number("slope", "seconds the call becomes longer over those one task is delayed: 0 where it waits for none"),
        number("slope_low", "95 % interval, lower end"),
        number("slope_high", "95 % interval, upper end"),
        number("exposed_s", "seconds of the work that the call waits for: slope over tasks, times work_s", "s"),
        number("exposed_low_s", "95 % interval, lower end", "s"),
        number("exposed_high_s", "95 % interval, upper end", "s"),
    ),
)


def build(inputs: Inputs) -> pd.DataFrame:
    """Give a row per implementation whose tasks were delayed, the last trial of each."""
    found = {(each.implementation, each.case, each.threads): each for each in inputs.exposed}
    return CRITICALITY.frame(_row(each) for each in found.values())


def _row(each: Exposed) -> dict[str, object]:
    low, high = _interval(each.slopes)
    slope = median(each.slopes)
    # Work cannot be waited for less than not at all, nor longer than it lasts.
    exposed = [min(1.0, max(0.0, value / each.tasks)) * each.work_s for value in (slope, low, high)]
    return {
        "implementation": each.implementation,
        "case": each.case,
        "device": each.device,
        "threads": each.threads,
        "tasks": each.tasks,
        "work_s": each.work_s,
        "delay_s": each.delay_s,
        "slope": slope,
        "slope_low": low,
        "slope_high": high,
        "exposed_s": exposed[0],
        "exposed_low_s": exposed[1],
        "exposed_high_s": exposed[2],
    }


def _interval(slopes: list[float]) -> tuple[float, float]:
    """Bound the median by order statistics: of nine values the second and the eighth do so at 96 % (binomial)."""
    ordered = sorted(slopes)
    inner = 1 if len(ordered) >= 9 else 0
    return ordered[inner], ordered[-1 - inner]
