"""Which events belong to which labelled call, and which lie within which: from labels and times, never from order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from profiler.labels import CallLabel, read_label
from profiler.trace.kineto import Trace

__all__ = ["Calls", "Nesting", "Timeline", "labelled_calls", "nest", "timeline_of"]

_Positions = NDArray[np.int64]
_Flags = NDArray[np.bool_]

_OPERATOR = "cpu_op"
_ANNOTATION = "user_annotation"


@dataclass(frozen=True)
class Calls:
    """Hold the labelled calls of one implementation and case, by start.

    `labels` names them, `events` are their positions in the trace; `thread`, `start_ns` and `end_ns` are columns of the
    same length.
    """

    labels: tuple[CallLabel, ...]
    events: _Positions
    thread: NDArray[np.int32]
    start_ns: _Positions
    end_ns: _Positions

    def __len__(self) -> int:
        return len(self.labels)

    def holding(self, trace: Trace) -> _Positions:
        """Give for each event of the trace the call on its thread that it starts in, -1 where there is none."""
        found = np.full(len(trace), -1, dtype=np.int64)
        for thread in np.unique(self.thread):
            calls = np.flatnonzero(self.thread == thread)
            events = np.flatnonzero((trace.thread_codes == thread) & np.isfinite(trace.timestamp_us))
            latest = np.searchsorted(self.start_ns[calls], trace.start_ns[events], side="right") - 1
            inside = (latest >= 0) & (trace.start_ns[events] <= self.end_ns[calls[latest]])
            found[events[inside]] = calls[latest[inside]]
        found[self.events] = -1
        return found


@dataclass(frozen=True)
class Nesting:
    """Hold how operators lie within each other, on each thread by time.

    `events` are positions in the trace, of operators only; the other columns have the same length. `parent` is a
    position in these columns, -1 at the top; `self_ns` is the time in no operator within; a `leaf` has no operator
    within. `straddling` are positions in the trace of events that begin within another and end after it by more than
    the clock's step.
    """

    events: _Positions
    parent: _Positions
    self_ns: _Positions
    leaf: _Flags
    straddling: _Positions


@dataclass(frozen=True)
class Timeline:
    """Hold a trace, its labelled calls, how its operators nest, and for each event the call it starts in (or -1)."""

    trace: Trace
    calls: Calls
    nesting: Nesting
    call_of: _Positions


def timeline_of(trace: Trace, implementation: str, case: str) -> Timeline:
    """Find the labelled calls of one implementation and case in a trace, and what lies within them."""
    calls = labelled_calls(trace, implementation, case)
    return Timeline(trace, calls, nest(trace), calls.holding(trace))


def labelled_calls(trace: Trace, implementation: str, case: str) -> Calls:
    """Find the calls whose label names this implementation and case."""
    labels = {code: label for code, name in enumerate(trace.names) if (label := read_label(name)) is not None}
    wanted = [code for code, label in labels.items() if label[:2] == (implementation, case)]
    # Where there is a device, the range appears a second time, on the device's side, in a category of its own.
    host = trace.spans & trace.timed & trace.in_categories(_ANNOTATION, _OPERATOR)
    events = np.flatnonzero(host & np.isin(trace.name_codes, wanted))
    events = events[np.argsort(trace.start_ns[events], kind="stable")]
    return Calls(
        labels=tuple(labels[code] for code in trace.name_codes[events].tolist()),
        events=events,
        thread=trace.thread_codes[events],
        start_ns=trace.start_ns[events],
        end_ns=trace.end_ns[events],
    )


def nest(trace: Trace) -> Nesting:
    """Put each operator into the innermost operator around it on its thread.

    An event is within another when it starts before the other's end; where two start together the longer one is
    outside, and of two alike the one recorded first. Ranges that users mark take no part.
    """
    labels = [code for code, name in enumerate(trace.names) if read_label(name) is not None]
    operators = trace.in_categories(_OPERATOR) & ~np.isin(trace.name_codes, labels)
    events = np.flatnonzero(trace.spans & trace.timed & operators)
    start, end = trace.start_ns[events], trace.end_ns[events]
    order = np.lexsort((trace.order[events], -end, start, trace.thread_codes[events]))
    events, start, end = events[order], start[order], end[order]
    thread = trace.thread_codes[events]
    parent = _parents(thread.tolist(), start.tolist(), end.tolist())
    within = parent >= 0
    duration = end - start
    covered = np.zeros(len(events), dtype=np.int64)
    # A child that outlasts its parent covers no more of it than there is.
    np.add.at(covered, parent[within], np.minimum(end[within], end[parent[within]]) - start[within])
    leaf = np.ones(len(events), dtype=np.bool_)
    leaf[parent[within]] = False
    late = np.zeros(len(events), dtype=np.bool_)
    late[within] = end[within] > end[parent[within]] + trace.resolution_ns
    return Nesting(events, parent, np.maximum(duration - covered, 0), leaf, events[late])


def _parents(thread: list[int], start: list[int], end: list[int]) -> _Positions:
    """Walk events in order of thread, start and falling end, with a stack of those still open."""
    parents = [-1] * len(start)
    open_events: list[int] = []
    now = -1
    for position, begin in enumerate(start):
        if thread[position] != now:
            now = thread[position]
            open_events.clear()
        while open_events and end[open_events[-1]] <= begin:
            open_events.pop()
        if open_events:
            parents[position] = open_events[-1]
        open_events.append(position)
    return np.array(parents, dtype=np.int64)
