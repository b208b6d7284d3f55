"""Memory traffic and allocation of one call."""

from __future__ import annotations

from collections import defaultdict
from statistics import median

import pandas as pd

from impls.case import ConvCase
from profiler.counts import CallCounts
from profiler.tables.counts import op_bytes
from profiler.tables.inputs import CAPTURE_THREADS, Capture, Inputs
from profiler.tables.profile import CallProfile
from profiler.tables.schema import Table, count, number, text

__all__ = ["MEMORY", "build"]

MEMORY = Table(
    "memory",
    "one implementation on one case",
    (
        text("implementation", "name of the implementation"),
        text("case", "case name"),
        text("device", "cpu or cuda"),
        count("threads", "threads allowed"),
        number("compulsory_bytes", "bytes any algorithm must move: inputs once, output once", "bytes"),
        number(
            "op_bytes",
            "bytes that recorded operators read and write per call, caches not modelled; NaN where none is visible",
            "bytes",
        ),
        number(
            "allocated_bytes", "bytes asked of torch's and NumPy's allocators per call; NaN where not visible", "bytes"
        ),
        number(
            "scratch_bytes",
            "of these, bytes that torch's operators allocate inside themselves, beyond their outputs; NaN if unknown",
            "bytes",
        ),
        number("allocations", "allocations per call"),
        number("peak_bytes", "largest sum of live allocations above the level before the call", "bytes"),
        number("minor_faults", "pages mapped per call, unprofiled (median of the steady blocks)"),
        number("h2d_bytes", "bytes copied host to device per call", "bytes"),
        number("d2h_bytes", "bytes copied device to host per call", "bytes"),
        number("d2d_bytes", "bytes copied within a device per call; NaN where nothing ran on one", "bytes"),
        number("set_bytes", "bytes of device memory set per call; NaN where nothing ran on one", "bytes"),
    ),
)

# Operators of NumPy are counted by the array protocols; its allocations do not appear in torch's profile.
_NUMPY = "numpy."


def build(inputs: Inputs) -> pd.DataFrame:
    """Give a row per implementation that is right on a case; what was not captured is NaN."""
    faults: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for sample in inputs.samples:
        if (sample.mode, sample.variant, sample.threads) == ("steady", "", CAPTURE_THREADS):
            faults[sample.implementation, sample.case].append(sample.minor_faults_per_call)
    return MEMORY.frame(
        {
            "implementation": implementation,
            "case": case,
            "device": inputs.manifest.device,
            "threads": CAPTURE_THREADS,
            "compulsory_bytes": ConvCase.parse(case).compulsory_bytes,
            **_captured(inputs.captures.get((implementation, case)), inputs.manifest.device),
            "minor_faults": median(seen) if (seen := faults[implementation, case]) else None,
        }
        for implementation, case in inputs.right()
    )


def _captured(capture: Capture | None, device: str) -> dict[str, object]:
    call = capture.call if capture is not None else None
    profile = capture.profile if capture is not None else None
    done = capture.device if capture is not None else None
    return {
        "op_bytes": op_bytes(call.ops if call is not None else None),
        **_allocated(call, profile),
        "peak_bytes": _peak(call, profile) if device == "cpu" else _device_peak(call, profile),
        "h2d_bytes": profile.h2d_bytes if profile is not None else None,
        "d2h_bytes": profile.d2h_bytes if profile is not None else None,
        "d2d_bytes": done.d2d_bytes if done is not None else None,
        "set_bytes": done.set_bytes if done is not None else None,
    }


def _allocated(call: CallCounts | None, profile: CallProfile | None) -> dict[str, object]:
    """Add what torch's allocators and NumPy's operators ask for; None where neither is visible."""
    if profile is None or not (profile.operators or profile.allocations):
        return {"allocated_bytes": None, "scratch_bytes": None, "allocations": None}
    counted = call.ops if call is not None else None
    arrays = [op for op in counted or () if op.op.startswith(_NUMPY)]
    outputs = sum(op.allocated_bytes for op in counted or () if not op.op.startswith(_NUMPY))
    return {
        "allocated_bytes": profile.allocated_bytes + sum(op.allocated_bytes for op in arrays),
        "scratch_bytes": None if counted is None else max(0.0, profile.allocated_bytes - outputs),
        "allocations": profile.allocations + sum(op.allocations for op in arrays),
    }


def _peak(call: CallCounts | None, profile: CallProfile | None) -> float | None:
    """Add the peaks of torch's allocators and of Python's and NumPy's: at most what both held at once."""
    traced = call.peak_bytes if call is not None else None
    if profile is None or (traced is None and not (profile.operators or profile.allocations)):
        return traced
    return profile.peak_bytes + (traced or 0)


def _device_peak(call: CallCounts | None, profile: CallProfile | None) -> float | None:
    """Give what the device's allocator counted, unprofiled; where it keeps no statistics, what the trace shows."""
    traced = call.peak_bytes if call is not None else None
    return traced if traced is not None or profile is None else profile.peak_bytes
