"""Waits are those of kernels that labelled calls launched, where the trace holds all moments."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from profiler.labels import CallLabel, write_label
from profiler.trace.kineto import Trace, read_trace
from profiler.trace.launch_waits import LaunchWaits, launch_waits
from profiler.trace.timeline import timeline_of

Event = dict[str, Any]
MakeTrace = Callable[[list[Event]], Trace]


def call(number: int, ts: float) -> Event:
    return {"cat": "user_annotation", "name": write_label(CallLabel("a", "b", number)), "ts": ts, "dur": 50}


def launch(correlation: int, ts: float, dur: float, **more: Any) -> Event:
    """Give a launch of the OpenCL runtime."""
    arguments = {"correlation": correlation}
    usual = {"cat": "opencl_runtime", "name": "clEnqueueNDRangeKernel", "ts": ts, "dur": dur, "args": arguments}
    return {**usual, **more}


def kernel(correlation: int, queued: int, submitted: int, ts: float, name: str = "f") -> Event:
    """Give a kernel of 2 us; `queued` and `submitted` are in ns."""
    arguments = {"correlation": correlation, "queued": queued, "submitted": submitted}
    return {"cat": "kernel", "name": name, "pid": 0, "tid": 0, "ts": ts, "dur": 2, "args": arguments}


EVENTS = [
    call(0, 1000),
    launch(1, 1001, 3),
    kernel(1, 1_001_500, 1_002_000, 1004.25),
    launch(2, 1010, 5),
    kernel(2, 1_010_500, 1_013_500, 1014.5),
    call(1, 1100),
    launch(3, 1101, 4),
    kernel(3, 1_101_000, 1_102_500, 1106),
    launch(4, 1110, 1),
    kernel(4, 1_110_000, 1_110_000, 1110.5, name="g"),
    # Not counted: another call's, of unknown moments as Kineto writes them, without a launch, a copy.
    launch(5, 1300, 1),
    kernel(5, 1_300_000, 1_300_001, 1301),
    launch(6, 1120, 1, cat="cuda_runtime", name="cudaLaunchKernel"),
    kernel(6, 0, 0, 1122),
    kernel(77, 1_121_000, 1_121_001, 1123),
    launch(7, 1130, 1, name="clEnqueueReadBuffer"),
    {**kernel(7, 1_130_000, 1_130_001, 1132), "cat": "gpu_memcpy"},
]


def test_medians_over_the_launches_of_each_kernel(make_trace: MakeTrace) -> None:
    found = launch_waits(timeline_of(make_trace(EVENTS), "a", "b"))
    assert [(each.kernel, each.runtime, each.runs_on, each.launches) for each in found] == [
        ("f", "opencl", "", 1.5),
        ("g", "opencl", "", 0.5),
    ]
    first, second = (
        [round(each * 1e9) for each in (waits.call_s, waits.queued_s, waits.submitted_s, waits.latency_s)]
        for waits in found
    )
    assert first == [4000, 1500, 2250, 4000]
    assert second == [1000, 0, 500, 500]


def test_the_device_is_named_as_the_trace_names_it(tmp_path: Path) -> None:
    usual = {"ph": "X", "pid": 1, "tid": 1}
    properties = [{"id": 0, "name": "a CPU"}, "damaged", {"id": None}]
    content = {"deviceProperties": properties, "traceEvents": [{**usual, **event} for event in EVENTS[:3]]}
    path = tmp_path / "trace.json"
    path.write_text(json.dumps(content))
    (found,) = launch_waits(timeline_of(read_trace(path), "a", "b"))
    assert isinstance(found, LaunchWaits)
    assert found.runs_on == "a CPU"


def test_moments_keep_their_last_digit_months_after_an_epoch(make_trace: MakeTrace) -> None:
    origin_us = 1_700_000_000_000_000
    late = [
        {**event, "ts": event["ts"] + origin_us} if "queued" not in event.get("args", {}) else event
        for event in [call(0, 1000), launch(1, 1001, 3)]
    ]
    shifted = kernel(1, 1_001_500 + 1000 * origin_us, 1_001_503 + 1000 * origin_us, 1004 + origin_us)
    (found,) = launch_waits(timeline_of(make_trace([*late, shifted]), "a", "b"))
    assert found.queued_s == pytest.approx(3e-9)
    assert found.latency_s == pytest.approx(2.5e-6)
