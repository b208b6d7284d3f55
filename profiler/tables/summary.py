"""One line an implementation: what it takes, and how that compares with the baseline."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from profiler.measure.statistics import Bootstrap, Panel, bootstrap
from profiler.records import Outcome, Sample
from profiler.tables.inputs import Inputs
from profiler.tables.schema import Table, count, flag, number, text

__all__ = ["SUMMARY", "build"]

SUMMARY = Table(
    "summary",
    "one implementation on one case with one number of threads",
    (
        text("implementation", "name of the implementation"),
        text("family", "manual or library"),
        text("case", "case name"),
        text("device", "cpu or cuda"),
        count("threads", "threads allowed"),
        text("status", "ok, wrong, unavailable, missing, raised, exited, crashed or hung"),
        text("reason", "why the status is not ok"),
        number("median_s", "median seconds per call, steady state, over all processes and rounds", "s"),
        number("ci_low_s", "95 % interval of the median, lower end", "s"),
        number("ci_high_s", "95 % interval of the median, upper end", "s"),
        count("samples", "timed blocks behind the median"),
        count("processes", "worker processes behind the median"),
        number("ratio", "median over the baseline's median, same case and threads"),
        number("ratio_ci_low", "95 % interval of the ratio, lower end, never narrower than the A/A floor"),
        number("ratio_ci_high", "95 % interval of the ratio, upper end, never narrower than the A/A floor"),
        number("aa_floor", "relative difference that two identical instances show, upper end of its 95 % interval"),
        number("process_spread", "largest relative distance of a process's median from the median"),
        number("process_disagreement", "the same without the farthest of five or more processes"),
        flag("steady", "a steady state was reached, in every process or all but one of several"),
        number("max_error", "absolute error at the element nearest to or furthest beyond its bound"),
        number("error_bound", "bound of the absolute error at that element"),
    ),
)


@dataclass(frozen=True)
class _Cell:
    implementation: str
    mode: str


@dataclass(frozen=True)
class _Condition:
    """Hold what was timed on one case with one number of threads."""

    panel: Panel[_Cell]
    result: Bootstrap[_Cell]

    def floor(self, implementation: str) -> float:
        """Give the A/A floor, NaN where no second instance was timed."""
        own, twin = _Cell(implementation, "steady"), _Cell(implementation, "twin")
        return self.result.floor(own, twin) if own in self.result and twin in self.result else math.nan

    @functools.cached_property
    def settled(self) -> NDArray[np.bool_]:
        """Say which cells reached a steady state."""
        return self.panel.settled()

    def place(self, implementation: str) -> int:
        """Give the implementation's place among the cells."""
        return self.panel.cells.index(_Cell(implementation, "steady"))


def build(inputs: Inputs) -> pd.DataFrame:
    """Give a row per planned implementation, case and number of threads; figures are NaN where it is not ok."""
    manifest = inputs.manifest
    unavailable = {(each.implementation, each.case): each.reason for each in manifest.unavailable}
    rows: list[dict[str, object]] = []
    for case in manifest.cases:
        for threads in manifest.threads:
            condition = _condition(inputs.samples, case, threads, manifest.seed)
            baseline = inputs.outcomes.get((manifest.baseline, case, threads))
            reference = manifest.baseline if baseline is not None and baseline.status == "ok" else None
            for planned in manifest.implementations:
                outcome = inputs.outcomes.get((planned.name, case, threads))
                reason = unavailable.get((planned.name, case))
                rows.append(
                    {
                        "implementation": planned.name,
                        "family": planned.family,
                        "case": case,
                        "device": manifest.device,
                        "threads": threads,
                        **_standing(outcome, reason, timed=_Cell(planned.name, "steady") in condition.result),
                        **_figures(condition, planned.name, reference, outcome),
                    }
                )
    return SUMMARY.frame(rows)


def _condition(samples: Iterable[Sample], case: str, threads: int, seed: int) -> _Condition:
    chosen = [
        sample
        for sample in samples
        if sample.mode in ("steady", "twin") and (sample.variant, sample.case, sample.threads) == ("", case, threads)
    ]
    panel = Panel.of(
        [_Cell(sample.implementation, sample.mode) for sample in chosen],
        [sample.process for sample in chosen],
        [sample.round for sample in chosen],
        [sample.seconds_per_call for sample in chosen],
    )
    return _Condition(panel, bootstrap(panel, seed=seed))


def _standing(outcome: Outcome | None, unavailable: str | None, *, timed: bool) -> dict[str, object]:
    status, reason = "missing", "the run ended before its turn; complete it with --resume"
    if unavailable is not None:
        status, reason = "unavailable", unavailable
    elif outcome is not None:
        status, reason = outcome.status, outcome.reason
        if status == "ok" and not timed:
            reason = "right, but not timed in the steady state"
    return {
        "status": status,
        "reason": reason,
        "max_error": outcome.max_error if outcome is not None else None,
        "error_bound": outcome.error_bound if outcome is not None else None,
    }


_FIGURES = (
    *("median_s", "ci_low_s", "ci_high_s", "samples", "processes", "ratio", "ratio_ci_low", "ratio_ci_high"),
    *("aa_floor", "process_spread", "process_disagreement", "steady"),
)


def _figures(
    condition: _Condition, implementation: str, baseline: str | None, outcome: Outcome | None
) -> dict[str, object]:
    cell = _Cell(implementation, "steady")
    if outcome is None or outcome.status != "ok" or cell not in condition.result:
        return dict.fromkeys(_FIGURES)
    place = condition.place(implementation)
    estimate = condition.result.median(cell)
    processes = int(condition.panel.process_counts()[place])
    return {
        "median_s": estimate.value,
        "ci_low_s": estimate.low,
        "ci_high_s": estimate.high,
        "samples": int(np.isfinite(condition.panel.values[place]).sum()),
        "processes": processes,
        **_ratio(condition, implementation, baseline),
        "aa_floor": condition.floor(implementation),
        "process_spread": float(condition.panel.process_spread()[place]),
        "process_disagreement": float(condition.panel.process_disagreement()[place]),
        "steady": bool(condition.settled[place]),
    }


def _ratio(condition: _Condition, implementation: str, baseline: str | None) -> dict[str, object]:
    """Give the ratio to the baseline; its interval holds at least what two identical instances of either side show."""
    subject, reference = _Cell(implementation, "steady"), _Cell(baseline or "", "steady")
    if baseline is None or reference not in condition.result:
        return dict.fromkeys(("ratio", "ratio_ci_low", "ratio_ci_high"))
    ratio = condition.result.ratio(subject, reference)
    floor = np.fmax(condition.floor(implementation), condition.floor(baseline))
    return {
        "ratio": ratio.value,
        "ratio_ci_low": float(np.minimum(ratio.low, np.fmin(ratio.low, ratio.value / (1 + floor)))),
        "ratio_ci_high": float(np.maximum(ratio.high, np.fmax(ratio.high, ratio.value * (1 + floor)))),
    }
