"""Joins what ran on a device to the call that launched it and to the operator around that call."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from profiler.trace.device_events import DeviceTrace
from profiler.trace.joining import NOWHERE, innermost_at, positions_of
from profiler.trace.runtime_calls import LAUNCHING, RuntimeWork, runtime_work

__all__ = ["Launches", "Linked", "ends_before", "link"]

_Integers = NDArray[np.int64]
_Flags = NDArray[np.bool_]

_NEVER = -(2**62)  # before any time that a trace can hold


@dataclass(frozen=True)
class Launches:
    """Hold every call that put work into a device's queue, by start, as columns.

    `call` is its position among the host's calls. Of its first activity on a device, `started_ns` is the start and
    `device` and `stream` are where it ran; all three are -1 where the trace holds none. `queue_depth` counts the
    launches into the same stream that had been called before and had not started when this one was called.
    `exposed_ns` is how long the device had nothing to run from the call on, until its work began: what of the launch
    nothing hid. Both are -1 where not known.
    """

    call: _Integers
    start_ns: _Integers
    end_ns: _Integers
    started_ns: _Integers
    device: _Integers
    stream: _Integers
    queue_depth: _Integers
    exposed_ns: _Integers

    def __len__(self) -> int:
        return len(self.call)

    @property
    def joined(self) -> _Flags:
        """Say for each whether its work is in the trace."""
        return self.started_ns >= 0

    @property
    def delay_ns(self) -> _Integers:
        """Give the time from the call to the start of its work; below 0 where the clocks of the two do not agree."""
        return self.started_ns - self.start_ns


@dataclass(frozen=True)
class Linked:
    """Hold a trace and its joins.

    `call_of` gives for each activity the position of the call that launched it, `operator_of` that of the innermost
    operator around the call on its thread; -1 where there is none.
    """

    trace: DeviceTrace
    call_of: _Integers
    operator_of: _Integers

    def calls_doing(self, *works: RuntimeWork) -> _Flags:
        """Say for each host call whether it does one of these works."""
        by_name = np.array([runtime_work(name) in works for name in self.trace.host_calls.names], dtype=np.bool_)
        return _by_code(by_name, self.trace.host_calls.name_codes)

    @functools.cached_property
    def launches(self) -> Launches:
        """Give every call that put work into a device's queue."""
        return _launches(self)


def link(trace: DeviceTrace) -> Linked:
    """Join a trace's activities on correlation, and their calls to operators by time on the same thread."""
    calls, activities = trace.host_calls, trace.activities
    launching = _by_code(np.array([runtime_work(name) in LAUNCHING for name in calls.names]), calls.name_codes)
    call_of = positions_of(activities.correlation, calls.correlation, launching)
    operator_of = np.full(len(activities), NOWHERE, dtype=np.int64)
    linked = np.flatnonzero(call_of >= 0)
    asked = call_of[linked]
    operator_of[linked] = innermost_at(trace.operators, calls.thread_codes[asked], calls.start_ns[asked])
    return Linked(trace, call_of, operator_of)


def _launches(linked: Linked) -> Launches:
    calls, activities = linked.trace.host_calls, linked.trace.activities
    call = np.flatnonzero(linked.calls_doing(*LAUNCHING))
    call = call[np.argsort(calls.start_ns[call], kind="stable")]
    first = _first_activity(linked, len(calls))[call]
    joined = first >= 0
    started, device, stream = (
        np.where(joined, column[np.maximum(first, 0)] if len(column) else NOWHERE, NOWHERE)
        for column in (activities.start_ns, activities.device, activities.stream)
    )
    start, end = calls.start_ns[call], calls.end_ns[call]
    return Launches(
        call=call,
        start_ns=start,
        end_ns=end,
        started_ns=started,
        device=device,
        stream=stream,
        queue_depth=_queue_depth(start, started, device, stream),
        exposed_ns=_exposed(linked, (start, end), started, device, first),
    )


def _first_activity(linked: Linked, calls: int) -> _Integers:
    """Give for each call the activity of its own that started first, -1 where there is none."""
    first = np.full(calls, NOWHERE, dtype=np.int64)
    start = linked.trace.activities.start_ns
    latest_first = np.argsort(-start, kind="stable")
    latest_first = latest_first[linked.call_of[latest_first] >= 0]
    first[linked.call_of[latest_first]] = latest_first
    return first


def _queue_depth(start: _Integers, started: _Integers, device: _Integers, stream: _Integers) -> _Integers:
    depth = np.full(len(start), NOWHERE, dtype=np.int64)
    known = np.flatnonzero(started >= 0)
    for queue in np.unique(np.stack((device[known], stream[known]), axis=1), axis=0):
        here = known[(device[known] == queue[0]) & (stream[known] == queue[1])]
        called = start[here]  # by start already
        began = np.sort(np.maximum(started[here], called))
        depth[here] = np.searchsorted(called, called, side="left") - np.searchsorted(began, called, side="right")
    return np.where(depth == NOWHERE, NOWHERE, np.maximum(depth, 0))


def _exposed(
    linked: Linked, calls: tuple[_Integers, _Integers], started: _Integers, device: _Integers, first: _Integers
) -> _Integers:
    start, end = calls
    exposed = np.full(len(start), NOWHERE, dtype=np.int64)
    activities = linked.trace.activities
    for number in np.unique(device[started >= 0]):
        rows = np.flatnonzero(activities.device == number)
        busy_until = np.full(len(activities), _NEVER)
        busy_until[rows] = ends_before(activities.start_ns[rows], activities.end_ns[rows])
        here = np.flatnonzero((device == number) & (started >= 0))
        idle_from = busy_until[first[here]]
        exposed[here] = np.maximum(0, started[here] - np.maximum(start[here], idle_from))
        exposed[here[end[here] <= idle_from]] = 0  # the device was busy for all of the call: it hid it
    return exposed


def ends_before(start: _Integers, end: _Integers) -> _Integers:
    """Give for each interval the latest end among those that start before it, or a time before all where none does."""
    order = np.lexsort((end, start))
    reach = np.maximum.accumulate(end[order]) if len(order) else end
    # Those that start together do not come before each other.
    before = np.searchsorted(start[order], start, side="left") - 1
    return np.where(before >= 0, reach[np.maximum(before, 0)], _NEVER)


def _by_code(flags: _Flags, codes: NDArray[np.int32]) -> _Flags:
    return flags[codes] if len(flags) else np.zeros(len(codes), dtype=np.bool_)
