"""What a device did stands in the trace as Kineto writes it, on the trace's clock."""

from __future__ import annotations

import json
from typing import Any

import pytest

from impls.device_events import ClockReading, DeviceActivity, DeviceEvents, HostCall
from profiler.capture.device_trace import Entry, with_device_events

RANGE = {"ph": "X", "cat": "user_annotation", "name": "convprof|a|b|0", "pid": 7, "tid": 8, "ts": 5.0, "dur": 90.0}
OPERATOR = {"ph": "X", "cat": "cpu_op", "name": "numpy.empty", "pid": 7, "tid": 9, "ts": 6.0, "dur": 1.0}
# Host time 1,000 ns is 5 us in the trace; the device's clock is 1,000,000 ns ahead of the host's.
ENTRIES = [Entry("convprof|a|b|0", 990, 1010)]
CLOCK = [ClockReading(1500, 1_001_505, 1510)]


def _events() -> DeviceEvents:
    return DeviceEvents(
        "opencl",
        "a CPU",
        CLOCK,
        [
            HostCall("clEnqueueWriteBuffer", 1, 2000, 3000),
            HostCall("clEnqueueNDRangeKernel", 2, 4000, 5500),
            HostCall("clFinish", 3, 6000, 30_000),
        ],
        [
            DeviceActivity("host_to_device", "write", 1, 0, 1_002_100, 1_002_200, 1_003_000, 1_003_500, bytes=64),
            DeviceActivity(
                "kernel", "f", 2, 0, 1_004_100, 1_005_000, 1_006_000, 1_016_250, (3, 2, 1), (16, 16, 1), 1296
            ),
            DeviceActivity("device_to_host", "read", 3, 0, 1_017_000, 1_017_001, 1_018_000, 1_018_020, bytes=32),
        ],
    )


def _trace(*events: dict[str, Any]) -> bytes:
    return json.dumps({"schemaVersion": 1, "deviceProperties": [], "traceEvents": events, "traceName": "x"}).encode()


def test_host_calls_and_activities_are_added_on_the_trace_s_clock() -> None:
    written = json.loads(with_device_events(_trace(OPERATOR, RANGE), _events(), ENTRIES))
    assert written["deviceProperties"] == [{"id": 0, "name": "a CPU"}]
    assert list(written)[-2:] == ["traceEvents", "traceName"]
    assert written["traceEvents"][:2] == [OPERATOR, RANGE]
    on_host = {"ph": "X", "cat": "opencl_runtime", "pid": 7, "tid": 8}
    on_device = {"ph": "X", "pid": 0, "tid": 0}
    queue = {"device": 0, "stream": 0}
    assert [event for event in written["traceEvents"][2:] if event["ph"] != "M"] == [
        {**on_host, "name": "clEnqueueWriteBuffer", "ts": 6.0, "dur": 1.0, "args": {"correlation": 1}},
        {**on_host, "name": "clEnqueueNDRangeKernel", "ts": 8.0, "dur": 1.5, "args": {"correlation": 2}},
        {**on_host, "name": "clFinish", "ts": 10.0, "dur": 24.0, "args": {"correlation": 3}},
        {
            **on_device, "cat": "gpu_memcpy", "name": "Memcpy HtoD (Pageable -> Device)", "ts": 7.0, "dur": 0.5,
            "args": {**queue, "correlation": 1, "queued": 6100, "submitted": 6200, "bytes": 64},
        },
        {
            **on_device, "cat": "kernel", "name": "f", "ts": 10.0, "dur": 10.25,
            "args": {
                **queue, "correlation": 2, "queued": 8100, "submitted": 9000, "grid": [3, 2, 1], "block": [16, 16, 1],
                "shared memory": 1296,
            },
        },
        {
            **on_device, "cat": "gpu_memcpy", "name": "Memcpy DtoH (Device -> Pageable)", "ts": 22.0, "dur": 0.02,
            "args": {**queue, "correlation": 3, "queued": 21_000, "submitted": 21_001, "bytes": 32},
        },
    ]  # fmt: skip


def test_viewers_are_told_what_the_device_is() -> None:
    written = json.loads(with_device_events(_trace(RANGE), _events(), ENTRIES))
    names = {event["name"]: event["args"] for event in written["traceEvents"] if event["ph"] == "M"}
    assert names == {
        "process_name": {"name": "opencl"},
        "process_labels": {"labels": "a CPU; opencl; clock known within 15 ns"},
        "thread_name": {"name": "queue 0"},
    }


def test_a_recording_without_activity_leaves_the_trace_as_it_is() -> None:
    content = _trace(RANGE)
    assert with_device_events(content, DeviceEvents("opencl", "a CPU", CLOCK), ENTRIES) is content


def test_a_trace_without_the_ranges_is_not_guessed_at() -> None:
    with pytest.raises(ValueError, match="empty"):
        with_device_events(_trace(OPERATOR), _events(), ENTRIES)
