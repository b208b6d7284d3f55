"""What a device's clocks did while it was measured."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import pandas as pd

from profiler.records import Clocks
from profiler.tables.schema import Table, count, number, text

__all__ = ["CLOCKS", "build"]

CLOCKS = Table(
    "clocks",
    "one worker process on a device whose clocks can be read, after each block",
    (
        text("device", "cpu or cuda"),
        count("process", "number of the worker process"),
        count("rounds", "rounds in which the clocks were read"),
        count("least_mhz", "lowest clock of the multiprocessors", "MHz"),
        count("most_mhz", "highest clock of the multiprocessors", "MHz"),
        count("memory_mhz", "lowest clock of the memory", "MHz"),
        count("celsius", "highest temperature", "degrees Celsius"),
        number("watts", "highest power", "W"),
        count("slowed_rounds", "rounds in which something held the clocks back"),
        text("slowed_by", "what held them back, joined by ', '; empty where nothing did"),
    ),
)


def build(readings: Iterable[Clocks]) -> pd.DataFrame:
    """Give a row per process, in the order measured."""
    by_process: defaultdict[tuple[str, int], list[Clocks]] = defaultdict(list)
    for reading in readings:
        by_process[reading.device, reading.process].append(reading)
    return CLOCKS.frame(
        {
            "device": device,
            "process": process,
            "rounds": len(seen),
            "least_mhz": min(each.least_mhz for each in seen),
            "most_mhz": max(each.most_mhz for each in seen),
            "memory_mhz": min(each.memory_mhz for each in seen),
            "celsius": max(each.celsius for each in seen),
            "watts": max(each.watts for each in seen),
            "slowed_rounds": sum(bool(each.slowed) for each in seen),
            "slowed_by": ", ".join(sorted({name for each in seen for name in each.slowed})),
        }
        for (device, process), seen in by_process.items()
    )
