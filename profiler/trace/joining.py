"""Joins rows on a key, and points in time to the innermost span around them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from profiler.trace.device_events import HostSpans

__all__ = ["NOWHERE", "innermost_at", "positions_of", "union"]

NOWHERE = -1

_Integers = NDArray[np.int64]


def positions_of(wanted: _Integers, keys: _Integers, preferred: NDArray[np.bool_] | None = None) -> _Integers:
    """Give for each wanted key the position of the row that has it, -1 where none has; a key below 0 is no key.

    Where several rows have one key, a preferred one is taken, and of these the first.
    """
    found = np.full(len(wanted), NOWHERE, dtype=np.int64)
    if not len(keys):
        return found
    last = ~preferred if preferred is not None else np.zeros(len(keys), dtype=np.bool_)
    order = np.lexsort((np.arange(len(keys)), last, keys))
    ordered = keys[order]
    place = np.minimum(np.searchsorted(ordered, wanted), len(ordered) - 1)
    same = (ordered[place] == wanted) & (wanted >= 0)
    found[same] = order[place[same]]
    return found


def innermost_at(spans: HostSpans, thread_codes: NDArray[np.int32], moments: _Integers) -> _Integers:
    """Give for each thread and moment the innermost span there, -1 where there is none; ends belong to a span."""
    found = np.full(len(moments), NOWHERE, dtype=np.int64)
    for thread in np.unique(thread_codes):
        here = np.flatnonzero(thread_codes == thread)
        held = np.flatnonzero(spans.thread_codes == thread)
        if not len(held):
            continue
        held = held[np.lexsort((-spans.end_ns[held], spans.start_ns[held]))]
        start, end = spans.start_ns[held], spans.end_ns[held]
        outer = _outer(start.tolist(), end.tolist())
        place = np.searchsorted(start, moments[here], side="right") - 1
        while True:
            late = (place >= 0) & (end[np.maximum(place, 0)] < moments[here])
            if not late.any():
                break
            place[late] = outer[place[late]]
        inside = place >= 0
        found[here[inside]] = held[place[inside]]
    return found


def _outer(start: list[int], end: list[int]) -> _Integers:
    """Give for each span, in order of start and falling end, the last one before it that ends no earlier."""
    outer = [NOWHERE] * len(start)
    still_open: list[int] = []
    for position, ends in enumerate(end):
        while still_open and end[still_open[-1]] < ends:
            still_open.pop()
        if still_open:
            outer[position] = still_open[-1]
        still_open.append(position)
    return np.array(outer, dtype=np.int64)


def union(start: _Integers, end: _Integers) -> tuple[_Integers, _Integers]:
    """Melt intervals that touch or overlap into one; those that are empty vanish."""
    kept = end > start
    order = np.argsort(start[kept], kind="stable")
    start, end = start[kept][order], end[kept][order]
    if not len(start):
        return start, end
    reach = np.maximum.accumulate(end)
    first = np.concatenate(([True], start[1:] > reach[:-1]))
    return start[first], reach[np.concatenate((np.flatnonzero(first)[1:] - 1, [len(reach) - 1]))]
