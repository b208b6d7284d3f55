"""A device's states are disjoint, sum to the window, and are those of a model that looks at every nanosecond."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profiler.trace.device_events import DeviceActivities, DeviceTrace, HostCalls, HostSpans, Operators
from profiler.trace.device_states import STATES, Queue, State, state_times
from profiler.trace.launch_join import Linked, link

LinkTrace = Callable[..., Linked]
MakeEvent = Callable[..., dict[str, Any]]


def _states(linked: Linked, stream: int | None = None) -> dict[str, int]:
    for times in state_times(linked, [linked.trace.window]):
        if times.queue.stream == stream:
            return {state: int(spent) for state, spent in zip(STATES, times.nanoseconds[0], strict=True) if spent}
    raise AssertionError("no such queue")


def test_each_state_is_told(link_trace: LinkTrace, call: MakeEvent, kernel: MakeEvent) -> None:
    linked = link_trace(
        [
            {"cat": "python_function", "name": "f.py(1): f", "ts": 1000.5, "dur": 3},  # python 3
            {"name": "aten::conv2d", "ts": 1003.5, "dur": 20},  # operator until 1006.5
            {"name": "aten::empty", "ts": 1006.5, "dur": 2},  # allocation 2
            call("cudaFuncGetAttributes", 1008.5, 1),  # runtime 1
            call("cudaMalloc", 1009.5, 4),  # allocation 4
            call("cudaLaunchKernel", 1013.5, 2, 1),  # launch 2
            call("cudaMemcpyAsync", 1015.5, 1, 2),  # latency till 1018.5, 1 of it a launch
            kernel(1018.5, 4, 1),  # kernel 4
            kernel(1024.5, 3, 2, cat="gpu_memcpy", name="Memcpy DtoD (Device -> Device)"),  # gap 2, copy 3
            call("cudaMemsetAsync", 1028.5, 1, 3),  # operator till here 1 us before, launch 1
            kernel(1029.5, 2, 3, cat="gpu_memset", name="Memset (Device)"),  # set 2
            call("cudaDeviceSynchronize", 1029.5, 4),  # synchronization 2
            {"cat": "overhead", "name": "Buffer Flush", "ts": 1033.5, "dur": 1},  # overhead 1
            {"cat": "user_annotation", "name": "step", "ts": 1036.5, "dur": 1},  # nothing 2, python 1
        ]
    )
    assert _states(linked) == {
        "python": 4000, "operator": 3000, "allocation": 6000, "runtime": 1000, "launch": 4000, "latency": 2000,
        "kernel": 4000, "gap": 2000, "copy": 3000, "set": 2000, "synchronization": 2000, "overhead": 1000,
        "nothing": 3000,
    }  # fmt: skip


def test_what_one_stream_waits_for_another_one_may_hide(
    link_trace: LinkTrace, call: MakeEvent, kernel: MakeEvent
) -> None:
    linked = link_trace(
        [
            call("cudaLaunchKernel", 1000.5, 1, 1),
            call("cudaLaunchKernel", 1001.5, 1, 2),
            kernel(1002.5, 10, 1, stream=7),
            kernel(1007.5, 10, 2, stream=8),
        ]
    )
    assert _states(linked) == {"launch": 2000, "kernel": 15000}
    assert _states(linked, 7) == {"launch": 2000, "kernel": 10000, "nothing": 5000}
    assert _states(linked, 8) == {"launch": 2000, "latency": 5000, "kernel": 10000}


def test_what_an_allocating_operator_does_beside_allocating_is_told(
    link_trace: LinkTrace, call: MakeEvent, kernel: MakeEvent
) -> None:
    linked = link_trace(
        [
            {"name": "aten::empty_strided", "ts": 1000.5, "dur": 20},
            call("cudaDeviceGetStreamPriorityRange", 1002.5, 10),  # makes the context
            call("cudaMalloc", 1013.5, 2),
            kernel(1020.5, 1),
        ]
    )
    assert _states(linked) == {"allocation": 10000, "runtime": 10000, "kernel": 1000}


def test_a_device_does_not_wait_for_a_process_that_drives_another_one(
    link_trace: LinkTrace, call: MakeEvent, kernel: MakeEvent
) -> None:
    linked = link_trace(
        [
            call("cudaLaunchKernel", 1000.5, 1, 1, pid=1),
            kernel(1001.5, 1, 1),
            call("cudaLaunchKernel", 1000.5, 4, 2, pid=2),
            kernel(1004.5, 2, 2, args={"device": 1}),
            {"name": "aten::add", "pid": 1, "ts": 1002.5, "dur": 1},
            {"name": "aten::mul", "pid": 3, "ts": 1003.5, "dur": 1},  # drives none: may work for either
        ]
    )
    first, second = (times.nanoseconds[0] for times in state_times(linked, [linked.trace.window]))
    assert {state: int(spent) for state, spent in zip(STATES, first, strict=True) if spent} == {
        "launch": 1000, "kernel": 1000, "operator": 2000, "nothing": 2000,
    }  # fmt: skip
    assert {state: int(spent) for state, spent in zip(STATES, second, strict=True) if spent} == {
        "launch": 4000, "kernel": 2000,
    }  # fmt: skip


def test_windows_that_overlap_are_refused(link_trace: LinkTrace, call: MakeEvent, kernel: MakeEvent) -> None:
    with pytest.raises(ValueError, match="disjoint"):
        state_times(link_trace([kernel(1000.5, 1)]), [(0, 10), (5, 20)])


_HOST = {
    "cudaLaunchKernel": "launch", "cudaMalloc": "allocation", "cudaGetDevice": "runtime",
    "cudaDeviceSynchronize": "synchronization",
}  # fmt: skip
_spans = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 15)), max_size=6)


def _columns(spans: list[tuple[int, int]], name_codes: list[int] | None = None) -> dict[str, Any]:
    start = np.array([each[0] for each in spans], dtype=np.int64)
    return {
        "name_codes": np.array(name_codes or [0] * len(spans), dtype=np.int32),
        "start_ns": start,
        "end_ns": start + np.array([each[1] for each in spans], dtype=np.int64),
    }


@st.composite
def _traces(draw: st.DrawFn) -> DeviceTrace:
    kinds = draw(st.lists(st.sampled_from(sorted(_HOST)), max_size=8))
    calls = draw(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 8)), min_size=len(kinds), max_size=len(kinds)))
    names = tuple(sorted(_HOST))
    work = draw(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 12)), min_size=1, max_size=8))
    size = len(work)
    column = {"thread_codes": np.zeros(len(calls), np.int32), "correlation": np.arange(len(calls), dtype=np.int64)}
    nowhere = {
        name: np.full(size, -1, np.int64)
        for name in ("registers", "static_shared_bytes", "dynamic_shared_bytes", "local_bytes_per_thread", "bytes",
                     "graph")
    }  # fmt: skip
    operators, python = draw(_spans), draw(_spans)
    return DeviceTrace(
        "hand-built",
        host_calls=HostCalls(names=names, **_columns(calls, [names.index(kind) for kind in kinds]), **column),
        activities=DeviceActivities(
            names=("work",), **_columns(work), **nowhere,
            kind_codes=np.array(draw(st.lists(st.integers(0, 2), min_size=size, max_size=size)), np.int32),
            device=np.zeros(size, np.int64),
            stream=np.array(draw(st.lists(st.integers(0, 1), min_size=size, max_size=size)), np.int64),
            correlation=np.array(draw(st.lists(st.integers(-1, 7), min_size=size, max_size=size)), np.int64),
            grid=np.ones((size, 3), np.int64), block=np.ones((size, 3), np.int64), occupancy=np.ones(size),
            direction_codes=np.full(size, -1, np.int32),
        ),
        operators=Operators(names=("aten::mul",), thread_codes=np.zeros(len(operators), np.int32),
                            **_columns(operators), input_bytes=np.ones(len(operators)), flops=np.ones(len(operators))),
        python_functions=HostSpans(names=("f",), thread_codes=np.zeros(len(python), np.int32), **_columns(python)),
    )  # fmt: skip


def _slowly(linked: Linked, queue: Queue, moment: int) -> State:
    """Say what state a queue is in during the nanosecond that begins at a moment, from the definitions alone."""
    trace = linked.trace
    rows = [
        row for row in range(len(trace.activities))
        if queue.stream is None or trace.activities.stream[row] == queue.stream
    ]  # fmt: skip
    starts, ends = trace.activities.start_ns.tolist(), trace.activities.end_ns.tolist()

    def during(spans: HostSpans, row: int) -> bool:
        return bool(spans.start_ns[row] <= moment < spans.end_ns[row])

    for kind, state in enumerate(("kernel", "copy", "set")):
        if any(trace.activities.kind_codes[row] == kind and starts[row] <= moment < ends[row] for row in rows):
            return state  # type: ignore[return-value]
    calls, found = trace.host_calls, set()
    for row in rows:
        asked = int(linked.call_of[row])
        idle_from = max((ends[other] for other in rows if starts[other] < starts[row]), default=-(10**9))
        if asked >= 0 and max(idle_from, int(calls.start_ns[asked])) <= moment < starts[row]:
            found.add("gap" if calls.end_ns[asked] <= idle_from else "latency")
    found |= {_HOST[calls.name_of(row)] for row in range(len(calls)) if during(calls, row)}
    found |= {"operator" for row in range(len(trace.operators)) if during(trace.operators, row)}
    found |= {"python" for row in range(len(trace.python_functions)) if during(trace.python_functions, row)}
    return next((state for state in STATES if state in found), "nothing")


@settings(max_examples=150, deadline=None)
@given(trace=_traces(), cut=st.integers(1, 60))
def test_the_states_of_any_trace_are_those_of_every_nanosecond(trace: DeviceTrace, cut: int) -> None:
    linked = link(trace)
    start, end = trace.window
    windows = [(start, min(end, start + cut)), (min(end, start + cut), end)]
    for times in state_times(linked, windows):
        assert times.nanoseconds.sum(axis=1).tolist() == [last - first for first, last in windows]
        expected = np.zeros_like(times.nanoseconds)
        for window, (first, last) in enumerate(windows):
            for moment in range(first, last):
                expected[window, STATES.index(_slowly(linked, times.queue, moment))] += 1
        assert times.nanoseconds.tolist() == expected.tolist()
