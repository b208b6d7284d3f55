"""Puts what a device did that torch does not drive into the Chrome trace that torch's profiler wrote of the same calls.

The events are written as Kineto writes those of a GPU (https://github.com/pytorch/kineto, output_json.cpp), host calls
in the category `<runtime>_runtime`. Two more arguments of a kernel or copy, `queued` and `submitted`, are moments in
ns on the trace's clock, whose `ts` are in microseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from impls.device_events import ActivityKind, ClockReading, DeviceActivity, DeviceEvents, HostCall
from profiler.capture.clock_offset import clock_offset

__all__ = ["Entry", "with_device_events"]

# A process of its own in the trace, as a GPU has one; processes of the host are never this.
_DEVICE = 0
_KERNEL, _COPY = "kernel", "gpu_memcpy"
_COPIES: Mapping[ActivityKind, str] = {
    "host_to_device": "Memcpy HtoD (Pageable -> Device)",
    "device_to_host": "Memcpy DtoH (Device -> Pageable)",
}


@dataclass(frozen=True)
class Entry:
    """Hold the text of a range and the moments around its begin, by `time.perf_counter_ns`."""

    text: str
    before_ns: int
    after_ns: int


def with_device_events(content: bytes, events: DeviceEvents, entries: Sequence[Entry]) -> bytes:
    """Add a recording to a trace that holds the ranges named by `entries`; as it is where nothing was recorded.

    Host calls are taken to be of the thread of these ranges. The host's clock is brought to the trace's by the begins
    of the ranges, the device's to the host's by the readings that come with the recording. Raises ValueError where the
    trace has none of the ranges.
    """
    if not events.activities:
        return content
    trace: dict[str, Any] = msgspec.json.decode(content)
    texts = {entry.text: entry for entry in entries}
    ranges = [event for event in trace["traceEvents"] if event.get("name") in texts and event.get("ph") == "X"]
    host = clock_offset(
        ClockReading(entry.before_ns, _nanoseconds(event["ts"]), entry.after_ns)
        for event in ranges
        for entry in [texts[event["name"]]]
    )
    device = clock_offset(events.clock)
    thread = {"pid": ranges[0]["pid"], "tid": ranges[0]["tid"]}
    trace["traceEvents"] += [
        *_names(events, ranges[0]["ts"], host.within_ns + device.within_ns),
        *(_host_call(call, events.runtime, thread, -host.offset_ns) for call in events.host_calls),
        *(_activity(activity, device.offset_ns - host.offset_ns) for activity in events.activities),
    ]
    trace.setdefault("deviceProperties", []).append({"id": _DEVICE, "name": events.device})
    return msgspec.json.encode(trace)


def _names(events: DeviceEvents, moment: float, within_ns: int) -> Iterable[dict[str, Any]]:
    """Name the device and its queues for viewers."""
    label = f"{events.device}; {events.runtime}; clock known within {within_ns} ns"
    yield _metadata("process_name", _DEVICE, 0, moment, {"name": events.runtime})
    yield _metadata("process_labels", _DEVICE, 0, moment, {"labels": label})
    for stream in sorted({activity.stream for activity in events.activities}):
        yield _metadata("thread_name", _DEVICE, stream, moment, {"name": f"queue {stream}"})


def _metadata(name: str, process: int, thread: int, moment: float, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"ph": "M", "name": name, "ts": moment, "pid": process, "tid": thread, "args": arguments}


def _host_call(call: HostCall, runtime: str, thread: Mapping[str, Any], offset_ns: int) -> dict[str, Any]:
    return {
        "ph": "X",
        "cat": f"{runtime}_runtime",
        "name": call.name,
        **thread,
        **_when(call.begin_ns + offset_ns, call.end_ns + offset_ns),
        "args": {"correlation": call.correlation},
    }


def _activity(activity: DeviceActivity, offset_ns: int) -> dict[str, Any]:
    is_kernel = activity.kind == "kernel"
    details = (
        {"grid": activity.grid, "block": activity.block, "shared memory": activity.local_bytes}
        if is_kernel
        else {"bytes": activity.bytes}
    )
    return {
        "ph": "X",
        "cat": _KERNEL if is_kernel else _COPY,
        "name": activity.name if is_kernel else _COPIES[activity.kind],
        "pid": _DEVICE,
        "tid": activity.stream,
        **_when(activity.start_ns + offset_ns, activity.end_ns + offset_ns),
        "args": {
            "device": _DEVICE,
            "stream": activity.stream,
            "correlation": activity.correlation,
            "queued": activity.queued_ns + offset_ns,
            "submitted": activity.submitted_ns + offset_ns,
            **details,
        },
    }


def _when(begin_ns: int, end_ns: int) -> dict[str, float]:
    return {"ts": begin_ns / 1000, "dur": (end_ns - begin_ns) / 1000}


def _nanoseconds(microseconds: float) -> int:
    return round(microseconds * 1000)
