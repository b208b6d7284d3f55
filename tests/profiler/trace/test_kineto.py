"""Traces of every age are read into the same columns, and what is no trace is refused in one line."""

from __future__ import annotations

import gzip
import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from profiler.errors import TraceError
from profiler.trace.kineto import LEGACY_CATEGORIES, read_trace

EVENTS: list[dict[str, Any]] = [
    {"ph": "M", "name": "process_name", "pid": 7, "tid": 0, "args": {"name": "python"}},
    {
        "ph": "X",
        "cat": "cpu_op",
        "name": "aten::mul",
        "pid": 7,
        "tid": 7,
        "ts": 4557495653842.842,
        "dur": 1.5,
        "args": {"External id": 3, "Ev Idx": 12, "Input Dims": [[1, 2], []], "Concrete Inputs": ["", "2"]},
    },
    {
        "ph": "i",
        "cat": "cpu_instant_event",
        "s": "t",
        "name": "[memory]",
        "pid": 7,
        "tid": 7,
        "ts": 4557495653843.001,
        "args": {"Bytes": -64, "Addr": 94157200902272, "Ev Idx": 13},
    },
    {
        "ph": "X",
        "cat": "gpu_memcpy",
        "name": "Memcpy HtoD (Pageable -> Device)",
        "pid": "0",
        "tid": "stream 7",
        "ts": 4557495653850,
        "dur": 2,
        "args": {"bytes": 4096, "correlation": 99},
    },
]


def written(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content))
    return path


def test_columns_hold_what_was_recorded(tmp_path: Path) -> None:
    trace = read_trace(written(tmp_path / "a.json", {"traceEvents": EVENTS}))
    assert len(trace) == 4
    assert [trace.name_of(event) for event in range(4)] == [event["name"] for event in EVENTS]
    assert trace.recorded_counts == Counter({"": 1, "cpu_op": 1, "cpu_instant_event": 1, "gpu_memcpy": 1})
    assert trace.threads == (("7", "0"), ("7", "7"), ("0", "stream 7"))
    assert trace.thread_codes.tolist() == [0, 1, 1, 2]
    assert trace.spans.tolist() == [False, True, False, True]
    assert trace.timed.tolist() == [False, True, False, True]
    # From the microsecond before the first event; the digits after the point survive months since an epoch.
    assert trace.start_ns[1:].tolist() == [842, 1001, 8000]
    assert trace.duration_ns.tolist() == [0, 1500, 0, 2000]
    assert trace.end_ns[1] == 2342
    assert np.array_equal(trace.bytes, [math.nan, math.nan, -64, 4096], equal_nan=True)
    assert trace.correlation.tolist() == [-1, -1, -1, 99]
    assert trace.order.tolist() == [0, 12, 13, 3]
    assert trace.in_categories("cpu_op", "gpu_memcpy").tolist() == [False, True, False, True]
    assert trace.named("[memory]").tolist() == [False, False, True, False]
    assert not trace.named("nothing").any()
    assert trace.resolution_ns == 1


def test_a_gzipped_trace_and_a_bare_list_of_events_read_the_same(tmp_path: Path) -> None:
    plain = read_trace(written(tmp_path / "a.json", {"traceEvents": EVENTS}))
    gzipped = tmp_path / "b.json.gz"
    gzipped.write_bytes(gzip.compress((tmp_path / "a.json").read_bytes()))
    for other in (read_trace(gzipped), read_trace(written(tmp_path / "c.json", EVENTS))):
        assert other.names == plain.names
        assert other.start_ns.tolist() == plain.start_ns.tolist()
        assert other.duration_ns.tolist() == plain.duration_ns.tolist()


@pytest.mark.parametrize(("recorded", "today"), sorted(LEGACY_CATEGORIES.items()))
def test_old_names_of_categories_are_understood(tmp_path: Path, recorded: str, today: str) -> None:
    event = {"ph": "X", "cat": recorded, "name": "x", "ts": 1, "dur": 1}
    trace = read_trace(written(tmp_path / "a.json", {"traceEvents": [event]}))
    assert trace.recorded_categories == (recorded,)
    assert trace.categories == (today,)
    assert trace.in_categories(today).all()


def test_times_may_be_whole_decimal_or_quoted(tmp_path: Path) -> None:
    events = [{"ph": "X", "ts": ts, "dur": dur} for ts, dur in ((10, 2), (10.0, 2.0), ("10.0", "2"))]
    trace = read_trace(written(tmp_path / "a.json", {"traceEvents": events}))
    assert trace.start_ns.tolist() == [0, 0, 0]
    assert trace.duration_ns.tolist() == [2000, 2000, 2000]
    assert trace.resolution_ns == 1000


def test_what_is_missing_or_odd_is_marked_and_not_guessed(tmp_path: Path) -> None:
    events: list[dict[str, Any]] = [
        {},
        {"ph": "X", "ts": "soon", "dur": None, "name": None, "cat": None, "args": None},
        {"ph": "X", "ts": 5, "dur": 1, "pid": 1.5, "tid": True, "args": {"correlation": "7", "Bytes": "many"}},
        {"ph": "X", "ts": 1e300, "dur": -1e300, "args": {"correlation": 2**70, "Ev Idx": 2**70}},
    ]
    trace = read_trace(written(tmp_path / "a.json", {"traceEvents": events}))
    assert trace.timed.tolist() == [False, False, True, True]
    assert trace.names == ("",)
    assert trace.correlation.tolist() == [-1, -1, -1, -1]
    assert trace.order.tolist() == [0, 1, 2, 3]
    assert np.isnan(trace.bytes).all()
    assert trace.recorded_counts == Counter({"": 4})


def test_a_trace_without_events_has_empty_columns(tmp_path: Path) -> None:
    trace = read_trace(written(tmp_path / "a.json", {"traceEvents": []}))
    assert len(trace) == 0
    assert not trace.in_categories("cpu_op").any()
    assert trace.recorded_counts == Counter()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not whole JSON"),
        (b"not a trace", "not whole JSON"),
        (b'{"traceEvents": [{"ph": "X", "na', "not whole JSON"),
        (b'{"traceEvents": [{"name": "\xff"}]}', "not whole JSON"),
        (b'{"other": 1}', "no trace"),
        (b'{"traceEvents": 3}', "no trace"),
        (b"17", "no trace"),
        (b'{"traceEvents": [{"args": [1]}]}', "no trace"),
        (gzip.compress(b'{"traceEvents": []}' * 100)[:-20], "cut short"),
        (gzip.compress(b"{}")[:3], "cut short"),
        (b"\x1f\x8b\x08 nothing of the kind", "cannot be read"),
    ],
)
def test_what_is_no_trace_is_refused_in_one_line(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "broken.json"
    path.write_bytes(content)
    with pytest.raises(TraceError) as caught:
        read_trace(path)
    message = str(caught.value)
    assert words in message
    assert str(path) in message
    assert "\n" not in message


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="cannot be read"):
        read_trace(tmp_path / "absent.json")
