"""Real traces of many machines and years: read whole, and nested without losing time."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from profiler.trace.kineto import read_trace
from profiler.trace.timeline import nest

_FOLDER = Path(__file__).parents[4] / "shared" / "traces"
_TRACES = sorted((_FOLDER / "kineto").glob("*.json.gz")) if _FOLDER.is_dir() else []


def _figures(name: str) -> tuple[int, Counter[str]]:
    """Read how many events the folder's index counts in a trace, in all and by category."""
    for line in (_FOLDER / "INDEX.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0] == name:
            counts = re.findall(r"(\(none\)|\w+) (\d+)", cells[8])
            return int(cells[7]), Counter({"" if key == "(none)" else key: int(count) for key, count in counts})
    raise AssertionError(f"{name} is not in the index")


@pytest.mark.skipif(not _TRACES, reason="the traces recorded by others are not beside this repository")
@pytest.mark.parametrize("path", _TRACES, ids=lambda path: path.name)
def test_every_event_of_a_real_trace_is_read_and_nested(path: Path) -> None:
    events, categories = _figures(path.name)
    trace = read_trace(path)
    assert len(trace) == events
    assert trace.recorded_counts == categories
    nesting = nest(trace)
    operators = trace.spans & trace.timed & trace.in_categories("cpu_op")
    assert len(nesting.events) == operators.sum()
    within = nesting.parent >= 0
    assert (
        trace.thread_codes[nesting.events[within]] == trace.thread_codes[nesting.events[nesting.parent[within]]]
    ).all()
    assert (nesting.self_ns >= 0).all()
    if not len(nesting.straddling):
        # What lies in no operator of its own is counted once; whole microseconds may round a child beyond its parent.
        covered = trace.duration_ns[nesting.events[~within]].sum()
        assert abs(nesting.self_ns.sum() - covered) <= trace.resolution_ns * len(nesting.events)
    assert np.array_equal(nesting.leaf, ~np.isin(np.arange(len(within)), nesting.parent))
