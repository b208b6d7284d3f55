"""Marked ranges with what was launched within them, and the system's calls, from traces built by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiler.tables.host_ranges import OS_CALLS, RANGES, os_call_rows, range_rows
from profiler.trace.device_events import (
    DeviceActivities,
    DeviceTrace,
    HostCalls,
    HostRanges,
    HostSpans,
    coded,
)
from profiler.trace.launch_join import link

Span = tuple[str, int, int, int]  # name, thread, start, end


def _columns(spans: list[Span]) -> dict[str, object]:
    names, codes = coded(name for name, *_ in spans)
    thread, start, end = (np.array([span[place] for span in spans], np.int64) for place in (1, 2, 3))
    return {
        "names": names,
        "name_codes": codes,
        "thread_codes": thread.astype(np.int32),
        "start_ns": start,
        "end_ns": end,
    }


def _trace(
    ranges: list[tuple[str, Span]],
    calls: list[Span] | None = None,
    kernels: list[tuple[int, int]] | None = None,
    os_calls: list[Span] | None = None,
) -> DeviceTrace:
    """Build a trace: the domain before each range; kernels are (the call's position, nanoseconds)."""
    domains, domain_codes = coded(domain for domain, _ in ranges)
    calls, kernels = calls or [], kernels or []
    asked = np.array([call for call, _ in kernels], np.int64)
    starts = 1000 + 100 * np.arange(len(kernels))
    unknown = np.full(len(kernels), -1, np.int64)
    return DeviceTrace(
        source="by hand",
        threads=(("1", "1"), ("1", "2")),
        ranges=HostRanges(
            **_columns([span for _, span in ranges]), domains=domains or ("",), domain_codes=domain_codes
        ),
        host_calls=HostCalls(**_columns(calls), correlation=np.arange(len(calls), dtype=np.int64)),
        activities=DeviceActivities(
            kind_codes=np.zeros(len(kernels), np.int32),
            names=("kernel",),
            name_codes=np.zeros(len(kernels), np.int32),
            device=np.zeros(len(kernels), np.int64),
            stream=np.zeros(len(kernels), np.int64),
            start_ns=starts,
            end_ns=starts + np.array([length for _, length in kernels], np.int64),
            correlation=asked,
            grid=np.ones((len(kernels), 3), np.int64),
            block=np.ones((len(kernels), 3), np.int64),
            registers=unknown,
            static_shared_bytes=unknown,
            dynamic_shared_bytes=unknown,
            local_bytes_per_thread=unknown,
            occupancy=np.full(len(kernels), np.nan),
            bytes=unknown,
            direction_codes=unknown.astype(np.int32),
            graph=unknown,
        ),
        os_calls=HostSpans(**_columns(os_calls or [])),
    )


def test_ranges_have_what_was_launched_in_them_on_their_own_thread() -> None:
    trace = _trace(
        ranges=[
            ("convprof", ("convprof|mine:f|ic1ih8oc1kh3|0", 0, 0, 50)),
            ("convprof", ("convprof|mine:f|ic1ih8oc1kh3|1", 0, 60, 100)),
            ("", ("inner", 0, 10, 30)),
            ("", ("mark", 0, 20, 20)),
            ("", ("elsewhere", 1, 0, 100)),
        ],
        calls=[
            ("cudaLaunchKernel", 0, 12, 14),
            ("cudaLaunchKernel", 0, 40, 42),
            ("cudaLaunchKernel", 1, 70, 72),
            ("cudaLaunchKernel", 0, 55, 56),
        ],
        kernels=[(0, 7), (0, 3), (1, 20), (2, 100), (3, 1000)],
    )
    frame = RANGES.frame({"trace": "made", **row} for row in range_rows(link(trace)))
    assert frame.to_dict("split")["data"] == [
        ["made", "", "elsewhere", 1, 0, pytest.approx(1e-7), 1, pytest.approx(1e-7)],
        ["made", "convprof", "convprof|mine:f|ic1ih8oc1kh3", 2, 0, pytest.approx(9e-8), 3, pytest.approx(3e-8)],
        ["made", "", "inner", 1, 1, pytest.approx(2e-8), 2, pytest.approx(1e-8)],
        ["made", "", "mark", 1, 2, 0.0, 0, 0.0],
    ]


def test_functions_of_the_system_are_summed_the_longest_first() -> None:
    trace = _trace([], os_calls=[("read", 0, 0, 10), ("poll", 0, 5, 105), ("read", 1, 20, 50)])
    frame = OS_CALLS.frame({"trace": "made", **row} for row in os_call_rows(link(trace)))
    assert frame.to_dict("split")["data"] == [
        ["made", "poll", 1, pytest.approx(1e-7), pytest.approx(1e-7), pytest.approx(1e-7)],
        ["made", "read", 2, pytest.approx(4e-8), pytest.approx(2e-8), pytest.approx(3e-8)],
    ]


def test_a_trace_without_either_has_no_rows() -> None:
    linked = link(_trace([]))
    assert [*range_rows(linked), *os_call_rows(linked)] == []


@st.composite
def _nested(draw: st.DrawFn) -> list[tuple[int, int]]:
    """Give well-nested spans as (start, end), no two of them alike."""
    found: list[tuple[int, int]] = []

    def fill(start: int, end: int, depth: int) -> None:
        if end - start < 2 or depth > 4:
            return
        edges = sorted(draw(st.lists(st.integers(start, end), min_size=0, max_size=4, unique=True)))
        for low, high in zip(edges[::2], edges[1::2], strict=False):
            if (low, high) not in found:
                found.append((low, high))
                fill(low, high, depth + 1)

    fill(0, 200, 0)
    return draw(st.permutations(found))


@given(_nested())
def test_depth_is_that_of_the_nesting(spans: list[tuple[int, int]]) -> None:
    trace = _trace([("", (f"{place}", 0, start, end)) for place, (start, end) in enumerate(spans)])
    rows = {row["range"]: row["depth"] for row in range_rows(link(trace))}
    around = {
        str(place): sum(low <= start and high >= end and (low, high) != (start, end) for low, high in spans)
        for place, (start, end) in enumerate(spans)
    }
    assert rows == around
