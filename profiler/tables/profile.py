"""What one trace says of one call: figures per call, from its labelled calls alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from profiler.trace.kineto import MEMORY_EVENT, Trace
from profiler.trace.launch_waits import LaunchWaits, launch_waits
from profiler.trace.runtime_calls import RUNTIME_CATEGORIES, RUNTIME_WORKS, RuntimeWork, runtime_work
from profiler.trace.timeline import Timeline

__all__ = ["CallProfile", "OperatorProfile", "profile_calls"]

_NANO = 1e-9


@dataclass(frozen=True)
class OperatorProfile:
    """Hold one operator's figures per call of the implementation; seconds are those of the median call."""

    op: str
    calls: float
    leaf_calls: float
    self_s: float


@dataclass(frozen=True)
class CallProfile:
    """Hold what a call did, per call; `operator_s` is the time in any operator, out of `range_s` in all.

    Both times are those of one call, the one of median duration: what disturbs another call does not enter, and the
    parts sum to the whole. Counts and bytes are means over all calls, which are alike.
    `operators` are in the order in which they first appear. `allocated_bytes`, `allocations` and `peak_bytes` are of
    torch's allocators.
    """

    operators: tuple[OperatorProfile, ...]
    range_s: float
    operator_s: float
    runtime: Mapping[RuntimeWork, float]
    allocated_bytes: float
    allocations: float
    peak_bytes: float
    h2d_bytes: float
    d2h_bytes: float
    launch_waits: tuple[LaunchWaits, ...]


def profile_calls(timeline: Timeline) -> CallProfile:
    """Sum up what lies within the labelled calls and divide by their number, which must not be 0."""
    trace, calls, nesting = timeline.trace, timeline.calls, timeline.nesting
    inside = timeline.call_of[nesting.events] >= 0
    median = _median_call(timeline)
    top = nesting.events[(timeline.call_of[nesting.events] == median) & (nesting.parent < 0)]
    amounts, peak = _memory(timeline)
    works = _runtime(timeline)
    return CallProfile(
        operators=_operators(timeline, inside, median),
        range_s=float(calls.end_ns[median] - calls.start_ns[median]) * _NANO,
        operator_s=float(np.sum(trace.duration_ns[top])) * _NANO,
        runtime={work: len(events) / len(calls) for work, events in works.items()},
        allocated_bytes=float(np.sum(amounts[amounts > 0])) / len(calls),
        allocations=float(np.sum(amounts > 0)) / len(calls),
        peak_bytes=peak,
        h2d_bytes=_copied(trace, works["memcpys"], "Memcpy HtoD", "CopyHostToDevice") / len(calls),
        d2h_bytes=_copied(trace, works["memcpys"], "Memcpy DtoH", "CopyDeviceToHost") / len(calls),
        launch_waits=launch_waits(timeline),
    )


def _median_call(timeline: Timeline) -> int:
    """Find the call of median duration, the shorter of the middle two where their number is even."""
    durations = timeline.calls.end_ns - timeline.calls.start_ns
    return int(np.argsort(durations, kind="stable")[(len(durations) - 1) // 2])


def _operators(timeline: Timeline, inside: NDArray[np.bool_], median: int) -> tuple[OperatorProfile, ...]:
    trace, nesting, calls = timeline.trace, timeline.nesting, len(timeline.calls)
    codes = trace.name_codes[nesting.events[inside]]
    size = len(trace.names)
    entered = np.bincount(codes, minlength=size)
    leaves = np.bincount(codes[nesting.leaf[inside]], minlength=size)
    timed = np.where(timeline.call_of[nesting.events[inside]] == median, nesting.self_ns[inside], 0)
    own = np.bincount(codes, weights=timed.astype(np.float64), minlength=size)
    first = dict.fromkeys(codes.tolist())
    return tuple(
        OperatorProfile(
            op=trace.names[code],
            calls=float(entered[code]) / calls,
            leaf_calls=float(leaves[code]) / calls,
            self_s=float(own[code]) * _NANO,
        )
        for code in first
    )


def _runtime(timeline: Timeline) -> dict[RuntimeWork, NDArray[np.int64]]:
    """Find the device runtime's calls within labelled calls, by what they do."""
    trace = timeline.trace
    events = np.flatnonzero(trace.spans & trace.in_categories(*RUNTIME_CATEGORIES) & (timeline.call_of >= 0))
    kinds = [runtime_work(name) for name in trace.names]
    return {work: events[[kinds[code] == work for code in trace.name_codes[events]]] for work in RUNTIME_WORKS}


def _memory(timeline: Timeline) -> tuple[NDArray[np.float64], float]:
    """Give the bytes of each allocation and release within calls, and the highest level of any call above its start."""
    trace = timeline.trace
    events = np.flatnonzero(trace.named(MEMORY_EVENT) & (timeline.call_of >= 0) & np.isfinite(trace.bytes))
    events = events[np.lexsort((trace.order[events], trace.start_ns[events]))]
    amounts = trace.bytes[events]
    call = timeline.call_of[events]
    peaks = [np.max(np.cumsum(amounts[call == number]), initial=0.0) for number in range(len(timeline.calls))]
    return amounts, float(max(peaks, default=0.0))


def _copied(trace: Trace, copies: NDArray[np.int64], *names: str) -> float:
    """Sum the bytes of device copies of these names that the runtime calls `copies` asked for."""
    codes = [code for code, name in enumerate(trace.names) if name.startswith(names)]
    asked = trace.correlation[copies]
    done = trace.in_categories("gpu_memcpy") & np.isin(trace.name_codes, codes)
    done &= np.isin(trace.correlation, asked[asked >= 0]) & np.isfinite(trace.bytes)
    return float(np.sum(trace.bytes[done]))
