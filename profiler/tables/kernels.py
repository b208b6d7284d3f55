"""The kernels of one call, those alike together."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from profiler.records import LoadedKernel
from profiler.tables.device_words import KERNEL_COLUMNS, kernel_cells
from profiler.tables.inputs import CAPTURE_THREADS, Inputs
from profiler.tables.schema import Table, count, text

__all__ = ["KERNELS", "build"]

# What divides by the number of calls says so.
_PER_CALL = {
    "launches": "times it ran, per call",
    "device_s": "seconds of them all per call, by the device's own clock",
}

KERNELS = Table(
    "kernels",
    "one kernel of one implementation, in one stream, with one grid, block and use of resources",
    (
        text("implementation", "name of the implementation"),
        text("case", "case name"),
        text("device", "cpu or cuda"),
        count("threads", "threads allowed"),
        *(dataclasses.replace(column, meaning=_PER_CALL.get(column.name, column.meaning)) for column in KERNEL_COLUMNS),
    ),
)


def build(inputs: Inputs) -> pd.DataFrame:
    """Give a row per kernel of every implementation that is right and has a sound trace with device work."""
    rows: list[dict[str, object]] = []
    for implementation, case in inputs.right():
        profile = inputs.device_profile(implementation, case)
        if profile is None:
            continue
        cells = kernel_cells(
            profile.kernels,
            per=profile.calls,
            bandwidth=_ceiling(inputs, "copy_bandwidth"),
            peak=_ceiling(inputs, "multiply_add_peak"),
        )
        key = {
            "implementation": implementation,
            "case": case,
            "device": inputs.manifest.device,
            "threads": CAPTURE_THREADS,
        }
        loaded = inputs.captures[implementation, case].kernels
        rows += [key | each | _local_bytes(each, loaded) for each in cells]
    return KERNELS.frame(rows)


def _local_bytes(cells: Mapping[str, Any], loaded: Sequence[LoadedKernel]) -> dict[str, object]:
    """Take local memory from what the process says that it loaded, where the trace is silent and one kernel fits."""
    name = "local_bytes_per_thread"
    fitting = {
        each.local_bytes
        for each in loaded
        if (each.kernel, each.registers) == (cells["kernel"], cells["registers"])
        and each.shared_bytes <= (cells["shared_bytes"] or 0)
    }
    return {name: fitting.pop()} if cells[name] is None and len(fitting) == 1 else {}


def _ceiling(inputs: Inputs, name: str) -> float:
    """Give the limit of the run's device, at the working set where it is highest; NaN where none was measured."""
    seen = [each.value for each in inputs.ceilings if (each.name, each.device) == (name, inputs.manifest.device)]
    return max(seen, default=math.nan)
