"""Hand-built traces, as files and as columns."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from profiler.trace.kineto import Trace, read_trace

Event = dict[str, Any]
MakeTrace = Callable[[list[Event]], Trace]


@pytest.fixture
def make_trace(tmp_path: Path) -> MakeTrace:
    """Give a function that writes events to a file and reads it; each has what an operator has, unless it says."""

    def make(events: list[Event]) -> Trace:
        path = tmp_path / "hand-built.json"
        usual = {"ph": "X", "cat": "cpu_op", "name": "aten::mul", "pid": 1, "tid": 1}
        path.write_text(json.dumps({"schemaVersion": 1, "traceEvents": [{**usual, **event} for event in events]}))
        return read_trace(path)

    return make
