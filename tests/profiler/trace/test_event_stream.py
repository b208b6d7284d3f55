"""A trace is read piece by piece, whole or damaged, whatever its texts hold."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from profiler.errors import TraceError
from profiler.trace import event_stream
from profiler.trace.event_stream import EventStream


class _Event(msgspec.Struct):
    name: str = ""
    args: Any = None


_EVENTS = [
    {"name": f'odd }}, {{ "name": "{number}', "args": {"nested": [{"a": {}}, {"b": [1]}], "number": number}}
    for number in range(200)
]
_WHOLE = json.dumps({"version": 3, "traceEvents": _EVENTS, "after": {"x": [{}, {}]}}, indent=1).encode()


def _read(path: Path) -> tuple[list[_Event], EventStream[_Event]]:
    stream = EventStream(path, _Event)
    return [event for batch in stream.batches() for event in batch], stream


@pytest.mark.parametrize("piece", [1, 100, 5000, 1 << 23])
@pytest.mark.parametrize("packed", [False, True])
def test_pieces_of_any_size_give_the_same_events(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int, packed: bool
) -> None:
    monkeypatch.setattr(event_stream, "_PIECE_BYTES", piece)
    monkeypatch.setattr(event_stream, "_READ_BYTES", 333)
    path = tmp_path / "trace.json"
    path.write_bytes(gzip.compress(_WHOLE) if packed else _WHOLE)
    events, stream = _read(path)
    assert [msgspec.to_builtins(event) for event in events] == _EVENTS
    assert stream.properties == {"version": 3, "after": {"x": [{}, {}]}}
    assert not stream.damage


def test_a_bare_list_is_a_trace(tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    path.write_text(f"  {json.dumps(_EVENTS)}")
    assert len(_read(path)[0]) == 200


@pytest.mark.parametrize("share", [0.3, 0.9])
@pytest.mark.parametrize("packed", [False, True])
def test_of_a_file_that_is_cut_short_what_is_whole_is_read(tmp_path: Path, share: float, packed: bool) -> None:
    content = gzip.compress(_WHOLE) if packed else _WHOLE
    path = tmp_path / "cut.json"
    path.write_bytes(content[: int(len(content) * share)])
    events, stream = _read(path)
    assert 0 < len(events) < 200
    assert [msgspec.to_builtins(event) for event in events] == _EVENTS[: len(events)]
    assert "cut short" in stream.damage


def test_of_a_file_that_is_damaged_in_its_middle_what_comes_before_is_read(tmp_path: Path) -> None:
    path = tmp_path / "damaged.json"
    path.write_bytes(_WHOLE.replace(b'"number": 90', b'"number": 9 0'))
    events, stream = _read(path)
    assert 80 <= len(events) <= 90
    assert f"after event {len(events)}" in stream.damage


def test_numbers_that_no_json_allows_are_missing(tmp_path: Path) -> None:
    path = tmp_path / "inf.json"
    path.write_text('{"traceEvents": [{"name": "a: inf", "args": {"rate": inf, "other": -NaN, "list": [nan, 1]}}]}')
    (event,), _ = _read(path)
    assert event == _Event("a: inf", {"rate": None, "other": None, "list": [None, 1]})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"nonsense", "not whole JSON"),
        (b'{"traceEvents": [{"name": ', "not whole JSON"),
        (b'{"events": []}', "no trace"),
        (b'{"traceEvents": [1, 2]}', "no trace"),
        (b"", "not whole JSON"),
        (b"\x1f\x8bnonsense", "not whole JSON"),
    ],
)
def test_what_is_no_trace_is_an_error_of_one_line(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "odd.json"
    path.write_bytes(content)
    with pytest.raises(TraceError, match=words) as caught:
        _read(path)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_absent_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="cannot be read"):
        _read(tmp_path / "absent.json")
