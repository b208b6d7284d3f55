"""Every timed block, as measured."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from profiler.records import Sample
from profiler.tables.schema import Table, count, number, text

__all__ = ["SAMPLES", "build"]

SAMPLES = Table(
    "samples",
    "one timed block of calls",
    (
        text("implementation", "name of the implementation"),
        text("variant", "switches removed, joined by +; empty for the implementation as it is"),
        text("case", "case name"),
        text("device", "cpu or cuda"),
        count("threads", "threads allowed"),
        text(
            "mode",
            "steady, twin (a second instance, for the A/A floor), warmup, unit (smallest legal input); on a device "
            "also latency (each call waited for), device_only, cache_warm and cache_flushed (by the device's clock)",
        ),
        count("process", "number of the worker process"),
        count("round", "number of the interleaved round in its process"),
        count("calls", "calls in the block"),
        number("seconds_per_call", "wall time of the block over its calls", "s"),
        number("cpu_seconds_per_call", "processor time of the process over its calls", "s"),
        number("minor_faults_per_call", "pages mapped without reading a disk, over its calls"),
        count("involuntary_switches", "times the kernel took the processor away during the block"),
        number("thread_cpu_seconds_per_call", "processor time of the calling thread over its calls", "s"),
        number("thread_waits_per_call", "times the calling thread gave up the processor by itself, over its calls"),
    ),
)


def build(samples: Iterable[Sample]) -> pd.DataFrame:
    """Give a row per timed block, in the order measured."""
    names = [column.name for column in SAMPLES.columns]
    return SAMPLES.frame({name: getattr(sample, name) for name in names} for sample in samples)
