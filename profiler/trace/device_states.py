"""Cuts a stretch of time into disjoint states of a device: what it ran, or what the host did while it ran nothing.

At each moment the first state that applies counts, in the order of `STATES`, so the states of a window sum to it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from profiler.errors import TableError
from profiler.trace.device_events import DeviceActivities, HostSpans
from profiler.trace.joining import union
from profiler.trace.launch_join import Linked, ends_before
from profiler.trace.runtime_calls import LAUNCHING

__all__ = ["BUSY", "EXPOSED_LAUNCH", "MEANINGS", "STATES", "Queue", "State", "StateTimes", "queues", "state_times"]

State = Literal[
    "kernel", "copy", "set",
    "overhead", "gap", "launch", "latency", "allocation", "runtime", "operator", "synchronization", "python", "nothing",
]  # fmt: skip
STATES: tuple[State, ...] = get_args(State)
BUSY: tuple[State, ...] = ("kernel", "copy", "set")
EXPOSED_LAUNCH: tuple[State, ...] = ("launch", "latency")

MEANINGS: Mapping[State, str] = {
    "kernel": "runs a kernel",
    "copy": "copies, and runs no kernel",
    "set": "sets memory, and nothing else",
    "overhead": "idle while the recorder or the loading of code works, as the recorder itself says, or while the "
    "recorder waits for a call's end",
    "gap": "idle between two pieces of work, the second of which was launched before the first had ended",
    "launch": "idle while the host is in a call that launches",
    "latency": "idle while what was launched is on its way",
    "allocation": "idle while the host takes or returns device memory, or is in an operator that only does so",
    "runtime": "idle while the host is in another call of the device's runtime",
    "operator": "idle while the host is in an operator",
    "synchronization": "idle while the host waits for it",
    "python": "idle while the host is in Python or a marked range, and in nothing above",
    "nothing": "idle, and nothing of the host was recorded",
}

_Integers = NDArray[np.int64]
_Interval = tuple[_Integers, _Integers]
# Operators that only ask torch's caching allocator for memory.
_ALLOCATING = ("aten::empty", "aten::new_empty", "aten::resize_")


@dataclass(frozen=True)
class Queue:
    """Name a device, and one stream of it or (None) all of them together."""

    device: int
    stream: int | None


@dataclass(frozen=True)
class StateTimes:
    """Hold the nanoseconds of each state in each window, of shape (windows, states).

    `starts` and `codes` are the stretches of equal state, in order: where each begins, and its place in STATES; -1 is
    a stretch in no window.
    """

    queue: Queue
    nanoseconds: _Integers
    starts: _Integers
    codes: NDArray[np.int64]

    def of(self, *states: State) -> _Integers:
        """Sum some states in each window."""
        places = [STATES.index(state) for state in states]
        total: _Integers = self.nanoseconds[:, places].sum(axis=1)
        return total


def queues(linked: Linked) -> Iterator[Queue]:
    """Give each device of a trace, and each stream of those that have several."""
    activities = linked.trace.activities
    for device in np.unique(activities.device).tolist():
        yield Queue(device, None)
        streams = np.unique(activities.stream[activities.device == device]).tolist()
        for stream in streams if len(streams) > 1 else ():
            yield Queue(device, stream)


def state_times(
    linked: Linked, windows: Sequence[tuple[int, int]], recorder_waits: _Interval | None = None
) -> tuple[StateTimes, ...]:
    """Measure every state of every queue in windows that do not overlap, in order.

    `recorder_waits`, starts and ends, are when the host waited for the device because it recorded: what is idle then,
    other than between two pieces of work, is overhead.
    Raises TableError should the states of a window not sum to it, ValueError where windows overlap.
    """
    if any(after[0] < before[1] for before, after in itertools.pairwise(windows)):
        raise ValueError("windows overlap or are out of order; give disjoint ones, by start")
    hosts = {device: _host(linked, device) for device in np.unique(linked.trace.activities.device).tolist()}
    nothing = np.zeros(0, dtype=np.int64)
    waits = union(*recorder_waits) if recorder_waits is not None else (nothing, nothing)
    return tuple(_of_queue(linked, queue, hosts[queue.device], windows, waits) for queue in queues(linked))


def _of_queue(
    linked: Linked,
    queue: Queue,
    host: Mapping[State, _Interval],
    windows: Sequence[tuple[int, int]],
    recorder_waits: _Interval,
) -> StateTimes:
    layers = {**_device(linked, queue), **host}
    edges = np.array(windows, dtype=np.int64).reshape(-1, 2)
    bounds = np.unique(
        np.concatenate([edges.ravel(), *(side for layer in (*layers.values(), recorder_waits) for side in layer)])
    )
    lengths = np.diff(bounds)
    codes = np.full(len(lengths), STATES.index("nothing"), dtype=np.int64)
    for state in reversed(STATES):
        if state in layers:
            codes[_covered(bounds, layers[state])] = STATES.index(state)
    waited = _covered(bounds, recorder_waits) & ~np.isin(codes, [STATES.index(state) for state in (*BUSY, "gap")])
    codes[waited] = STATES.index("overhead")
    window = np.searchsorted(edges[:, 0], bounds[:-1], side="right") - 1
    inside = (window >= 0) & (bounds[:-1] < edges[np.maximum(window, 0), 1]) if len(edges) else np.zeros(0, np.bool_)
    cells = window[inside] * len(STATES) + codes[inside]
    sums = np.zeros(len(edges) * len(STATES), dtype=np.int64)
    np.add.at(sums, cells, lengths[inside])
    nanoseconds = sums.reshape(-1, len(STATES))
    _check(nanoseconds, edges)
    shown = np.where(inside, codes, -1)
    changes = np.concatenate(([True], shown[1:] != shown[:-1])) if len(shown) else np.zeros(0, np.bool_)
    return StateTimes(queue, nanoseconds, bounds[:-1][changes], shown[changes])


def _check(nanoseconds: _Integers, edges: _Integers) -> None:
    wrong = np.flatnonzero(nanoseconds.sum(axis=1) != edges[:, 1] - edges[:, 0])
    if len(wrong):
        first = int(wrong[0])
        raise TableError(
            f"the states of a window sum to {int(nanoseconds[first].sum())} ns instead of "
            f"{int(edges[first, 1] - edges[first, 0])} ns; this is a mistake in convprof"
        )


def _covered(bounds: _Integers, interval: _Interval) -> NDArray[np.bool_]:
    change = np.zeros(len(bounds), dtype=np.int64)
    np.add.at(change, np.searchsorted(bounds, interval[0]), 1)
    np.add.at(change, np.searchsorted(bounds, interval[1]), -1)
    covered: NDArray[np.bool_] = np.cumsum(change)[:-1] > 0
    return covered


def _device(linked: Linked, queue: Queue) -> dict[State, _Interval]:
    """Give when a queue runs what, and when it is idle though work was launched for it."""
    activities = linked.trace.activities
    here = activities.device == queue.device
    if queue.stream is not None:
        here &= activities.stream == queue.stream
    mine = activities.where(here)
    return {
        "kernel": _of_kind(mine, mine.of_kind("kernel", "graph")),
        "copy": _of_kind(mine, mine.of_kind("memcpy")),
        "set": _of_kind(mine, mine.of_kind("memset")),
        **_pending(linked, mine, linked.call_of[here]),
    }


def _of_kind(activities: DeviceActivities, chosen: NDArray[np.bool_]) -> _Interval:
    return union(activities.start_ns[chosen], activities.end_ns[chosen])


def _pending(linked: Linked, activities: DeviceActivities, call_of: _Integers) -> dict[State, _Interval]:
    """Give when the queue waits for work: what was launched before it fell idle, and what came later."""
    calls = linked.trace.host_calls
    idle_from = ends_before(activities.start_ns, activities.end_ns)
    known = call_of >= 0
    start, idle_from = activities.start_ns[known], idle_from[known]
    called, returned = calls.start_ns[call_of[known]], calls.end_ns[call_of[known]]
    before = returned <= idle_from
    return {
        "gap": union(idle_from[before], start[before]),
        "latency": union(np.maximum(called, idle_from)[~before], start[~before]),
    }


def _host(linked: Linked, device: int) -> dict[State, _Interval]:
    """Give what the host does for a device; of several processes, those that only drive others are left out."""
    trace = linked.trace
    calls, others = trace.host_calls, _driving_others(linked, device)
    launching, waiting = linked.calls_doing(*LAUNCHING), linked.calls_doing("synchronizations")
    allocating = linked.calls_doing("device_allocations")
    allocators = np.array([name.startswith(_ALLOCATING) for name in trace.operators.names], dtype=np.bool_)
    asking = (
        allocators[trace.operators.name_codes] if len(allocators) else np.zeros(len(trace.operators), dtype=np.bool_)
    )

    def mine(*spans: HostSpans) -> _Interval:
        return _union_of(*(each.where(~np.isin(each.thread_codes, others)) for each in spans) if others else spans)

    runtime = mine(calls.where(~(launching | waiting | allocating)))
    # The first operator that allocates may make the device's context, in calls that allocate nothing.
    asked = _without(mine(trace.operators.where(asking)), runtime)
    allocated = mine(calls.where(allocating))
    return {
        "overhead": mine(trace.overheads),
        "launch": mine(calls.where(launching)),
        "allocation": union(np.concatenate([asked[0], allocated[0]]), np.concatenate([asked[1], allocated[1]])),
        "runtime": runtime,
        "operator": mine(trace.operators),
        "synchronization": mine(calls.where(waiting)),
        "python": mine(trace.python_functions, trace.ranges),
    }


def _without(whole: _Interval, part: _Interval) -> _Interval:
    bounds = np.unique(np.concatenate([*whole, *part]))
    kept = _covered(bounds, whole) & ~_covered(bounds, part) if len(bounds) else np.zeros(0, np.bool_)
    return bounds[:-1][kept], bounds[1:][kept]


def _driving_others(linked: Linked, device: int) -> list[int]:
    """Give the threads of processes that launch on other devices and not on this one, where some launches here."""
    processes = [process for process, _ in linked.trace.threads]
    if len(set(processes)) < 2:
        return []
    known = linked.call_of >= 0
    threads = linked.trace.host_calls.thread_codes[linked.call_of[known]]
    here = linked.trace.activities.device[known] == device
    driving = {processes[code] for code in np.unique(threads[here]).tolist()}
    others = {processes[code] for code in np.unique(threads[~here]).tolist()} - driving
    return [code for code, process in enumerate(processes) if driving and process in others]


def _union_of(*spans: HostSpans) -> _Interval:
    return union(np.concatenate([each.start_ns for each in spans]), np.concatenate([each.end_ns for each in spans]))
