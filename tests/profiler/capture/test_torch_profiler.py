"""A recorded trace is one that viewers open: its format, its labels, and nothing of this machine."""

from __future__ import annotations

import contextlib
import gzip
import json
import platform
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from profiler.capture import torch_profiler
from profiler.capture.array_protocols import watched
from profiler.capture.ranges import LabelledRange
from profiler.capture.torch_profiler import record_calls, without_names_of_this_machine
from profiler.labels import CallLabel, read_label, write_label
from profiler.measure.subject import Subject

LABELS = [CallLabel("mine:a|b", "ic1ih2oc1kh1", number) for number in range(3)]


def recorded(path: Path, *, detailed: bool = True) -> dict[str, Any]:
    """Record three calls of one operator of torch and two of NumPy."""
    tensor, array = torch.ones(2, 2), watched(np.ones((2, 2), np.float32))

    def call() -> Any:
        torch.mul(tensor, tensor)
        return np.sum(array * 2)

    record_calls(Subject(call, "inference"), LABELS, path, detailed=detailed)
    trace: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes()))
    return trace


def test_a_trace_is_what_chrome_and_perfetto_read(tmp_path: Path) -> None:
    trace = recorded(tmp_path / "traces" / "a.json.gz")
    events = trace["traceEvents"]
    assert isinstance(events, list)
    assert trace["displayTimeUnit"] == "ms"
    assert {"X", "M"} <= {event["ph"] for event in events}
    for event in events:
        assert isinstance(event["name"], str)
        assert isinstance(event["ts"], int | float)
        assert {type(event["pid"]), type(event["tid"])} <= {int, str}
        if event["ph"] == "X":
            assert isinstance(event["dur"], int | float)
            assert event["dur"] >= 0


def test_calls_and_operators_are_in_it_by_name(tmp_path: Path) -> None:
    events = recorded(tmp_path / "a.json.gz")["traceEvents"]
    labels = [read_label(event["name"]) for event in events if event.get("cat") == "user_annotation"]
    assert sorted(label for label in labels if label is not None) == LABELS
    operators = [event["name"] for event in events if event.get("cat") == "cpu_op"]
    assert operators == ["aten::mul", "numpy.multiply", "numpy.sum"] * 3
    details = next(event["args"] for event in events if event["name"] == "numpy.multiply")
    assert details["Input Dims"] == "[2, 2]"
    assert details["Input bytes"] == 16


def test_shapes_are_left_out_where_they_are_not_asked_for(tmp_path: Path) -> None:
    events = recorded(tmp_path / "a.json.gz", detailed=False)["traceEvents"]
    assert not any("Input Dims" in event.get("args", {}) for event in events)


def test_a_torch_without_the_fast_range_records_numpy_s_operators_as_ranges(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch_profiler, "_FAST_RANGE", None)
    events = recorded(tmp_path / "a.json.gz")["traceEvents"]
    ranges = [event["name"] for event in events if event.get("cat") == "user_annotation"]
    assert ranges.count("numpy.multiply") == 3


def test_no_name_of_this_machine_is_in_it(tmp_path: Path) -> None:
    trace = recorded(tmp_path / "a.json.gz")
    assert trace["host_name"] == trace["traceName"] == ""
    text = json.dumps(trace)
    for place in (tempfile.gettempdir(), str(tmp_path), str(Path.home()), str(Path(__file__).parents[3])):
        assert f'"{place}' not in text
    assert f'"{platform.node()}"' not in text


def test_only_the_names_of_the_machine_are_blanked() -> None:
    content = (
        b'{"host_name": "a \\"quoted\\" host", "x": 1, "traceEvents": [{"name": "\\"host_name\\": \\"kept\\""}],'
        b' "traceName": "/home/somebody/t.json"}'
    )
    assert json.loads(without_names_of_this_machine(content)) == {
        "host_name": "",
        "x": 1,
        "traceEvents": [{"name": '"host_name": "kept"'}],
        "traceName": "",
    }


def test_a_call_that_fails_ends_the_profiler(tmp_path: Path) -> None:
    def fail() -> Any:
        raise ValueError("its own")

    with pytest.raises(ValueError, match="its own"):
        record_calls(Subject(fail, "enabled"), LABELS, tmp_path / "a.json.gz", detailed=False)
    assert not (tmp_path / "a.json.gz").exists()
    assert not torch.autograd._profiler_enabled()


def test_a_range_closes_after_an_error() -> None:
    labelled = LabelledRange(LABELS[0])
    assert labelled.text == write_label(LABELS[0])
    with contextlib.suppress(ValueError), labelled:
        raise ValueError
    with labelled:
        pass
