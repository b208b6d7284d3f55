"""The labelled calls of one implementation on the device's side: from the call to the end of what it launched."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from profiler.labels import read_label
from profiler.trace.device_events import DeviceTrace
from profiler.trace.joining import NOWHERE
from profiler.trace.launch_join import Linked

__all__ = ["LabelledWindows", "labelled_windows"]

_Integers = NDArray[np.int64]


@dataclass(frozen=True)
class LabelledWindows:
    """Hold one window for each labelled call, by start, none overlapping the next.

    A window begins with its call and ends with the call or with the last work it launched, whichever is later, but no
    later than the next call begins. `call_of_activity` gives the call that launched each activity, by the time of its
    launch; what no recorded call launched belongs to the window it starts in, -1 to none.
    """

    windows: tuple[tuple[int, int], ...]
    call_of_activity: _Integers
    call_of_host_call: _Integers

    def __len__(self) -> int:
        return len(self.windows)


def labelled_windows(linked: Linked, implementation: str, case: str) -> LabelledWindows:
    """Find the windows of the calls whose label names this implementation and case."""
    trace = linked.trace
    start, end = _labelled(trace, implementation, case)
    until = np.concatenate((start[1:], [np.iinfo(np.int64).max])) if len(start) else start
    end = np.minimum(end, until)
    host_call = _holding(start, end, trace.host_calls.start_ns)
    activities = trace.activities
    call = np.full(len(activities), NOWHERE, dtype=np.int64)
    known = linked.call_of >= 0
    call[known] = host_call[linked.call_of[known]]
    finished = end.copy()
    np.maximum.at(finished, call[call >= 0], activities.end_ns[call >= 0])
    finished = np.minimum(finished, until)
    call[~known] = _holding(start, finished, activities.start_ns[~known])
    return LabelledWindows(tuple(zip(start.tolist(), finished.tolist(), strict=True)), call, host_call)


def _labelled(trace: DeviceTrace, implementation: str, case: str) -> tuple[_Integers, _Integers]:
    labels = [read_label(name) for name in trace.ranges.names]
    codes = [code for code, label in enumerate(labels) if label is not None and label[:2] == (implementation, case)]
    rows = np.flatnonzero(np.isin(trace.ranges.name_codes, codes))
    rows = rows[np.argsort(trace.ranges.start_ns[rows], kind="stable")]
    return trace.ranges.start_ns[rows], trace.ranges.end_ns[rows]


def _holding(start: _Integers, end: _Integers, moments: _Integers) -> _Integers:
    if not len(start):
        return np.full(len(moments), NOWHERE, dtype=np.int64)
    place = np.searchsorted(start, moments, side="right") - 1
    return np.where((place >= 0) & (moments <= end[np.maximum(place, 0)]), place, NOWHERE)
