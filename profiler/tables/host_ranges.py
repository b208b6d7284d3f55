"""What a trace's host marked and waited in: ranges with the work that was launched in them, and the system's calls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from profiler.labels import read_label
from profiler.tables.schema import Table, count, number, text
from profiler.trace.device_events import HostRanges, coded
from profiler.trace.launch_join import Linked

__all__ = ["OS_CALLS", "RANGES", "os_call_rows", "range_rows"]

_NANO = 1e-9
_TRACE = text("trace", "the file's name, without what tells its kind")

RANGES = Table(
    "ranges",
    "all marked ranges of a trace with one name in one domain",
    (
        _TRACE,
        text("domain", "NVTX's domain, empty for the default one"),
        text("range", "name of the ranges"),
        count("ranges", "how many"),
        count("depth", "ranges around the least deep of them on its thread"),
        number("host_s", "seconds in them, what lies within included; 0 for marks", "s"),
        count("activities", "kernels, graphs, copies and sets that calls within them launched"),
        number("device_s", "seconds of these by the device's own clock, each in full", "s"),
    ),
)
OS_CALLS = Table(
    "os_calls",
    "one function of the system's libraries that a trace's host waited in",
    (
        _TRACE,
        text("call", "name of the function"),
        count("calls", "how often it was recorded; recorders leave short calls out"),
        number("seconds", "seconds in it, of all threads together", "s"),
        number("median_s", "median seconds in it", "s"),
        number("longest_s", "longest of them", "s"),
    ),
)

_Integers = NDArray[np.int64]


def range_rows(linked: Linked) -> Iterator[dict[str, Any]]:
    """Give a row for each name in each domain, those with the most time on devices first, then on the host."""
    ranges = linked.trace.ranges
    launched, spent = _work_within(linked)
    depth = _depths(ranges)
    names, places = coded(_without_call(name) for name in ranges.names)
    keys = ranges.domain_codes.astype(np.int64) * max(len(names), 1) + places[ranges.name_codes]
    found = []
    for key in np.unique(keys).tolist():
        chosen = keys == key
        domain, name = divmod(key, len(names))
        found.append(
            {
                "domain": ranges.domains[domain],
                "range": names[name],
                "ranges": int(chosen.sum()),
                "depth": int(depth[chosen].min()),
                "host_s": float((ranges.end_ns - ranges.start_ns)[chosen].sum()) * _NANO,
                "activities": int(launched[chosen].sum()),
                "device_s": float(spent[chosen].sum()) * _NANO,
            }
        )
    return iter(sorted(found, key=lambda row: (-row["device_s"], -row["host_s"], row["domain"], row["range"])))


def _without_call(name: str) -> str:
    """Drop a call's number from the label of one of our own ranges, so that an implementation's calls are one row."""
    return name.rpartition("|")[0] if read_label(name) is not None else name


def _work_within(linked: Linked) -> tuple[_Integers, _Integers]:
    """Count for each range the activities that calls within it on its thread launched, and sum their nanoseconds."""
    ranges, calls, activities = linked.trace.ranges, linked.trace.host_calls, linked.trace.activities
    joined = linked.call_of >= 0
    asked = linked.call_of[joined]
    launched = np.bincount(asked, minlength=len(calls)).astype(np.int64)
    spent = np.zeros(len(calls), np.int64)
    np.add.at(spent, asked, activities.duration_ns[joined])
    found, nanoseconds = np.zeros(len(ranges), np.int64), np.zeros(len(ranges), np.int64)
    for thread in np.unique(ranges.thread_codes):
        here = np.flatnonzero(ranges.thread_codes == thread)
        own = np.flatnonzero(calls.thread_codes == thread)
        own = own[np.argsort(calls.start_ns[own], kind="stable")]
        first = np.searchsorted(calls.start_ns[own], ranges.start_ns[here], side="left")
        last = np.searchsorted(calls.start_ns[own], ranges.end_ns[here], side="right")
        for column, result in ((launched, found), (spent, nanoseconds)):
            until = np.concatenate(([0], np.cumsum(column[own])))
            result[here] = until[last] - until[first]
    return found, nanoseconds


def _depths(ranges: HostRanges) -> _Integers:
    """Count the ranges that are open on its thread where each begins, those with the same start by their length."""
    depth = np.zeros(len(ranges), np.int64)
    lasting = ranges.end_ns > ranges.start_ns
    for thread in np.unique(ranges.thread_codes):
        here = np.flatnonzero(ranges.thread_codes == thread)
        spans = here[lasting[here]]
        begun, ended = np.sort(ranges.start_ns[spans]), np.sort(ranges.end_ns[spans])
        marks = here[~lasting[here]]
        depth[marks] = np.searchsorted(begun, ranges.start_ns[marks], side="right") - np.searchsorted(
            ended, ranges.start_ns[marks], side="right"
        )
        spans = spans[np.lexsort((-ranges.end_ns[spans], ranges.start_ns[spans]))]
        depth[spans] = np.arange(len(spans)) - np.searchsorted(ended, ranges.start_ns[spans], side="right")
    return depth


def os_call_rows(linked: Linked) -> Iterator[dict[str, Any]]:
    """Give a row for each function, the longest in all first."""
    calls = linked.trace.os_calls
    spent = calls.end_ns - calls.start_ns
    found = []
    for code in np.unique(calls.name_codes).tolist():
        chosen = spent[calls.name_codes == code]
        found.append(
            {
                "call": calls.names[code],
                "calls": len(chosen),
                "seconds": float(chosen.sum()) * _NANO,
                "median_s": float(np.median(chosen)) * _NANO,
                "longest_s": float(chosen.max()) * _NANO,
            }
        )
    return iter(sorted(found, key=lambda row: (-row["seconds"], row["call"])))
