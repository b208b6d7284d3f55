"""How figures of devices stand in tables: what a trace does not tell is empty, not -1."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from profiler.tables.schema import Column, count, number, text
from profiler.trace.device_events import UNKNOWN
from profiler.trace.device_states import Queue
from profiler.trace.kernels import KernelGroup

__all__ = ["ALL_STREAMS", "KERNEL_COLUMNS", "kernel_cells", "known", "stream_words"]

ALL_STREAMS = "all"

KERNEL_COLUMNS: tuple[Column, ...] = (
    text("kernel", "name of the kernel, as recorded"),
    count("device_number", "number of the device"),
    text("stream", "stream it ran in"),
    number("launches", "times it ran"),
    number("device_s", "seconds of them all, by the device's own clock", "s"),
    number("share", "of the time of all kernels"),
    number("median_s", "median seconds of one", "s"),
    text("grid", "blocks of the grid"),
    text("block", "threads of a block"),
    count("registers", "registers per thread"),
    count("shared_bytes", "shared memory per block, static and dynamic", "bytes"),
    count("local_bytes_per_thread", "local memory per thread: spills and arrays", "bytes"),
    number("occupancy", "share of warps a multiprocessor can hold, theoretical, as the recorder gives it"),
    text("kind", "compute, layout (only rearranges or fills memory) or communication"),
    text("operator", "operator that most were launched in"),
    number("bytes", "bytes of memory traffic of one", "bytes"),
    text("bytes_basis", "measured (hardware counters), modelled (at least: the operator's inputs once) or unknown"),
    number("bytes_per_s", "achieved rate of that traffic", "bytes/s"),
    number("bandwidth_share", "of the copy bandwidth measured on this device; empty where none was"),
    number("flops", "floating-point operations of one"),
    text("flops_basis", "measured (hardware counters), modelled (from shapes) or unknown"),
    number("flops_per_s", "achieved rate of these", "1/s"),
    number("peak_share", "of the multiply-add peak measured on this device; empty where none was"),
)


def kernel_cells(
    groups: Sequence[KernelGroup], *, per: float = 1.0, bandwidth: float = math.nan, peak: float = math.nan
) -> list[dict[str, Any]]:
    """Give the cells of `KERNEL_COLUMNS`; launches and seconds are divided by `per`, rates by the two ceilings."""
    whole = sum(group.seconds for group in groups if math.isfinite(group.seconds))
    return [
        {
            "kernel": group.kernel,
            "device_number": known(group.device),
            "stream": str(group.stream) if group.stream != UNKNOWN else None,
            "launches": group.launches / per,
            "device_s": group.seconds / per,
            "share": group.seconds / whole if whole else math.nan,
            "median_s": group.median_s,
            "grid": _size(group.grid),
            "block": _size(group.block),
            "registers": known(group.registers),
            "shared_bytes": known(group.shared_bytes),
            "local_bytes_per_thread": known(group.local_bytes_per_thread),
            "occupancy": group.occupancy,
            "kind": group.kind,
            "operator": group.operator,
            "bytes": group.bytes.value,
            "bytes_basis": group.bytes.basis,
            "bytes_per_s": group.bytes_per_s,
            "bandwidth_share": group.bytes_per_s / bandwidth,
            "flops": group.flops.value,
            "flops_basis": group.flops.basis,
            "flops_per_s": group.flops_per_s,
            "peak_share": group.flops_per_s / peak,
        }
        for group in groups
    ]


def known(value: int) -> int | None:
    """Give a whole number, None where the trace does not tell it."""
    return None if value == UNKNOWN else value


def stream_words(queue: Queue) -> str:
    """Name a stream, or all of a device together."""
    return ALL_STREAMS if queue.stream is None else str(queue.stream)


def _size(triple: tuple[int, int, int]) -> str | None:
    return None if min(triple) < 0 else "x".join(map(str, triple))
