"""The tables phase: every table that is made from the journal and the traces, with torch not installed."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from profiler.records import Notice
from profiler.store import RunDirectory
from profiler.tables import (
    ceilings,
    clocks,
    cold,
    counts,
    cpu_samples,
    criticality,
    device_states,
    device_times,
    kernels,
    launch_latency,
    launches,
    library_path,
    memory,
    ops,
    python,
    samples,
    summary,
)
from profiler.tables.files import write_table
from profiler.tables.inputs import Inputs
from profiler.tables.schema import Table

__all__ = ["BUILDERS", "build_tables"]

BUILDERS: tuple[tuple[Table, Callable[[Inputs], pd.DataFrame]], ...] = (
    (samples.SAMPLES, lambda inputs: samples.build(inputs.samples)),
    (summary.SUMMARY, summary.build),
    (cold.COLD, lambda inputs: cold.build(inputs.cold_stages, inputs.manifest)),
    (ops.OPS, ops.build),
    (launches.LAUNCHES, launches.build),
    (launch_latency.LAUNCH_LATENCY, launch_latency.build),
    (memory.MEMORY, memory.build),
    (kernels.KERNELS, kernels.build),
    (device_states.DEVICE_STATES, device_states.build),
    (python.PYTHON, python.build),
    (counts.COUNTS, counts.build),
    (cpu_samples.CPU_SAMPLES, cpu_samples.build),
    (library_path.LIBRARY_PATH, library_path.build),
    (criticality.CRITICALITY, criticality.build),
    (ceilings.CEILINGS, lambda inputs: ceilings.build(inputs.ceilings)),
    (device_times.DEVICE_TIMES, device_times.build),
    (clocks.CLOCKS, lambda inputs: clocks.build(inputs.clocks)),
)


def build_tables(run: RunDirectory) -> None:
    """Write the tables of a run, complete or not; what its traces lack goes to the journal as notices, once.

    Raises RunDirectoryError where the plan or the journal is damaged.
    """
    inputs = Inputs(run)
    for table, build in BUILDERS:
        write_table(run, table, build(inputs))
    known = {record for record in run.records() if isinstance(record, Notice)}
    fresh = [notice for notice in dict.fromkeys(inputs.notices) if notice not in known]
    if fresh:
        with run.journal() as journal:
            for notice in fresh:
                journal.append(notice)
