"""What a run on a device other than the CPU has to say beside the ranking: its figures, its start, its clocks."""

from __future__ import annotations

import math

import pandas as pd

from profiler.attribution.evidence import Condition
from profiler.manifest import DeviceFacts
from profiler.report.escape import code
from profiler.report.markdown_table import markdown_table
from profiler.report.view import RunView, value_of
from profiler.tables.clocks import CLOCKS
from profiler.tables.cold import COLD
from profiler.tables.device_times import DEVICE_TIMES
from profiler.units import UNKNOWN, percent, ratio, seconds, size

__all__ = ["clocks_line", "device_facts", "device_start", "device_table", "on_device"]

_HEADER = (
    "implementation",
    "throughput",
    "isolated latency",
    "device only",
    "device busy",
    "cache warm",
    "cache flushed",
    "flushed / warm",
)
_START = {
    "context": "making the context",
    "first_launch": "the first launch",
    "library_load": "loading the convolution library",
    "algorithm_choice": "choosing an algorithm for the case",
}


def on_device(view: RunView) -> bool:
    """Say whether the run measured on a device other than the CPU."""
    return view.manifest.device != "cpu"


def device_table(view: RunView, condition: Condition) -> str:
    """Lay out the figures of one condition, in the order of the ranking; '' where there are none."""
    frame = view.rows(DEVICE_TIMES, condition)
    rows = [
        _row(each.implementation, frame[frame["implementation"] == each.implementation].set_index("figure"))
        for each in view.ranking(condition)
    ]
    return "" if frame.empty else markdown_table(_HEADER, rows, "lrrrrrrr")


def _row(name: str, figures: pd.DataFrame) -> tuple[str, ...]:
    def median(figure: str) -> float:
        return value_of(figures.loc[figure, "median_s"]) if figure in figures.index else math.nan

    throughput, alone = median("throughput"), median("device_only")
    warm, flushed = median("cache_warm"), median("cache_flushed")
    busy = alone / throughput
    return (
        code(name),
        seconds(throughput),
        seconds(median("isolated_latency")),
        seconds(alone),
        # Marks cost the device a little: more than all of the time is all of it.
        percent(min(1.0, busy)) if math.isfinite(busy) else UNKNOWN,
        seconds(warm),
        seconds(flushed),
        ratio(flushed / warm),
    )


def device_start(view: RunView, condition: Condition) -> str:
    """Say what the first steps on the device take in a fresh process; '' where they were not taken apart."""
    cold = view.files.table(COLD)
    shared = cold[(cold["implementation"] == "") & (cold["device"] == condition.device)]
    shared = shared[shared["case"].isin(("", condition.case))].set_index("stage")
    told = [
        f"{words} {seconds(value_of(shared.loc[stage, 'median_s']))}"
        for stage, words in _START.items()
        if stage in shared.index
    ]
    if not told:
        return ""
    return (
        "The first steps on the device, one after the other in a process that calls no implementation: "
        f"{', '.join(told)}. Elsewhere the context is made before `prepare`, and the other steps are in `prepare` or "
        "in the first call, whichever takes them first. The article's timing waits for no device: it stops when the "
        "call returns."
    )


def clocks_line(view: RunView) -> str:
    """Say what the device's clocks did; '' for a run on the CPU."""
    if not on_device(view):
        return ""
    frame = view.files.table(CLOCKS)
    if frame.empty:
        return "The device's clocks were not read: that needs an NVIDIA device and `pip install convprof[nvml]`."
    slowed, rounds = int(frame["slowed_rounds"].sum()), int(frame["rounds"].sum())
    names = ", ".join(sorted({name for text in frame["slowed_by"] if text for name in str(text).split(", ")}))
    held = (
        f"held back in {slowed} of {rounds} rounds, by {names}" if slowed else f"held back in none of {rounds} rounds"
    )
    return (
        f"The device's clocks, read after each block: {int(frame['least_mhz'].min())} to "
        f"{int(frame['most_mhz'].max())} MHz, memory {int(frame['memory_mhz'].min())} MHz, {held}; up to "
        f"{int(frame['celsius'].max())} degrees Celsius and {float(frame['watts'].max()):.0f} W."
    )


def device_facts(facts: DeviceFacts | None) -> dict[str, str]:
    """List what is known of the device, by name; nothing for a run on the CPU."""
    if facts is None:
        return {}
    cache = f", last cache {size(facts.cache_bytes)}" if facts.cache_bytes else ""
    modes = {"power limit": facts.power_limit, "ECC": facts.ecc, "MIG": facts.mig}
    return {
        "device": f"{facts.name}, compute capability {facts.capability}, {facts.multiprocessors} multiprocessors",
        "device memory": f"{size(facts.memory_bytes)}{cache}",
        "device software": ", ".join(
            f"{name} {version}"
            for name, version in (("driver", facts.driver), ("CUDA", facts.runtime), ("cuDNN", facts.cudnn))
            if version
        ),
        "device clocks": facts.clocks,
        "device settings": ", ".join(f"{name} {value}" for name, value in modes.items() if value),
    }
