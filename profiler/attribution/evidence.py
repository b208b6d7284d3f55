"""What is known of one implementation on one case: its times, counts and the machine's limits, for the estimators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impls.case import ConvCase
from profiler.attribution.ceilings import Ceilings

__all__ = ["Condition", "Counts", "Evidence", "Floats", "Timing", "Unit"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, order=True)
class Condition:
    """Name what a comparison keeps equal: the case, the device and the threads allowed."""

    case: str
    device: str
    threads: int


@dataclass(frozen=True)
class Timing:
    """Hold the median seconds per call of one cell, its replicates (made jointly for all cells) and its page faults.

    `replicates` has the shape (replicates,); `minor_faults` are pages per call, `off_cpu` the seconds per call
    that the process was on no processor; NaN where not known.
    """

    value: float
    replicates: Floats
    minor_faults: float
    off_cpu: float


@dataclass(frozen=True)
class Counts:
    """Hold exact counts of one call; NaN where one is not known."""

    ops: float
    op_bytes: float
    instructions: float


@dataclass(frozen=True)
class Unit:
    """Hold one smallest legal input: its output's size in words, its time and its counts."""

    label: str
    timing: Timing
    counts: Counts


@dataclass(frozen=True)
class Evidence:
    """Hold what estimators may look at; None or absent where the run lacks it.

    `units` are the two smallest inputs, the smaller first. `variants` are the times with switches removed, by name.
    `processes` are the worker processes behind the median. `peak_bytes` and `scratch_bytes` (what operators allocate
    inside themselves) are NaN where not known.
    """

    implementation: str
    condition: Condition
    case: ConvCase
    processes: int
    total: Timing
    counts: Counts | None
    units: tuple[Unit, Unit] | None
    variants: Mapping[str, Timing]
    peak_bytes: float
    scratch_bytes: float
    ceilings: Ceilings
