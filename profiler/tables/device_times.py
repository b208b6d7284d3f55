"""Figures of a device beside the steady state: never mixed with it, since each answers another question."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import pandas as pd

from profiler.measure.statistics import Panel, bootstrap
from profiler.tables.inputs import Inputs
from profiler.tables.schema import Table, count, number, text

__all__ = ["DEVICE_TIMES", "FIGURES", "build"]

# The mode of the samples, and the figure's name: the steady state of a device is its throughput.
FIGURES = {
    "steady": "throughput",
    "latency": "isolated_latency",
    "device_only": "device_only",
    "cache_warm": "cache_warm",
    "cache_flushed": "cache_flushed",
}

DEVICE_TIMES = Table(
    "device_times",
    "one figure of one implementation on one case on a device other than the CPU",
    (
        text("implementation", "name of the implementation"),
        text("case", "case name"),
        text("device", "cpu or cuda"),
        count("threads", "threads allowed"),
        text(
            "figure",
            "throughput (many calls, one wait: the steady state), isolated_latency (a wait after each call), "
            "device_only (the device's clock, behind a filled queue), cache_warm, cache_flushed (the same by calls)",
        ),
        number("median_s", "median seconds per call, over all processes and rounds", "s"),
        number("ci_low_s", "95 % interval of the median, lower end", "s"),
        number("ci_high_s", "95 % interval of the median, upper end", "s"),
        count("samples", "timed blocks behind the median"),
        count("processes", "worker processes behind the median"),
    ),
)


@dataclass(frozen=True)
class _Cell:
    implementation: str
    mode: str


def build(inputs: Inputs) -> pd.DataFrame:
    """Give a row per figure, implementations as planned; none for a run on the CPU."""
    if inputs.manifest.device == "cpu":
        return DEVICE_TIMES.frame([])
    right = set(inputs.right())
    return DEVICE_TIMES.frame(
        row
        for case, threads in product(inputs.manifest.cases, inputs.manifest.threads)
        for row in _rows(inputs, case, threads, right)
    )


def _rows(inputs: Inputs, case: str, threads: int, right: set[tuple[str, str]]) -> list[dict[str, object]]:
    chosen = [
        sample
        for sample in inputs.samples
        if sample.mode in FIGURES
        and (sample.variant, sample.case, sample.threads) == ("", case, threads)
        and (sample.implementation, case) in right
    ]
    panel = Panel.of(
        [_Cell(sample.implementation, sample.mode) for sample in chosen],
        [sample.process for sample in chosen],
        [sample.round for sample in chosen],
        [sample.seconds_per_call for sample in chosen],
    )
    result = bootstrap(panel, seed=inputs.manifest.seed)
    rows: list[dict[str, object]] = []
    for planned, mode in product(inputs.manifest.implementations, FIGURES):
        cell = _Cell(planned.name, mode)
        if cell not in result:
            continue
        estimate = result.median(cell)
        own = [each for each in chosen if (each.implementation, each.mode) == (planned.name, mode)]
        rows.append(
            {
                "implementation": planned.name,
                "case": case,
                "device": inputs.manifest.device,
                "threads": threads,
                "figure": FIGURES[mode],
                "median_s": estimate.value,
                "ci_low_s": estimate.low,
                "ci_high_s": estimate.high,
                "samples": len(own),
                "processes": len({each.process for each in own}),
            }
        )
    return rows
