"""What is known of one implementation on one case: its times, counts and the machine's limits, for the estimators."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from impls.case import ConvCase
from profiler.attribution.ceilings import Ceilings
from profiler.attribution.shares import Shares
from profiler.trace.device_states import State

__all__ = ["Condition", "Counts", "DeviceTimeline", "Evidence", "Floats", "SwitchEffect", "Timing", "Unit"]

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
    that the calling thread was on no processor, `waits` how often a call it gave the processor up; NaN where not known.
    """

    value: float
    replicates: Floats
    minor_faults: float
    off_cpu: float
    waits: float = math.nan


@dataclass(frozen=True)
class Counts:
    """Hold exact counts of one call; NaN where one is not known. `copy_bytes` are part of `op_bytes`."""

    ops: float
    op_bytes: float
    instructions: float
    copy_bytes: float = 0.0


@dataclass(frozen=True)
class Unit:
    """Hold one smallest legal input: its output's size in words, its time and its counts."""

    label: str
    timing: Timing
    counts: Counts


@dataclass(frozen=True)
class SwitchEffect:
    """Hold what one switch saves of a call: its Shapley value over all measured combinations, and its extremes.

    `seconds`, `first_in` and `last_in` are seconds per call, `replicates` those of `seconds`, of shape (replicates,).
    `partner` is the switch it interacts with most,
    `interaction` by how many seconds. `switched` is the call with this switch alone.
    """

    name: str
    cause: str
    summary: str
    composable: bool
    seconds: float
    replicates: Floats
    first_in: float
    last_in: float
    partner: str
    interaction: float
    flips: bool
    switched: Timing


@dataclass(frozen=True)
class DeviceTimeline:
    """Hold what a device did in a profiled call, in seconds per call, and the range of each over calls.

    `seconds` has every state; `ranges` are 95 % intervals over labelled calls, the value itself twice where there are
    too few. `busy_range` is that of the busy states together. `layout_s` is the time in kernels that only move data.
    """

    seconds: Mapping[State, float]
    ranges: Mapping[State, tuple[float, float]]
    busy_range: tuple[float, float]
    layout_s: float
    calls: int


@dataclass(frozen=True)
class Evidence:
    """Hold what estimators may look at; None or absent where the run lacks it.

    `units` are the two smallest inputs, the smaller first. `processes` are the worker processes behind the median.
    `peak_bytes` and `scratch_bytes` (what operators allocate inside themselves) are NaN where not known. `samples` are
    the CPU samples on the case, `small_samples` those on the smaller smallest input. `serial_off_cpu` is what the same
    implementation waits with one thread, in seconds per call. `switches` are by name. `other_threads` says in
    words how much of the work it hands to other threads it waits for; empty where it hands them none. `timeline` is
    what the busiest device did, None without one or without a sound trace of it.
    """

    implementation: str
    condition: Condition
    case: ConvCase
    processes: int
    total: Timing
    counts: Counts | None
    units: tuple[Unit, Unit] | None
    peak_bytes: float
    scratch_bytes: float
    ceilings: Ceilings
    samples: Shares | None = None
    small_samples: Shares | None = None
    serial_off_cpu: float = math.nan
    other_threads: str = ""
    switches: Mapping[str, SwitchEffect] = field(default_factory=dict)
    timeline: DeviceTimeline | None = None
