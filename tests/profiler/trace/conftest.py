"""Hand-built traces, as files and as columns."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from profiler.trace.device_events import DeviceTrace
from profiler.trace.kineto import Trace, read_trace
from profiler.trace.kineto_device import read_kineto
from profiler.trace.launch_join import Linked, link

Event = dict[str, Any]
MakeTrace = Callable[[list[Event]], Trace]
MakeEvent = Callable[..., Event]
ReadDevices = Callable[..., DeviceTrace]
LinkTrace = Callable[..., Linked]


@pytest.fixture
def make_trace(tmp_path: Path) -> MakeTrace:
    """Give a function that writes events to a file and reads it; each has what an operator has, unless it says."""

    def make(events: list[Event]) -> Trace:
        path = tmp_path / "hand-built.json"
        usual = {"ph": "X", "cat": "cpu_op", "name": "aten::mul", "pid": 1, "tid": 1}
        path.write_text(json.dumps({"schemaVersion": 1, "traceEvents": [{**usual, **event} for event in events]}))
        return read_trace(path)

    return make


@pytest.fixture
def read_devices(tmp_path: Path) -> ReadDevices:
    """Give a function that writes events, and what stands beside them, to a file and reads what it says of devices."""

    def read(events: list[Event], **properties: Any) -> DeviceTrace:
        path = tmp_path / "devices.json"
        usual = {"ph": "X", "cat": "cpu_op", "name": "aten::mul", "pid": 1, "tid": 1}
        written = [{**usual, **event} for event in events]
        path.write_text(json.dumps({"schemaVersion": 1, **properties, "traceEvents": written}))
        return read_kineto(path)

    return read


@pytest.fixture
def link_trace(read_devices: ReadDevices) -> LinkTrace:
    """Give a function that joins the trace of hand-built events."""

    def make(events: list[Event], **properties: Any) -> Linked:
        return link(read_devices(events, **properties))

    return make


@pytest.fixture
def call() -> MakeEvent:
    """Give a function that makes a call of the device's runtime."""

    def make(name: str, ts: float, dur: float, correlation: int = -1, **more: Any) -> Event:
        arguments = {"correlation": correlation} if correlation >= 0 else {}
        usual = {"cat": "cuda_runtime", "name": name, "ts": ts, "dur": dur}
        return {**usual, "args": arguments | more.pop("args", {}), **more}

    return make


@pytest.fixture
def kernel() -> MakeEvent:
    """Give a function that makes a kernel, or what `more` makes of it."""

    def make(ts: float, dur: float, correlation: int = -1, stream: int = 7, **more: Any) -> Event:
        arguments = {"device": 0, "stream": stream} | ({"correlation": correlation} if correlation >= 0 else {})
        usual = {"cat": "kernel", "name": "convolve", "pid": 0, "tid": stream, "ts": ts, "dur": dur}
        return {**usual, "args": arguments | more.pop("args", {}), **more}

    return make
