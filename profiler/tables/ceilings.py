"""Limits and unit costs measured on this machine."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from statistics import median

import pandas as pd

from profiler.records import Ceiling
from profiler.tables.schema import Table, count, number, text

__all__ = ["CEILINGS", "build"]

CEILINGS = Table(
    "ceilings",
    "one limit at one working-set size",
    (
        text(
            "name",
            "copy_bandwidth, multiply_add_peak, page_fault, instruction, wait, clock; on a device launch, synchronize",
        ),
        text("device", "cpu or cuda"),
        count("threads", "threads used"),
        count("working_set_bytes", "bytes touched by the copy; 0 where it means nothing", "bytes"),
        number("value", "median over processes; bytes or operations per second, or seconds each"),
        number("low", "least seen"),
        number("high", "most seen"),
        count("processes", "processes that measured it"),
    ),
)


def build(ceilings: Iterable[Ceiling]) -> pd.DataFrame:
    """Give a row per limit and working-set size: the median over processes, and the bounds of all that was seen."""
    grouped: defaultdict[tuple[str, str, int, int], list[Ceiling]] = defaultdict(list)
    for ceiling in ceilings:
        grouped[ceiling.name, ceiling.device, ceiling.threads, ceiling.working_set_bytes].append(ceiling)
    return CEILINGS.frame(
        {
            "name": name,
            "device": device,
            "threads": threads,
            "working_set_bytes": working_set_bytes,
            "value": median(each.value for each in seen),
            "low": min(each.low for each in seen),
            "high": max(each.high for each in seen),
            "processes": len({each.process for each in seen}),
        }
        for (name, device, threads, working_set_bytes), seen in sorted(grouped.items())
    )
